"""Ports: one that is free on this machine, kept for a run until it ends."""

from __future__ import annotations

import fcntl
import os

# the C half of `socket`: the rest of that module imports enum and selectors, which ranks would wait for
from _socket import SO_REUSEADDR, SOL_SOCKET, socket

from localrun.errors import LocalrunError, StoreFailed

FIRST, LAST = 20_000, 29_999
"""Below the range from which systems hand out ports by themselves."""


def reserve_port(home: str) -> tuple[int, int]:
    """Reserve a port for a run.

    Args:
        home: The workspace; a file for each port in its `ports` folder carries the lock.

    Returns:
        The port, and the descriptor that holds it for as long as it is open.

    Raises:
        LocalrunError: none of them is free.
        StoreFailed: the folder cannot be written, or its file system has no locks.
    """
    folder = os.path.join(home, "ports")
    count = LAST - FIRST + 1
    start = int.from_bytes(os.urandom(4), "big") % count
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for step in range(count):
            port = FIRST + (start + step) % count
            lock = os.open(os.path.join(folder, str(port)), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if _take(lock) and is_free(port):
                return port, lock
            os.close(lock)
    except OSError as error:
        hint = "free some space there, or set LOCALRUN_HOME to a folder of your own on another disk"
        raise StoreFailed(f"no port can be reserved in {folder}: {error.strerror}", hint=hint) from error
    raise LocalrunError(f"no port between {FIRST} and {LAST} is free", hint="end other runs, then try again")


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
