"""A log while it is written: opened once it is there, and read on from where the last look ended."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

PIECE = 1 << 20
"""So much is read at a time."""


class LogFile:
    """A log, as far as it has been read."""

    def __init__(self, path: str, tail: int | None = None) -> None:
        """Begin at the start of a log, or at its last `tail` lines where it is there already."""
        self._path = path
        self._file: IO[bytes] | None = None
        self._begun = b""
        if tail is not None and (file := self._open()):
            file.seek(tail_offset(file, tail))

    def _open(self) -> IO[bytes] | None:
        if self._file is None:
            try:
                self._file = open(self._path, "rb")  # noqa: SIM115 - closed by finish
            except FileNotFoundError:
                return None
        return self._file

    def read(self, end: int | None = None) -> bytes:
        """Give what is new, a piece at most and nothing behind the offset `end`; empty when nothing is."""
        file = self._open()
        if file is None:
            return b""
        return file.read(PIECE if end is None else max(0, min(PIECE, end - file.tell())))

    def read_lines(self, end: int | None = None) -> list[bytes] | None:
        """Give the lines that what is new completes, without their ends; None when nothing is new."""
        data = self.read(end)
        if not data:
            return None
        *lines, self._begun = (self._begun + data).split(b"\n")
        return lines

    def finish(self) -> list[bytes]:
        """Close the log; give its last line when that has no end, else nothing."""
        if self._file is not None:
            self._file.close()
        return [self._begun] if self._begun else []


def tail_offset(file: IO[bytes], count: int) -> int:
    """Give the offset where the last `count` lines of a file begin; a last line needs no newline to be one."""
    end = position = file.seek(0, os.SEEK_END)
    wanted = count
    if not count:
        return end
    while position > 0:
        size = min(PIECE, position)
        position -= size
        file.seek(position)
        block = file.read(size)
        if position + size == end and not block.endswith(b"\n"):
            wanted -= 1  # the line that has no newline
        at = len(block)
        while (at := block.rfind(b"\n", 0, at)) >= 0:
            wanted -= 1
            if wanted < 0:
                return position + at + 1
    return 0
