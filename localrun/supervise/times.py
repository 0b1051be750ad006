"""When each rank printed what: `<run folder>/times`, written beside the logs and read by `localrun logs`.

A record for each piece of output that was stored, in the order of time, 24 bytes: nanoseconds since the epoch, the size
of the rank's log after it, and the rank; each a big-endian number of 8 bytes.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "times"
RECORD_BYTES = 24
_HALF = (1 << 64) - 1


class Times:
    """The file while it is written; what it does not take (a full disk) is left out."""

    __slots__ = ("_ends", "_file")

    def __init__(self, folder: str) -> None:
        """Begin the file in a run's folder."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._ends: dict[int, int] = {}
        try:
            self._file = os.open(os.path.join(folder, NAME), flags, 0o600)
        except OSError:
            self._file = -1

    def note(self, rank: int, end: int) -> None:
        """The log of a rank has grown to `end` bytes."""
        if self._file < 0 or self._ends.get(rank, 0) == end:
            return
        self._ends[rank] = end
        try:
            os.write(self._file, (time.time_ns() << 128 | end << 64 | rank).to_bytes(RECORD_BYTES, "big"))
        except OSError:
            os.close(self._file)
            self._file = -1


def read_times(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Give for each whole record nanoseconds since the epoch, rank and size of its log."""
    for start in range(0, len(data) - RECORD_BYTES + 1, RECORD_BYTES):
        number = int.from_bytes(data[start : start + RECORD_BYTES], "big")
        yield number >> 128, number & _HALF, number >> 64 & _HALF
