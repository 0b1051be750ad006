"""Ports: one that is free on this machine, kept for a run until it ends."""

from __future__ import annotations

import fcntl
import os

# the C half of `socket`: the rest of that module imports enum and selectors, which ranks would wait for
from _socket import SO_REUSEADDR, SOL_SOCKET, socket

from localrun.errors import LocalrunError, StoreFailed

FIRST, LAST = 20_000, 29_999
"""Below the range from which systems hand out ports by themselves."""


def reserve_ports(home: str, count: int = 1) -> tuple[int, tuple[int, ...]]:
    """Reserve ports that follow one another for a run.

    Args:
        home: The workspace; a file for each port in its `ports` folder carries the lock.
        count: How many.

    Returns:
        The first port, and the descriptors that hold them for as long as they are open.

    Raises:
        LocalrunError: there are not so many free ones in a row.
        StoreFailed: the folder cannot be written, or its file system has no locks.
    """
    folder = os.path.join(home, "ports")
    starts = LAST - FIRST + 2 - count
    start = int.from_bytes(os.urandom(4), "big")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for step in range(0, max(starts, 0), count):
            first = FIRST + (start + step) % starts
            holds = _hold(folder, range(first, first + count))
            if holds:
                return first, holds
    except OSError as error:
        hint = "free some space there, or set LOCALRUN_HOME to a folder of your own on another disk"
        raise StoreFailed(f"no port can be reserved in {folder}: {error.strerror}", hint=hint) from error
    what = "no port" if count == 1 else f"no row of {count} ports"
    raise LocalrunError(f"{what} between {FIRST} and {LAST} is free", hint="end other runs, then try again")


def _hold(folder: str, ports: range) -> tuple[int, ...]:
    """Hold all of some ports, or none of them."""
    holds: list[int] = []
    for port in ports:
        lock = os.open(os.path.join(folder, str(port)), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        holds.append(lock)
        if not _take(lock) or not is_free(port):
            for taken in holds:
                os.close(taken)
            return ()
    return tuple(holds)


def _take(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a port of this machine."""
    probe = socket()
    try:
        probe.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        probe.bind(("", port))
    except OSError:
        return False
    finally:
        probe.close()
    return True
