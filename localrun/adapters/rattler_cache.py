"""The cache of unpacked conda packages, validated in full unless nothing in it has changed since it last was."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import rattler

from localrun.adapters.rattler_checks import read_paths
from localrun.adapters.unchanged import describe_files, is_noted, write_note

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ABOUT = ("info/paths.json", "info/index.json")


def open_cache(home: str, records: Sequence[rattler.RepoDataRecord]) -> tuple[rattler.PackageCache, Callable[[], None]]:
    """Open the package cache of a workspace.

    Args:
        home: The workspace.
        records: The packages that are to be linked from it.

    Returns:
        The cache, and what is to be called when it has been validated and linked from.
    """
    folder, notes = os.path.join(home, "cache", "conda"), os.path.join(home, "cache", "verified")
    stems = [stem_of(record.file_name) for record in records]
    before = {stem: _describe(os.path.join(folder, stem)) for stem in stems}
    known = {stem for stem, description in before.items() if is_noted(os.path.join(notes, stem), description)}

    def note() -> None:
        for stem in stems:
            # What was fetched just now has not been validated: it was not there before.
            if stem not in known and before[stem] and _describe(os.path.join(folder, stem)) == before[stem]:
                write_note(os.path.join(notes, stem), before[stem])

    mode = rattler.ValidationMode.fast() if len(known) == len(before) else rattler.ValidationMode.full()
    return rattler.PackageCache.new_layered([folder], False, mode), note


def _describe(folder: str) -> str:
    try:
        return describe_files(folder, (*_ABOUT, *read_paths(folder)[0]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""  # not there, damaged or hostile: others look at it


def stem_of(file_name: str) -> str:
    """Give the name of the folder that a package file is unpacked into."""
    for ending in (".conda", ".tar.bz2"):
        file_name = file_name.removesuffix(ending)
    return file_name
