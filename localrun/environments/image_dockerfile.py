"""The user's Dockerfile, built by the engine's own builder."""

from __future__ import annotations

import os

from localrun.adapters.archives import Member, list_context_members, write_archive
from localrun.adapters.build_context import hash_context, list_context
from localrun.adapters.docker_names import split_name
from localrun.adapters.image_builder import DockerfileBuild, build_dockerfile
from localrun.adapters.network_settings import PROXIES
from localrun.environments.image_bases import find_account
from localrun.environments.image_secrets import KnownSecret, list_known, refuse_secrets
from localrun.errors import BadInput
from localrun.formats.docker_section import list_telling_names
from localrun.resolve.image import list_bases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from localrun.environments.image_making import Making


def build_dockerfile_image(making: Making) -> str:
    """Build the Dockerfile of an image and give the id of what it makes.

    Raises:
        BadInput: the Dockerfile or its context cannot be used, or the context changed since the plan was made.
        EnvironmentFailed: a step failed.
    """
    image, settings = making.image, making.build.settings
    making.tell("image", "building the Dockerfile")
    accounts = {
        split_name(reference).registry: find_account(making.build.plan, reference, settings)
        for reference in list_bases(image)
    }
    name, archive = _pack(making, list_known(making.build.places.home, os.environ, accounts))
    if telling := list_telling_names(image.dockerfile):
        making.tell("image", f"what ARG and ENV hold stays in the image: is {_name(tuple(telling))} a secret?")
    remote = making.engine.endpoint.remote
    proxies = {key: text for key, text in os.environ.items() if key.lower() in PROXIES}
    build = DockerfileBuild(
        dockerfile=name,
        labels={},
        platform=image.platform,
        arguments=proxies if image.inherit_network_settings else {},
        host_network=image.inherit_network_settings and not remote,
        accounts=accounts,
        fresh=settings.rebuild,
        keep=settings.keep,
    )
    return build_dockerfile(making.engine, archive, build, lambda line: making.tell("image", line))


def _pack(making: Making, secrets: tuple[KnownSecret, ...]) -> tuple[str, Iterator[bytes]]:
    image = making.image
    if not image.context:
        refuse_secrets(secrets, image.dockerfile, None)
        return "Dockerfile", write_archive([Member(name="Dockerfile", content=image.dockerfile.encode())])
    context = list_context(image.context, image.dockerfile_path)
    if hash_context(context) != image.context_hash:
        message = f"the build context {image.context} changed while it was looked at"
        raise BadInput(message, hint="build again when nobody changes it")
    refuse_secrets(secrets, image.dockerfile, context)
    if context.skipped:
        making.tell("image", f"not in the build context, being neither files nor folders: {_name(context.skipped)}")
    return image.dockerfile_path, write_archive(list_context_members(context))


def _name(paths: tuple[str, ...]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""  # noqa: PLR2004 - three examples are enough
    return ", ".join(paths[:3]) + more
