"""Reading the user's files: once each, whole, with a note of what was read.

The notes are the evidence under which a plan may be used again: as long as each file is what it was, so is the plan.
"""

from __future__ import annotations

import os
import stat
import time

from localrun.errors import BadInput

MOST_BYTES = 64 * 1024 * 1024
"""Of no file is more read into memory; the formats have smaller limits of their own."""

FILE_FACTS = 4
"""So many numbers describe a file: size, mtime in ns, ctime in ns, inode."""
FOLDER_FACTS = 2
KIND_FACTS = 1
KINDS = ("file", "other")
"""What a single number says of a path."""


class Reading:
    """A reader of files that remembers what it saw.

    Attributes:
        began_ns: When it was made, in ns since the epoch: nothing was read before.
        evidence: For each path that was looked at what was seen, as `still` takes it.
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
        """Tell what stands at a path: `file`, `folder`, `other` or `missing`; links are followed.

        What is in a file may change without notice: a script is read by the run.
        """
        facts = _describe_kind(path)
        self.evidence.setdefault(path, facts)
        return "missing" if not facts else "folder" if len(facts) == FOLDER_FACTS else KINDS[facts[0]]

    def watch(self, path: str) -> str:
        """Tell what stands at a path as `look` does, and take note of every change there."""
        self.evidence[path] = describe_file(path)
        return self.look(path)


def read_named(file: str, reading: Reading) -> bytes:
    """Read a file that the user named; a relative name starts from the working directory.

    Raises:
        BadInput: it is not there, is no file, or may not be read.
    """
    try:
        return reading.read(os.path.abspath(file))
    except FileNotFoundError:
        near = find_near(file)
        raise BadInput(f"there is no file {file}", hint=f"did you mean {near}?" if near else "check its path") from None
    except OSError as error:
        raise BadInput(error.strerror or str(error), file=file, hint="check the path and its permissions") from None


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


def find_near(path: str) -> str:
    """Give the name in the same folder that is most like the one of a missing file; empty when none is like it."""
    import difflib

    try:
        names = os.listdir(os.path.dirname(path) or ".")
    except (OSError, ValueError):
        return ""
    near = difflib.get_close_matches(os.path.basename(path), names, n=1, cutoff=0.7)
    return os.path.join(os.path.dirname(path), near[0]) if near else ""


def still(path: str, facts: tuple[int, ...]) -> bool:
    """Tell whether what was seen at a path is still there."""
    return facts == (_describe_kind(path) if len(facts) == KIND_FACTS else describe_file(path))


def _describe_kind(path: str) -> tuple[int, ...]:
    try:
        facts = os.stat(path)
    except (OSError, ValueError):
        return ()
    if stat.S_ISDIR(facts.st_mode):
        return _describe(facts)
    return (KINDS.index("file" if stat.S_ISREG(facts.st_mode) else "other"),)


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
