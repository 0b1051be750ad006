"""Reading the user's files: once each, whole, with a note of what was read.

The notes are the evidence under which a plan may be used again: as long as each file is what it was, so is the plan.
"""

from __future__ import annotations

import os
import stat

MOST_BYTES = 64 * 1024 * 1024
"""No file that localrun reads into memory may be larger; the formats have smaller limits of their own."""


class Reading:
    """A reader of files that remembers what it saw.

    Attributes:
        evidence: For each path that was looked at: path and `describe_file` of it at that moment.
    """

    __slots__ = ("evidence",)

    def __init__(self) -> None:
        self.evidence: dict[str, tuple[int, ...]] = {}

    def read(self, path: str) -> bytes:
        """Give the bytes of a regular file.

        Raises:
            OSError: it cannot be read; its kinds are told apart by the caller, who knows who named it.
        """
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(file, "rb") as stream:
            facts = os.fstat(file)
            if stat.S_ISDIR(facts.st_mode):
                raise IsADirectoryError(21, "Is a directory", path)
            if not stat.S_ISREG(facts.st_mode):
                raise OSError(22, "Not a regular file", path)
            self.evidence[path] = _describe(facts)
            return stream.read(MOST_BYTES)

    def look(self, path: str) -> str:
        """Tell what stands at a path: `file`, `folder`, `other` or `missing`; links are followed."""
        self.evidence.setdefault(path, describe_file(path))
        try:
            mode = os.stat(path).st_mode
        except (OSError, ValueError):
            return "missing"
        return "folder" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "other"


def describe_file(path: str) -> tuple[int, ...]:
    """Describe what stands at a path so that any change shows: empty when nothing is there, `(1,)` for a folder."""
    try:
        return _describe(os.stat(path))
    except (OSError, ValueError):
        return ()


def _describe(facts: os.stat_result) -> tuple[int, ...]:
    if stat.S_ISDIR(facts.st_mode):
        return (1,)
    return (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)
