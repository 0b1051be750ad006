"""The images below an image: fetched where they are missing, and looked at before anything is put on them."""

from __future__ import annotations

import os

from localrun.adapters.containers import ImageFacts, find_image, has_path
from localrun.adapters.docker_credentials import Credentials, find_credentials
from localrun.adapters.docker_names import split_name
from localrun.adapters.docker_registry import pull_image
from localrun.environments.settings import BuildSettings, Progress, make_tell
from localrun.errors import BadInput, EnvironmentFailed, SecretFailed
from localrun.formats.v1_sections import find_reference
from localrun.resolve.image import list_bases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.adapters.engine import Engine
    from localrun.plan import EnvironmentPlan, ImagePlan

    Report = Callable[[Progress], None]

LOADERS = {
    "amd64": ("/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
    "arm64": ("/lib/ld-linux-aarch64.so.1", "/lib64/ld-linux-aarch64.so.1"),
    "ppc64le": ("/lib64/ld64.so.2",),
    "s390x": ("/lib/ld64.so.1",),
}
"""Where glibc's loader is, by architecture: every program of conda starts with it."""
GLIBC = "use a base image with glibc, such as debian, ubuntu or one of Azure ML's; or an environment without packages"


def fetch_bases(engine: Engine, plan: EnvironmentPlan, settings: BuildSettings, report: Report) -> dict[str, str]:
    """Give what each base image stands for, fetched where the plan's `pull` says so.

    Raises:
        ImageFailed: one cannot be had.
        EnvironmentFailed: one is missing and may not be fetched.
    """
    image = _image(plan)
    ids = {}
    for reference in list_bases(image):
        found = find_image(engine, reference)
        wrong = found is not None and bool(image.base) and not _is_for(found, image.platform)
        wanted = image.pull == "always" or (image.pull == "missing" and (found is None or wrong))
        if wanted and not settings.offline:
            pull(engine, plan, reference, settings, report)
            found = find_image(engine, reference)
        if found is None:
            may = "offline" if settings.offline else "with --pull never"
            message = f"the image {reference} is not in the engine, and nothing is fetched {may}"
            raise EnvironmentFailed(message, hint=f"docker pull {reference}, or docker load", code="image_not_found")
        if image.base:
            check_platform(found, reference, image.platform)
        ids[reference] = found.id
    return ids


def _image(plan: EnvironmentPlan) -> ImagePlan:
    assert plan.image is not None  # noqa: S101 - plans of this kind have one
    return plan.image


def _is_for(facts: ImageFacts, platform: str) -> bool:
    return facts.platform.split("/")[:2] == platform.split("/")[:2]


def check_platform(facts: ImageFacts, reference: str, platform: str) -> None:
    """Refuse an image of another platform than is asked for.

    Raises:
        EnvironmentFailed: it is.
    """
    if not _is_for(facts, platform):
        message = f"the image {reference} is for {facts.platform}, and {platform} is asked for"
        hint = f"name an image that there is for {platform}, or ask for {facts.platform} (--platform)"
        raise EnvironmentFailed(message, hint=hint, code="image_platform")


def pull(engine: Engine, plan: EnvironmentPlan, reference: str, settings: BuildSettings, report: Report) -> None:
    """Fetch an image with the account that its registry has in the plan, else in docker's own settings.

    Raises:
        ImageFailed: it cannot be had.
        SecretFailed: the password that the plan refers to is not there.
    """
    account = find_account(plan, reference, settings)
    platform = _image(plan).platform
    pull_image(engine, reference, platform=platform, credentials=account, report=make_tell(report))


def find_account(plan: EnvironmentPlan, reference: str, settings: BuildSettings) -> Credentials:
    """Give who we are to the registry of an image.

    Raises:
        SecretFailed: the password that the plan refers to is not there.
    """
    image = _image(plan)
    host = split_name(reference).registry
    here = not image.registry or split_name(f"{image.registry}/any").registry == host
    if here and (image.username or image.identity_token):
        return settings.account or _read_account(image)
    return find_credentials(host, os.environ, os.path.expanduser("~"))


def _read_account(image: ImagePlan) -> Credentials:
    if image.identity_token:
        return Credentials(identity_token=_read_secret(image.identity_token, image.registry))
    return Credentials(username=image.username, password=_read_secret(image.password, image.registry))


def _read_secret(reference: str, registry: str) -> str:
    """Give the value of `${NAME}`: an environment variable, else a secret of the workspace."""
    name = find_reference(reference)
    if not name:
        return ""
    if name in os.environ:
        return os.environ[name]
    from localrun.secrets.store import Vault, read_secrets
    from localrun.workspace.home import open_home

    try:
        return read_secrets(Vault(home=open_home(os.environ), environ=os.environ), [name])[name]
    except SecretFailed as error:
        message = f"the password for {registry or 'the registry'} is to be in {name}: {error.message}"
        hint = f"set the environment variable {name}, or localrun secret set {name}"
        raise SecretFailed(message, hint=hint, code=error.code) from None


def check_plain(engine: Engine, plan: EnvironmentPlan) -> None:
    """Refuse an image that is used as it is and cannot run on this engine.

    Raises:
        EnvironmentFailed: it is for another platform than the plan says.
    """
    image = _image(plan)
    found = find_image(engine, image.name)
    if found is not None:
        check_platform(found, image.name, image.platform)


def check_base(engine: Engine, container: str, facts: ImageFacts, shown: str, *, conda: bool) -> None:
    """Refuse a base image that cannot hold what is to be put on it, before anything is linked.

    Args:
        engine: The engine.
        container: A container of it, which need not run.
        facts: The base image.
        shown: What it is called in front of the user.
        conda: A conda environment is to be put on it.

    Raises:
        EnvironmentFailed: it has no shell; or, for conda, no glibc.
    """
    if not facts.platform.startswith("linux/"):
        message = f"the base image {shown} is for {facts.platform}; only images of Linux can be built on"
        raise EnvironmentFailed(message, hint=GLIBC, code="image_platform")
    if conda:
        _check_loader(engine, container, facts, shown)
    if not has_path(engine, container, "/bin/sh"):
        message = f"the base image {shown} has no shell (/bin/sh), which is needed to build on it and to run in it"
        hint = "use one with a shell: the full or slim variant of it instead of distroless or scratch"
        raise EnvironmentFailed(message, hint=hint, code="base_image")


def _check_loader(engine: Engine, container: str, facts: ImageFacts, shown: str) -> None:
    machine = facts.platform.split("/")[1]
    if machine not in LOADERS:
        message = f"the base image {shown} is for {facts.platform}, for which conda has no packages"
        raise BadInput(message, hint="use one for linux/amd64 or linux/arm64")
    if any(has_path(engine, container, path) for path in LOADERS[machine]):
        return
    names = {"amd64": "x86_64", "arm64": "aarch64"}
    if has_path(engine, container, f"/lib/ld-musl-{names.get(machine, machine)}.so.1"):
        message = f"the base image {shown} has musl in place of glibc (Alpine?), and conda's programs need glibc"
    else:
        message = f"the base image {shown} has no glibc for {machine}, and conda's programs need it"
    raise EnvironmentFailed(message, hint=GLIBC, code="base_image")
