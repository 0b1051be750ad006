"""Which files of pip packages are copies of files in uv's cache that are known to be sound.

uv unpacks a wheel once, below `archive-v0`, and copies it from there into each environment. The unpacked wheel is
hashed in place, and as long as it has not changed since, its copies have its content: only their sizes are looked at.
What uv keeps elsewhere in later versions is not found here, and hashed in the environment.
"""

from __future__ import annotations

import glob
import os

from localrun.adapters.unchanged import describe_files, is_noted, write_note
from localrun.environments.contents import find_wrong_hashes, read_hashes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from localrun.environments.contents import InstalledPackage

_Rows = dict[str, str]


def find_sound_files(home: str, packages: Iterable[InstalledPackage]) -> set[tuple[str, str]]:
    """Give (package, file) for each file of pip packages whose source in uv's cache is what the package says.

    Args:
        home: The workspace.
        packages: What was just installed from that cache, with the hashes of its files.
    """
    archives = _list_archives(os.path.join(home, "cache", "uv"))
    notes = os.path.join(home, "cache", "verified")
    found: set[tuple[str, str]] = set()
    for package in packages:
        wanted = package.record["hashes"]
        # The same wheel may have come twice, from an index and by its address: it counts which of them uv has taken.
        sources = [
            (folder, rows)
            for folder in archives.get(package.record["folder"], ())
            if (rows := _read_rows(os.path.join(folder, package.record["folder"]))).items() <= wanted.items()
        ]
        if sources and all(_is_sound(folder, rows, notes) for folder, rows in sources):
            names = set.intersection(*(set(rows) for _, rows in sources))
            found.update((package.name, name) for name in names)
    return found


def _list_archives(cache: str) -> dict[str, list[str]]:
    """Give the unpacked wheels by the name of their folder of metadata."""
    found: dict[str, list[str]] = {}
    for path in glob.iglob(os.path.join(glob.escape(cache), "archive-v*", "*", "*.dist-info")):
        folder, name = os.path.split(path)
        found.setdefault(name, []).append(folder)
    return found


def _read_rows(folder: str) -> _Rows:
    # Files of `NAME.data` go elsewhere when the wheel is installed, some with other content.
    rows = read_hashes(os.path.join(folder, "RECORD"))
    return {name: text for name, text in rows.items() if ".data" not in name.partition("/")[0]}


def _is_sound(folder: str, rows: _Rows, notes: str) -> bool:
    note = os.path.join(notes, os.path.basename(folder))
    before = describe_files(folder, rows)
    if not before or is_noted(note, before):
        return bool(before)
    if find_wrong_hashes([("", os.path.join(folder, name), text) for name, text in rows.items()]):
        return False
    if describe_files(folder, rows) == before:
        write_note(note, before)
    return True
