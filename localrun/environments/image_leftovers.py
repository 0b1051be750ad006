"""Containers and images that builders left behind who are dead: known by their names, removed by the next builder."""

from __future__ import annotations

import os
from contextlib import suppress

from localrun.adapters.containers import list_containers, list_images, remove_container, remove_image
from localrun.adapters.engine_errors import EngineRefused
from localrun.adapters.processes import Process, boot_id, identify, is_alive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.adapters.engine import Engine

PREFIX = "localrun-build_"
"""How the containers of builds are called: prefix, maker, random. What an image is made in gives it its labels, so
a label would go on to every container of that image."""
MAKER = "localrun.maker"
"""The label that names the maker of an image that may not have got its name."""


def name_maker() -> str:
    """Name this process so that nobody else ever has the same name: pid, start, boot."""
    process = identify(os.getpid())
    return f"{os.getpid()}-{process.start if process else '0'}-{boot_id()[:8]}"


def name_container() -> str:
    """Give a name for a container of this process."""
    return f"{PREFIX}{name_maker()}_{os.urandom(4).hex()}"


def remove_leftovers(engine: Engine) -> int:
    """Remove what dead builders of this machine left in an engine, and give how many containers that were.

    What the engine cannot remove now is left to the next builder.

    Raises:
        LocalrunError: the engine does not answer.
    """
    removed = 0
    for container, name in list_containers(engine, PREFIX):
        if is_dead(name.removeprefix(PREFIX).partition("_")[0], remote=engine.endpoint.remote):
            with suppress(EngineRefused):
                remove_container(engine, container)
                removed += 1
    for found in list_images(engine, dangling="true", label=MAKER):
        if is_dead((found.get("Labels") or {}).get(MAKER, ""), remote=engine.endpoint.remote):
            with suppress(EngineRefused):
                remove_image(engine, str(found["Id"]))
    return removed


def is_dead(maker: str, *, remote: bool) -> bool:
    """Tell whether a maker has ended; one of a name that is not ours is taken to live.

    Args:
        maker: As `name_maker` has it.
        remote: The engine may have makers on other machines, of which nothing is known here.
    """
    pid, _, rest = maker.partition("-")
    start, _, boot = rest.rpartition("-")
    if not pid.isdigit() or not start or not boot:
        return False
    if boot != boot_id()[:8]:
        return not remote
    return not is_alive(Process(pid=int(pid), start=start))
