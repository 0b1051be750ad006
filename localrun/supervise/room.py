"""Room for the end of a run: the record of a run that filled the disk is written into space kept for it."""

from __future__ import annotations

import os

NAME = "room-for-the-record"
BYTES = 256 * 1024
"""Enough for the largest usual record, and for the pages of the database's journal."""


def keep_room(folder: str) -> None:
    """Keep room in a run's folder until `free_room`.

    Raises:
        OSError: there is none.
    """
    file = os.open(os.path.join(folder, NAME), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        if hasattr(os, "posix_fallocate"):  # not on macOS
            os.posix_fallocate(file, 0, BYTES)
        else:
            os.write(file, bytes(BYTES))
    finally:
        os.close(file)


def free_room(folder: str) -> None:
    """Give the room back."""
    try:
        os.unlink(os.path.join(folder, NAME))
    except OSError:
        return  # it was freed before
