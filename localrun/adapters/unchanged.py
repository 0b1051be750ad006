"""Whether the files of a cache still are those that were found sound: then they need not be hashed once more.

What is remembered of each is its inode, size, mtime and ctime. The kernel sets the ctime whenever anybody writes into a
file or puts another in its place, and nobody can set it back. Making a hard link sets it too: where environments are
hard links to the caches, all is hashed each time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def describe_files(folder: str, names: Iterable[str]) -> str:
    """Give a digest by which every change of files shows; empty when one is missing.

    Args:
        folder: The folder that they are in.
        names: Their paths below it, in an order that is always the same.
    """
    facts = []
    try:
        for name in names:
            state = os.lstat(f"{folder}/{name}")
            facts.append((name, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns))
    except (OSError, ValueError):
        return ""
    return hashlib.sha256(repr(facts).encode("utf-8", "surrogateescape")).hexdigest()


def is_noted(note: str, description: str) -> bool:
    """Tell whether files were found sound when they had this description; `note` is the file that would say so."""
    try:
        with open(note, encoding="ascii") as file:
            return bool(description) and file.read() == description
    except (OSError, ValueError):
        return False


def write_note(note: str, description: str) -> None:
    """Note that files with this description were found sound; a note that cannot be written is none."""
    # Half a note is the note of nothing, so that it needs no care.
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(note), exist_ok=True)
        with open(note, "w", encoding="ascii") as file:
            file.write(description)
