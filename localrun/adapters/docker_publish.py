"""Images under the name that they have here, brought to a registry of the user's and back."""

from __future__ import annotations

import os

from localrun.adapters.docker_credentials import NOBODY, Credentials, find_credentials
from localrun.adapters.docker_errors import ImageFailed
from localrun.adapters.docker_names import place_in, split_name
from localrun.adapters.docker_registry import RemoteImage, look_up, pull_image, push_image
from localrun.adapters.engine_errors import EngineRefused
from localrun.adapters.engine_http import quote
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from localrun.adapters.answers import Tell
    from localrun.adapters.engine import Engine


@value
class Published:
    """An image in a registry.

    Attributes:
        reference: What it is called there, with the registry.
        digest: What the registry knows it by, `sha256:…`.
    """

    reference: str
    digest: str


def find_account(registry: str, environ: Mapping[str, str]) -> Credentials:
    """Find who we are to a registry, `host[:port][/prefix]`, as docker's own settings have it."""
    host = split_name(place_in(registry, "any")).registry
    return find_credentials(host, environ, os.path.expanduser("~"))


def publish_image(
    engine: Engine,
    image: str,
    registry: str,
    *,
    name: str = "",
    credentials: Credentials = NOBODY,
    report: Tell | None = None,
) -> Published:
    """Send an image to a registry.

    Args:
        engine: The engine that has it.
        image: Its id or any of its names.
        registry: `host[:port][/prefix]`.
        name: What it is called there, below the prefix; empty: as `image` says.
        credentials: Who we are to the registry.
        report: Told how it goes on.

    Raises:
        ImageFailed: it did not get there, or the engine does not have it.
        BadInput: the registry is no address.
    """
    reference = place_in(registry, name or image)
    there = tag_image(engine, image, reference)
    try:
        return Published(
            reference=reference, digest=push_image(engine, reference, credentials=credentials, report=report)
        )
    except BaseException:
        if not there:
            untag_image(engine, reference)
        raise


def fetch_image(
    engine: Engine, name: str, registry: str, *, credentials: Credentials = NOBODY, report: Tell | None = None
) -> RemoteImage | None:
    """Fetch an image from a registry, and call it here what it is called below the registry's prefix.

    Args:
        engine: The engine that is to have it.
        name: Such as `azureml/azureml_<32 hex>`.
        registry: `host[:port][/prefix]`.
        credentials: Who we are to the registry.
        report: Told how it goes on.

    Returns:
        What the registry has; None when it does not have it, and nothing has happened.

    Raises:
        ImageFailed: the registry cannot be asked, or the image cannot be fetched.
        BadInput: the registry is no address.
    """
    reference = place_in(registry, name)
    found = look_up(engine, reference, credentials=credentials)
    if found is None:
        return None
    pull_image(engine, reference, credentials=credentials, report=report)
    tag_image(engine, reference, name)
    return found


def tag_image(engine: Engine, image: str, reference: str) -> bool:
    """Give an image a further name; whoever has that name loses it.

    Returns:
        Whether the image had that name before.

    Raises:
        ImageFailed: the engine does not have the image.
        BadInput: the name is none.
    """
    name = split_name(reference)
    try:
        found = engine.ask("GET", f"/images/{quote(image, '/:@')}/json")
    except EngineRefused as error:
        raise _refuse_missing(image, error) from None
    if f"{name.place}:{name.tag}" in (found.get("RepoTags") or ()):
        return True
    engine.ask("POST", f"/images/{quote(found['Id'], ':')}/tag", query={"repo": name.place, "tag": name.tag})
    return False


def untag_image(engine: Engine, reference: str) -> None:
    """Take a name from an image, if anything has it; an image without another name goes with its last one."""
    try:
        engine.ask("DELETE", f"/images/{quote(reference, '/:@')}", query={"noprune": True})
    except EngineRefused:
        return


def _refuse_missing(image: str, error: EngineRefused) -> ImageFailed | EngineRefused:
    if error.status != 404:  # noqa: PLR2004 - what is not there
        return error
    return ImageFailed(
        f"the engine has no image {image}", hint="localrun image list shows those there", code="image_not_found"
    )
