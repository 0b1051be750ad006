"""The working directories of runs that have ended: what the store has as well is dropped, and put back when asked for.

A thousand runs of a source of 20 MB would else take 20 GB. What a script made or changed stays, and so does a source
that is too small to matter.
"""

from __future__ import annotations

import os
import stat

from localrun.errors import LocalrunError
from localrun.workspace.home import failed, locate_working
from localrun.workspace.snapshot import copy_entries
from localrun.workspace.snapshot_store import Kept, list_kept, read_blocks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from localrun.workspace.snapshot_store import Entry

SMALL_BLOCKS = 16
"""A source of so many blocks of 4 KiB stays in the working directories."""
MARK = "source-dropped"
"""The file in the folder of a node that says so."""
SHARED = ("outputs", "logs")
"""Folders that belong to the record, what came with the source in them too."""


def drop_unchanged(home: str, folder: str, nodes: int) -> int:
    """Remove what is in the working directories of a run as it is in the store; give how many files were removed.

    What cannot be removed stays: it costs room, and nothing else.
    """
    if read_blocks(folder) <= SMALL_BLOCKS:
        return 0
    try:
        entries = list_kept(home, folder) or ()
        return sum([_drop(folder, node, entries) for node in range(nodes)])
    except (OSError, LocalrunError):
        return 0


def _drop(folder: str, node: int, entries: Iterable[Entry]) -> int:
    place = os.path.join(folder, f"node-{node}")
    os.makedirs(place, exist_ok=True)
    with open(os.path.join(place, MARK), "w", encoding="ascii"):
        pass
    directory = locate_working(folder, node)
    dropped = 0
    for entry in entries:
        if entry.kind != "file" or entry.path.partition("/")[0] in SHARED:
            continue
        path = os.path.join(directory, entry.path)
        try:
            facts = os.lstat(path)
            if stat.S_ISREG(facts.st_mode) and (facts.st_size, facts.st_mtime_ns) == (entry.size, entry.mtime_ns):
                os.unlink(path)
                dropped += 1
        except OSError:
            continue
    return dropped


def fill_again(home: str, folder: str, node: int) -> None:
    """Put what was dropped back into the working directory of a node; nothing happens where nothing was.

    Raises:
        StoreFailed: the store does not have it, or there is no room.
    """
    mark = os.path.join(folder, f"node-{node}", MARK)
    if not os.path.lexists(mark):
        return
    directory = locate_working(folder, node)
    entries = list_kept(home, folder) or ()
    missing = tuple([entry for entry in entries if not os.path.lexists(os.path.join(directory, entry.path))])
    kept = Kept(home=home, hashes={entry.path: entry.digest for entry in missing})
    copy_entries(directory, missing, directory, kept=kept)
    try:
        os.unlink(mark)
    except OSError as error:
        raise failed(error, mark) from error
