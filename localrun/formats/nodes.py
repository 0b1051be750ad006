"""A place in a document, and the checks that all formats share: what was expected, what was found, and where."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from localrun.errors import BadInput
from localrun.formats.gate import Document, Mark, read_referenced
from localrun.formats.scalars import is_date, read_plain_1_1
from localrun.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LARGEST_COUNT = 10_000
"""More nodes, or processes on a node, are a slip of the keyboard."""
_SHOWN_LENGTH = 60
_DIGITS = 20
"""A 64-bit number has no more."""


@value
class Node:
    """A value in a document.

    Attributes:
        document: Where it is.
        path: Its keys and indexes from the root.
        data: The value.
        path_of_file: The absolute path of the document's file; relative paths in it start from that folder.
    """

    document: Document
    path: tuple[str | int, ...]
    data: Any
    path_of_file: str

    @property
    def key(self) -> str:
        """Its dotted key."""
        return ".".join(map(str, self.path))

    @property
    def mark(self) -> Mark:
        """Its place in the text."""
        return self.document.mark_of(self.path)

    def refuse(self, message: str, *, hint: str = "") -> BadInput:
        """Make the error for this value."""
        return BadInput(message, file=self.document.file, line=self.mark.line, key=self.key, hint=hint)

    def part(self, step: str | int) -> Node:
        """Give an item of this collection; its data is None when a key is not there."""
        data = self.data.get(step) if isinstance(self.data, dict) else self.data[step]
        return Node(document=self.document, path=(*self.path, step), data=data, path_of_file=self.path_of_file)


def root(document: Document) -> Node:
    """Give a document's root; a relative name of its file starts from the working directory."""
    return Node(document=document, path=(), data=document.data, path_of_file=os.path.abspath(document.file))


def describe(data: object) -> str:
    """Say what a value is, for "expected …, found …"."""
    if data is None:
        return "nothing"
    if isinstance(data, bool):
        return f"the truth value {str(data).lower()}"
    if isinstance(data, int | float):
        return f"the number {data}"
    if isinstance(data, str):
        return f"the text {data if len(data) <= _SHOWN_LENGTH else data[:_SHOWN_LENGTH] + '…'!r}"
    return "a list" if isinstance(data, list) else "a mapping"


