"""Hands the socket over which an MPI's process manager talks to a rank from its stand-in to the rank.

    python3 hand_over.py give FOLDER RANK              in the stand-in
    python3 hand_over.py take FOLDER RANK COMMAND...   in the rank, which becomes the command

Only the mpirun of Intel MPI needs it: it has no way for ranks to connect by themselves. Nothing of localrun is imported
here: it runs in the environment of the ranks.
"""

from __future__ import annotations

import os
import socket
import sys
import time

PATIENCE_S = 30.0
"""So long may the stand-in take to be ready for its rank."""


def give(folder: str, rank: str) -> None:
    """Give this process's PMI_FD to a rank, and stay as long as it does."""
    os.chdir(folder)  # the name of a socket may not be as long as a path
    end = os.open(f"{rank}.end", os.O_RDONLY | os.O_NONBLOCK)  # the rank opens it first of all, and keeps it open
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"{rank}.new")
    server.listen(1)
    os.rename(f"{rank}.new", f"{rank}.socket")
    connection, _ = server.accept()
    manager = int(os.environ["PMI_FD"])
    socket.send_fds(connection, [b"."], [manager])
    os.close(manager)
    os.set_blocking(end, True)
    os.read(end, 1)
    os.write(8, b"e")  # as stand_in.sh says it


def take(folder: str, rank: str, command: list[str]) -> None:
    """Take the socket from the stand-in, and become the command."""
    here = os.getcwd()
    os.chdir(folder)
    deadline = time.monotonic() + PATIENCE_S
    while not os.path.exists(f"{rank}.socket") and time.monotonic() < deadline:
        time.sleep(0.005)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(f"{rank}.socket")
    _, (manager, *_), _, _ = socket.recv_fds(connection, 1, 1)
    os.chdir(here)
    os.set_inheritable(manager, True)
    os.environ["PMI_FD"] = str(manager)
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.exit(f"localrun: cannot start {command[0]}: {error.strerror}")


if __name__ == "__main__":
    if sys.argv[1] == "give":
        give(sys.argv[2], sys.argv[3])
    else:
        take(sys.argv[2], sys.argv[3], sys.argv[4:])
