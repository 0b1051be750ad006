"""Live runs: one small file each, locked for as long as the run's supervisor lives.

`<home>/active/<run_id>` holds lines that are only added to:

    boot <boot id>
    supervisor <pid> <start>
    front <pid> <start>
    rank <rank> <pid> <start>
    engine <JSON>      where the run's containers are, as `localrun.adapters.engine.Endpoint`
    ended <status> <exit code> <origin> [<kind>]    (only where the record could not be written)

The lock is flock's, so the kernel gives it up when the supervisor dies, however it dies: an entry whose lock can be had
belongs to a run that nobody supervises. Imports only what a warm run has anyway.
"""

from __future__ import annotations

import fcntl
import os

from localrun.adapters.processes import Process
from localrun.values import value
from localrun.workspace.home import failed, make_folder
from localrun.workspace.locks import is_locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


@value
class Entry:
    """What an entry says.

    Attributes:
        run_id: The run.
        boot: The boot id of the machine when the run began; empty when it was killed before it said so.
        supervisor: The supervisor, or None when it was not noted yet.
        front: The front end, or None.
        ranks: The first process of each rank that was started, by rank.
        engine: The fields of the endpoint of the engine that has the run's containers, by name; None when it has none.
        ended: Status, exit code, origin and kind of a run whose supervisor could not write them into the record; the
            disk was full. Empty as a rule.
    """

    run_id: str
    boot: str = ""
    supervisor: Process | None = None
    front: Process | None = None
    ranks: tuple[tuple[int, Process], ...] = ()
    engine: dict[str, Any] | None = None
    ended: tuple[str, ...] = ()


def claim(home: str, run_id: str) -> int:
    """Make the entry of a run and lock it; give its descriptor, which is not inherited by programs that are started.

    The lock lives as long as any process has the descriptor open: after a fork, close it in every process but the
    supervisor.

    Raises:
        StoreFailed: the folder cannot be written, or its file system has no locks.
    """
    path = _path(home, run_id)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        while True:
            try:
                descriptor = os.open(path, flags, 0o600)
            except FileNotFoundError:
                make_folder(os.path.dirname(path))
                continue
            os.fchmod(descriptor, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return descriptor
            os.close(descriptor)  # another process looked between the two steps and took it for a dead run's
    except OSError as error:
        raise failed(error, path) from error


def note(descriptor: int, lines: Iterable[str]) -> None:
    """Add lines to an entry, in one write.

    Raises:
        StoreFailed: the disk is full.
    """
    data = "".join([f"{line}\n" for line in lines]).encode("ascii")
    try:
        os.write(descriptor, data)
    except OSError as error:
        raise failed(error, "the entry of the live run") from error


def release(home: str, run_id: str, descriptor: int) -> None:
    """Remove the entry and give up its lock; the record must be closed before."""
    try:
        os.unlink(_path(home, run_id))
    except FileNotFoundError:
        pass
    finally:
        os.close(descriptor)


def names(home: str) -> list[str]:
    """Give the ids of the runs that have an entry, living or dead."""
    try:
        with os.scandir(os.path.join(home, "active")) as found:
            return [entry.name for entry in found]
    except FileNotFoundError:
        return []


def is_live(home: str, run_id: str) -> bool:
    """Tell whether a living process holds the lock of the run's entry."""
    return is_locked(_path(home, run_id))


def take(home: str, run_id: str) -> int | None:
    """Give a descriptor that holds the lock of a dead run's entry; None when the run lives or has no entry."""
    try:
        descriptor = os.open(_path(home, run_id), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:
            return descriptor
    except OSError:
        pass  # its supervisor lives, or another command is ending what is left of it
    os.close(descriptor)
    return None


def wait(home: str, run_id: str) -> None:
    """Wait until no living process holds the lock of the run's entry; returns at once when it has none."""
    try:
        descriptor = os.open(_path(home, run_id), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def read(home: str, run_id: str) -> Entry:
    """Give what the entry of a run says; an empty Entry when it has none.

    The last line of a supervisor that was killed while it wrote may be torn; it is left out.
    """
    try:
        with open(_path(home, run_id), "rb") as file:
            lines = file.read().decode("ascii", "replace").split("\n")[:-1]
    except OSError:
        lines = []
    boot = ""
    named: dict[str, Process] = {}
    ranks: dict[int, Process] = {}
    ended: tuple[str, ...] = ()
    engine: dict[str, Any] | None = None
    for line in lines:
        if line.startswith("engine "):
            from localrun.adapters.engine_json import read_json

            engine = read_json(line.removeprefix("engine ").encode())
            continue
        match line.split():
            case ["boot", text]:
                boot = text
            case ["supervisor" | "front" as who, pid, start] if pid.isdigit():
                named[who] = Process(pid=int(pid), start=start)
            case ["rank", rank, pid, start] if rank.isdigit() and pid.isdigit():
                ranks[int(rank)] = Process(pid=int(pid), start=start)
            case ["ended", status, code, origin, *kind] if code.isdigit():
                ended = (status, code, origin, "".join(kind))
    supervisor, front = named.get("supervisor"), named.get("front")
    return Entry(
        run_id=run_id,
        boot=boot,
        supervisor=supervisor,
        front=front,
        ranks=tuple(sorted(ranks.items())),
        engine=engine,
        ended=ended,
    )


def entries(home: str) -> tuple[Entry, ...]:
    """Give what every entry says, living or dead, ordered by run id."""
    return tuple([read(home, name) for name in sorted(names(home))])


def _path(home: str, run_id: str) -> str:
    return os.path.join(home, "active", run_id)
