"""Ignore files, read as Azure ML reads them: git's patterns by pathspec, the last match wins for each file alone.

Git itself never looks below an ignored folder; Azure ML does, so `!kept` works there, and here.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

IGNORE_FILES = (".amlignore", ".gitignore")
"""In the root of the source folder; the first that exists counts alone, an empty one too."""


def read_ignore_rules(directory: str) -> Callable[[str], bool] | None:
    """Give a test for relative paths with `/`: true when the file is left out of the snapshot; None: nothing is.

    Source: the snapshot rules of Azure ML's SDK (`.amlignore` replaces `.gitignore` wholly).
    """
    for name in IGNORE_FILES:
        try:
            with open(os.path.join(directory, name), encoding="utf-8", errors="surrogateescape") as file:
                lines = file.read().splitlines()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            continue
        if not any(line.strip() for line in lines):
            return None
        from pathspec import PathSpec

        return PathSpec.from_lines("gitignore", lines).match_file
    return None
