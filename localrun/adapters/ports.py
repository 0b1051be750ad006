"""Ports: one that is free on this machine, kept for a run until it ends."""

from __future__ import annotations

import fcntl
import os
import socket

from localrun.errors import LocalrunError

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
    """
    folder = os.path.join(home, "ports")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    count = LAST - FIRST + 1
    start = int.from_bytes(os.urandom(4), "big") % count
    for step in range(count):
        port = FIRST + (start + step) % count
        lock = os.open(os.path.join(folder, str(port)), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if _take(lock) and _is_free(port):
            return port, lock
        os.close(lock)
    raise LocalrunError(f"no port between {FIRST} and {LAST} is free", hint="end other runs, then try again")


def _take(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
