"""The containers that an image is made in: what they see of this machine, and how they end."""

from __future__ import annotations

import contextlib
import os

from localrun.adapters.containers import create_container, discard_container, rename_container
from localrun.adapters.docker_errors import HINTS, read_reason
from localrun.adapters.engine_errors import EngineRefused
from localrun.adapters.network_settings import gather_variables
from localrun.adapters.pip_settings import pip_as_uv
from localrun.adapters.uv import find_uv
from localrun.environments.image_leftovers import name_container
from localrun.environments.image_script import CACHE, INSIDE, list_links
from localrun.errors import EnvironmentFailed, LocalrunError
from localrun.formats.lock_archives import WHEELS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from localrun.adapters.containers import ImageFacts
    from localrun.environments.image_making import Making

VOLUME = "localrun-uv-cache"
"""The engine's volume that keeps what uv has fetched for images, and what was compiled of it."""


@contextlib.contextmanager
def open_container(making: Making, image: str, base: ImageFacts, *, keep: bool = False) -> Iterator[str]:
    """Give a container to build in, which is removed at the end.

    Its shell waits for a script, as root. It is given nothing that could stay in it.

    Args:
        making: The making.
        image: The id of what it is made of.
        base: The base image, whose user does not count here.
        keep: One in which a step failed stays.

    Raises:
        EnvironmentFailed: the engine has no room.
    """
    engine, kept = making.engine, False
    try:
        container = create_container(engine, _describe(making, image, base), name=name_container())
        try:
            yield container
        except EnvironmentFailed as error:
            if keep:
                _keep(making, container, error)
                kept = True
            raise
        finally:
            if not kept:
                discard_container(engine, container)
    except EngineRefused as error:
        raise _explain(error) from None


def _describe(making: Making, image: str, base: ImageFacts) -> dict[str, object]:
    settings: dict[str, object] = {
        "Image": image,
        "Entrypoint": ["/bin/sh"],
        "Cmd": ["-s"],
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "HostConfig": _describe_host(making),
    }
    return settings | ({"User": "0"} if base.user else {})


def _keep(making: Making, container: str, error: EnvironmentFailed) -> None:
    name = f"localrun-kept_{os.urandom(4).hex()}"
    rename_container(making.engine, container, name)
    error.hint = (
        f"{error.hint}; the container is kept: docker commit {name} look && docker run -it --entrypoint sh look, "
        f"and then docker rm {name}"
    )


def _explain(error: EngineRefused) -> LocalrunError:
    """Say what it means when an engine could not do a step of a build."""
    if read_reason(error.reason) == "store_full":
        message = f"the engine has no room for the image: {error.reason}"
        return EnvironmentFailed(message, hint=HINTS["store_full"], code="store_full")
    return error


def _describe_host(making: Making) -> dict[str, object]:
    """Give the HostConfig of a container to build in. What is mounted lies below /dev, and leaves nothing behind."""
    mounts: list[dict[str, object]] = []
    remote = making.engine.endpoint.remote
    if making.build.plan.pip:
        mounts.append({"Type": "volume", "Source": VOLUME, "Target": CACHE})
        near = {} if remote else {find_uv(): f"{INSIDE}/uv"} | list_mounted_links(making)
        mounts += [{"Type": "bind", "Source": path, "Target": place, "ReadOnly": True} for path, place in near.items()]
    host: dict[str, object] = {"Mounts": mounts, "LogConfig": {"Type": "none"}}
    if making.image.inherit_network_settings and not remote:
        host["NetworkMode"] = "host"  # proxies and indexes of this machine may listen on loopback
    return host


def list_mounted_links(making: Making) -> dict[str, str]:
    """Give the folders of this machine that hold packages, with their places in the container."""
    plan = making.build.plan
    if vendored := making.build.settings.vendored:
        return list_links((f"--find-links {os.path.join(vendored, WHEELS)}",), "/", "")
    setting = ""
    if making.image.inherit_network_settings:
        setting = gather_variables(os.environ, pip_as_uv(os.environ)).get("UV_FIND_LINKS", "")
    return list_links(plan.pip, plan.directory, setting)
