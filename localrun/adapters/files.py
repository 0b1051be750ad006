"""Reading the user's files: once each, whole, with a note of what was read.

The notes are the evidence under which a plan may be used again: as long as each file is what it was, so is the plan.
"""

from __future__ import annotations

import os
import stat
import time

MOST_BYTES = 64 * 1024 * 1024
"""Of no file is more read into memory; the formats have smaller limits of their own."""

FILE_FACTS = 4
"""So many numbers describe a file: size, mtime in ns, ctime in ns, inode."""


class Reading:
    """A reader of files that remembers what it saw.

    Attributes:
        began_ns: When it was made, in ns since the epoch: nothing was read before.
        evidence: For each path that was looked at: path and `describe_file` of it at that moment.
    """

    __slots__ = ("began_ns", "evidence")

    def __init__(self) -> None:
        self.began_ns = time.time_ns()
        self.evidence: dict[str, tuple[int, ...]] = {}

    def read(self, path: str) -> bytes:
        """Give the bytes of a regular file.

        Raises:
            OSError: it cannot be read; its kinds are told apart by the caller, who knows who named it.
            ValueError: the path holds a NUL.
        """
        data, facts = read_regular(path)
        self.evidence[path] = _describe(facts)
        return data

    def look(self, path: str) -> str:
        """Tell what stands at a path: `file`, `folder`, `other` or `missing`; links are followed."""
        self.evidence.setdefault(path, describe_file(path))
        try:
            mode = os.stat(path).st_mode
        except (OSError, ValueError):
            return "missing"
        return "folder" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "other"


def read_regular(path: str) -> tuple[bytes, os.stat_result]:
    """Give the bytes of a regular file, at most `MOST_BYTES`, and its `stat`; no fifo is waited for.

    Raises:
        OSError: it cannot be read, or is no regular file.
        ValueError: the path holds a NUL.
    """
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        facts = os.fstat(file)
        if stat.S_ISDIR(facts.st_mode):
            raise IsADirectoryError(21, "it is a folder, not a file", path)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(22, "it is not a regular file", path)
        with open(file, "rb", closefd=False) as stream:
            return stream.read(MOST_BYTES), facts
    finally:
        os.close(file)


def describe_file(path: str) -> tuple[int, ...]:
    """Describe what stands at a path so that any change shows: empty for nothing, device and inode of a folder."""
    try:
        return _describe(os.stat(path))
    except (OSError, ValueError):
        return ()


def _describe(facts: os.stat_result) -> tuple[int, ...]:
    if stat.S_ISDIR(facts.st_mode):
        return (facts.st_dev, facts.st_ino)  # not its times: what is in it is looked at by whoever needs it
    return (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)
