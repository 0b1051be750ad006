"""Where the containers of runs are: for those who have to remove them when nothing else of the run is left."""

from __future__ import annotations

import os

from localrun.workspace.place import find_place_in_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.adapters.engine_endpoints import Endpoint

KEPT = "kept-containers.json"
"""In the folder of a run whose containers stay when it has ended: the fields of their engine's endpoint."""


def describe_engine(endpoint: Endpoint) -> str:
    """Give an endpoint as one line of ASCII."""
    from localrun.adapters.engine_json import write_json
    from localrun.values import fields

    return write_json(fields(endpoint)).decode()


def note_kept(folder: str, endpoint: Endpoint) -> None:
    """Note in a run's folder that its containers stay.

    Raises:
        OSError: there is no room.
    """
    file = os.open(os.path.join(folder, KEPT), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(file, "w", encoding="ascii") as stream:
        stream.write(describe_engine(endpoint))


def locate_target(place: str, rank: int) -> str:
    """Give the path, in a node's folder in memory, of the file that holds what signals to a rank are sent to."""
    return os.path.join(place, f"target-{rank}")


def note_target(place: str, rank: int, target: str) -> None:
    """Note for `localrun kill` what signals to a rank are sent to; nothing when it has ended."""
    try:
        with open(locate_target(place, rank), "w", encoding="ascii") as file:
            file.write(target)
    except OSError:
        return  # no room: the rank can be reached by the supervisor only


def list_senders(folder: str) -> dict[int, Callable[[int], bool]]:
    """Give for each rank in a container that was started what sends it a signal; false: it has ended.

    Args:
        folder: The run's folder.
    """
    place = find_place_in_memory(folder)
    found: dict[int, Callable[[int], bool]] = {}
    for node in os.listdir(place) if place else ():
        for name in os.listdir(os.path.join(place, node)):
            what, _, rank = name.partition("-")
            if what == "target":
                found[int(rank)] = _make_sender(os.path.join(place, node), int(rank))
    return found


def _make_sender(place: str, rank: int) -> Callable[[int], bool]:
    return lambda number: _send(place, rank, number)  # importing `partial` would take a warm run milliseconds


def _send(place: str, rank: int, number: int) -> bool:
    try:
        with open(locate_target(place, rank), encoding="ascii") as file:
            target = file.read()
        control = os.open(os.path.join(place, "control"), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return bool(target) and os.write(control, f"signal {number} {target}\n".encode()) > 0
    except OSError:
        return False
    finally:
        os.close(control)


def remove_kept(folder: str, run_id: str) -> None:
    """Remove the containers that a run has kept, if it has any.

    Raises:
        LocalrunError: their engine does not answer, or refuses.
    """
    try:
        with open(os.path.join(folder, KEPT), "rb") as file:
            described = file.read()
    except OSError:
        return
    from localrun.adapters.engine_json import read_json

    remove_containers(read_json(described), run_id)


def remove_containers(engine: dict[str, str], run_id: str) -> int:
    """End and remove the containers and networks of a run; give how many containers there were.

    Args:
        engine: The fields of the endpoint, by name.
        run_id: The run.

    Raises:
        LocalrunError: the engine does not answer, or refuses.
    """
    from localrun.adapters.engine import Endpoint, Engine
    from localrun.adapters.engine_containers import remove_run

    return remove_run(Engine(Endpoint(**engine)), run_id)  # type: ignore[arg-type]  # the two flags are booleans
