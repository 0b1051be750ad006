"""Ignore files, read as Azure ML reads them: git's patterns by pathspec, the last match wins for each file alone.

Git itself never looks below an ignored folder; Azure ML does, so `!kept` works there, and here. Blanks in front of a
pattern, which are part of it for git, do not count.
"""

from __future__ import annotations

import os

from localrun.adapters.files import read_regular
from localrun.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

IGNORE_FILES = (".amlignore", ".gitignore")
"""In the root of the source folder; the first that exists counts alone, an empty one too."""


class IgnoreRules:
    """The rules of one ignore file.

    An answer depends on the file's text and the path alone, so answers may be kept from run to run: importing pathspec
    takes longer than a whole warm run. It is imported for the first path whose answer is not known.

    Attributes:
        text: The file's content.
        known: Answers of earlier runs with the same text.
        asked: Every answer that was given, by path.
        reincludes: Some pattern takes files back in (`!kept`), so that an ignored folder has to be looked through.
    """

    __slots__ = ("_file", "_match", "asked", "known", "reincludes", "text")

    def __init__(self, file: str, text: bytes) -> None:
        self._file = file
        self._match: Callable[[str], bool] | None = None
        self.text = text
        self.known: dict[str, bool] = {}
        self.asked: dict[str, bool] = {}
        self.reincludes = any(line.lstrip().startswith(b"!") for line in text.split(b"\n"))

    def leave_out(self, path: str) -> bool:
        """Tell whether a path relative to the source folder, with `/` (of a folder: at its end too), is left out.

        Raises:
            BadInput: a pattern cannot be read.
        """
        answer = self.known.get(path)
        if answer is None:
            if self._match is None:
                self._match = _compile(self._file, self.text)
            answer = self._match(path)
        self.asked[path] = answer
        return answer


def read_ignore_rules(directory: str) -> IgnoreRules | None:
    """Give the rules for a source folder; None when nothing is left out.

    Source: the snapshot rules of Azure ML's SDK (`.amlignore` replaces `.gitignore` wholly).

    Raises:
        BadInput: the ignore file cannot be read.
    """
    for name in IGNORE_FILES:
        path = os.path.join(directory, name)
        try:
            text, _ = read_regular(path)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            continue
        except OSError as error:
            hint = "make it readable, or remove it"
            raise BadInput(f"the ignore file cannot be read: {error.strerror}", file=path, hint=hint) from None
        return IgnoreRules(path, text) if text.strip() else None
    return None


def _compile(file: str, text: bytes) -> Callable[[str], bool]:
    import re

    from pathspec import PathSpec

    lines = text.decode("utf-8-sig", "surrogateescape").split("\n")
    patterns: list[Any] = []
    for number, line in enumerate(lines, 1):
        try:
            patterns += PathSpec.from_lines("gitignore", [line.removesuffix("\r").lstrip()]).patterns
        except (ValueError, re.error) as error:
            hint = "write a pattern as git takes it in .gitignore"
            raise BadInput(f"{line!r} is not a pattern: {error}", file=file, line=number, hint=hint) from None
    return PathSpec(patterns).match_file
