"""YAML that is as plain as a conda file of hundreds of packages: keys with a word or a list of words each.

The parser needs a hundred microseconds for a line, which is felt where files are long. Whatever is not surely of this
form is left to it; a test holds both to the same data and the same lines.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from localrun.formats.scalars import read_plain

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_LINES = 20_000
_SIGNS = r"A-Za-z0-9_./=<>~+*!,@()\[\]-"
_WORDS = rf"(?:[A-Za-z0-9_./~]|--?(?=[A-Za-z]))(?:[{_SIGNS}]|:+(?=[{_SIGNS}])| +(?=[{_SIGNS}]))*"
_LINE = re.compile(
    rf"(?P<key>[A-Za-z_][A-Za-z0-9_-]*):(?: +(?P<word>{_WORDS}))? *"
    rf"|(?P<indent> *)- +(?:(?P<item>{_WORDS})|(?P<inner>[A-Za-z_][A-Za-z0-9_-]*):) *"
)


class _NotSimpleError(Exception):
    """It takes the whole parser."""


def read_simple(text: str, make_mark: Callable[..., Any]) -> tuple[dict[str, Any], Any] | None:
    """Read a document of the simplest form.

    Args:
        text: The text.
        make_mark: Makes the mark of a node, of its `line`, `plain` and `parts`.

    Returns:
        The data and the root's mark; None when the parser is needed.
    """
    try:
        lines = _split(text)
        return _Reader(lines, make_mark).read() if lines else None
    except (_NotSimpleError, ValueError):
        return None


def _split(text: str) -> list[tuple[int, re.Match[str]]]:
    """Give the lines that are neither blank nor comments, each with its number."""
    if text.count("\n") > MOST_LINES:
        raise _NotSimpleError
    found = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.removesuffix("\r")
        rest = line.lstrip(" ")
        if not rest or (rest[0] == "#" and rest.isprintable() and rest.isascii()):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise _NotSimpleError
        found.append((number, match))
    return found


class _Reader:
    """Goes through the lines once."""

    def __init__(self, lines: list[tuple[int, re.Match[str]]], make_mark: Callable[..., Any]) -> None:
        self.lines = lines
        self.make_mark = make_mark
        self.at = 0

    def read(self) -> tuple[dict[str, Any], Any]:
        data: dict[str, Any] = {}
        marks: dict[str, Any] = {}
        while self.at < len(self.lines):
            number, match = self.lines[self.at]
            key = self.check_key(match["key"], data)
            self.at += 1
            if match["word"]:
                data[key], marks[key] = self.scalar(match["word"], number)
                continue
            data[key], parts = self.items(0)
            marks[key] = self.make_mark(line=number, parts=parts)
        return data, self.make_mark(line=self.lines[0][0], parts=marks)

    def check_key(self, key: str | None, seen: dict[str, Any]) -> str:
        if key is None or key in seen or not isinstance(read_plain(key), str):
            raise _NotSimpleError
        return key

    def scalar(self, text: str, number: int) -> tuple[Any, Any]:
        return read_plain(text), self.make_mark(line=number, plain=text)

    def items(self, least: int) -> tuple[list[Any], tuple[Any, ...]]:
        """Give the items from here on that stand in one column, which is not before `least`, and their marks."""
        data: list[Any] = []
        marks: list[Any] = []
        column = -1
        while self.at < len(self.lines):
            number, match = self.lines[self.at]
            if match["indent"] is None or -1 < len(match["indent"]) < column:
                break
            if column < 0:
                column = len(match["indent"])
            if len(match["indent"]) != column or column < least:
                raise _NotSimpleError
            self.at += 1
            item, mark = self.item(match, number, match.end("indent") + 2)
            data.append(item)
            marks.append(mark)
        if not data:
            raise _NotSimpleError
        return data, tuple(marks)

    def item(self, match: re.Match[str], number: int, least: int) -> tuple[Any, Any]:
        if match["item"]:
            return self.scalar(match["item"], number)
        key = self.check_key(match["inner"], {})
        if match.start("inner") != least:  # more than one space behind the dash
            raise _NotSimpleError
        data, parts = self.items(least)
        inner = {key: self.make_mark(line=number, parts=parts)}
        return {key: data}, self.make_mark(line=number, parts=inner)