def nearest(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """Give the known name that is most like `name` (1.0 is the same), empty when none is like it."""
    from difflib import get_close_matches

    found = get_close_matches(name, list(known), n=1, cutoff=likeness)
    return found[0] if found else ""


def mapping(node: Node, known: Iterable[str] | None = None) -> list[Node]:
    """Give the parts of a mapping in their order.

    Raises:
        BadInput: it is no mapping, or has a key that is not among `known`.
    """
    if node.data is None and not node.path:
        raise node.refuse("the file is empty", hint="check that it is the file you mean")
    if not isinstance(node.data, dict):
        raise node.refuse(f"expected a mapping, found {describe(node.data)}", hint="write key: value lines")
    parts = [node.part(name) for name in node.data]
    allowed = None if known is None else set(known)
    for name, part in zip(node.data, parts, strict=True):
        if allowed is not None and name not in allowed:
            raise refuse_key(part, name, allowed)
    return parts


def refuse_key(part: Node, name: str, known: Iterable[str]) -> BadInput:
    """Make the error for an unknown key."""
    names = sorted(known)
    near = nearest(name, names)
    hint = f"did you mean {near}?" if near else f"known here: {', '.join(names)}"
    return part.refuse("unknown key", hint=hint)


def items(node: Node) -> list[Node]:
    """Give the parts of a list.

    Raises:
        BadInput: it is no list.
    """
    if not isinstance(node.data, list):
        raise node.refuse(
            f"expected a list, found {describe(node.data)}", hint="write [a, b], or lines that start with -"
        )
    return [node.part(index) for index in range(len(node.data))]


def text(node: Node) -> str:
    """Give a text.

    Raises:
        BadInput: it is none; for a number the hint says how to write it.
    """
    if isinstance(node.data, str):
        return node.data
    message = f"expected text, found {describe(node.data)}"
    plain = node.mark.plain
    if plain and not isinstance(node.data, bool) and plain != str(node.data):
        message = f"expected text; {plain} was read as {describe(node.data)}"
    raise node.refuse(message, hint=f'write "{plain}" in quotes' if plain else "write one text")


def choice(node: Node, allowed: Iterable[str]) -> str:
    """Give one of the allowed words, in lower case whatever the file's spelling.

    Raises:
        BadInput: it is none of them.
    """
    names = list(allowed)
    word = text(node).lower()
    if word not in names:
        near = nearest(word, names)
        hint = f"did you mean {near}?" if near else "write one of them"
        raise node.refuse(f"expected one of {', '.join(names)}, found {describe(node.data)}", hint=hint)
    return word


def whole_number(node: Node, *, minimum: int, maximum: int) -> int:
    """Give a whole number; `"4"` and `4.0` are taken as Azure ML's loader takes them.

    Raises:
        BadInput: it is none, or out of range.
    """
    data = value_on_azure(node)
    number = None
    if isinstance(data, int) and not isinstance(data, bool):
        number = data
    elif isinstance(data, float) and data.is_integer():
        number = int(data)
    elif isinstance(data, str) and data.isascii() and len(data) <= _DIGITS:
        try:
            number = int(data)
        except ValueError:
            number = None
    if number is None:
        raise node.refuse(f"expected a whole number, found {describe(data)}", hint="write digits alone, such as 4")
    if not minimum <= number <= maximum:
        message = f"expected a whole number from {minimum:,} to {maximum:,}, found {describe(number)}"
        raise node.refuse(
            message, hint=f"give {minimum:,} or more" if number < minimum else f"give {maximum:,} or less"
        )
    return number


def value_on_azure(node: Node) -> Any:
    """Give a scalar as azure-ai-ml's loader reads it (YAML 1.1: `no` is False, `012` is 10, `1e-3` is text).

    Raises:
        BadInput: it is a number that is too long to be one.
    """
    plain = node.mark.plain
    try:
        return node.data if plain is None else read_plain_1_1(plain)
    except ValueError:
        raise node.refuse("the number is too long", hint="put it in quotes") from None


def text_on_azure(node: Node) -> str:
    """Give the text that a scalar becomes on Azure ML's side: `True`, `1.0`, `1e-3` as it stands; empty for null.

    Raises:
        BadInput: it is a list, a mapping, or not a finite number.
    """
    data = value_on_azure(node)
    if isinstance(data, dict | list):
        raise node.refuse(f"expected text, a number or a truth value, found {describe(data)}", hint="write one value")
    if isinstance(data, float) and not data - data == 0:
        raise node.refuse(f"{node.mark.plain or data} is not a finite number", hint="put it in quotes when it is text")
    return "" if data is None else str(data)


def notes_on_reading(node: Node) -> list[str]:
    """Say where azure-ai-ml's loader (YAML 1.1) takes a scalar for something else than YAML 1.2 would."""
    plain = node.mark.plain
    there = value_on_azure(node)
    if plain is None or isinstance(there, str) or (there == node.data and type(there) is type(node.data)):
        return []
    return [
        f'{_where(node)}: {plain} counts as {there}, as in Azure ML\'s loader (YAML 1.1); write "{plain}" for the text'
    ]


def refuse_date(node: Node) -> None:
    """Refuse a bare date, which Azure ML's loader does not take as text.

    Raises:
        BadInput: it is one.
    """
    plain = node.mark.plain
    if plain and is_date(plain):
        raise node.refuse(f"{plain} is read as a date by Azure ML, not as text", hint=f'write "{plain}" in quotes')


def note(node: Node, message: str) -> str:
    """Make a note about a value, with its place."""
    return f"{_where(node)}: {message}"


def _where(node: Node) -> str:
    line = node.mark.line
    return f"{node.document.file}:{line}: {node.key}" if line else node.key


def beside(node: Node, reference: str) -> tuple[str, str]:
    """Give the absolute path of a file that a document names, and its name for messages."""
    path = os.path.normpath(os.path.join(os.path.dirname(node.path_of_file), reference))
    return path, os.path.normpath(os.path.join(os.path.dirname(node.document.file), reference))


def read_beside(node: Node, reference: str, read: Callable[[str], bytes]) -> tuple[bytes, str]:
    """Read a file that this value names; give its bytes and its name for messages.

    Raises:
        BadInput: it cannot be read.
    """
    path, shown = beside(node, reference)
    line = node.mark.line
    data = read_referenced(path, read=read, shown=reference, file=node.document.file, line=line, key=node.key)
    return data, shown
