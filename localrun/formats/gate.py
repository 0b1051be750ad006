"""The one way in for YAML: limits first, then plain Python data with the line of every key.

The document is put together from the parser's events, so that a limit is met before anything grows: aliases share what
they stand for and are counted by the size that they would expand to. YAML is 1.2 (`localrun.formats.scalars`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from localrun.errors import BadInput
from localrun.formats.scalars import read_plain
from localrun.formats.simple_yaml import read_simple
from localrun.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BYTES = 1 << 20
"""No file that is read whole may be larger."""
DEPTH = 50
NODES = 100_000
ALIASES = 100
WORD_AFTER_EXCLAMATION_MARK = 1 << 16

_SURROGATE = re.compile("[\ud800-\udfff]")
_TAG = "tag:yaml.org,2002:"
_TAB = "'\\t'"
_HINTS = (
    ("mapping values are not allowed", "put a value that holds `: ` in quotes"),
    ("cannot start any token", "put text that starts with this character in quotes"),
    ("unexpected end of stream", "close the quotation mark that is open there"),
    ("<stream end>", "close the bracket that is open there"),
    ("or '}'", "put a comma between the items, and close the bracket"),
    ("or ']'", "put a comma between the items, and close the bracket"),
    ("", "look at that line and the one above it: indentation, quotes and brackets"),
)
"""For words of the parser's what to do; the first that fits counts."""
# What ruamel.yaml itself raises for some broken documents besides its own errors.
_PARSER_FAULTS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    NotImplementedError,
    OverflowError,
)
_BYTE_ORDER_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


@value
class Mark:
    """Where a node stands.

    Attributes:
        line: From 1; of a value in a mapping the line of its key; 0 for what no file holds.
        plain: The text of an unquoted, untagged scalar as written; None for every other node.
        parts: The marks of a collection's items, by key or by index.
    """

    line: int = 0
    plain: str | None = None
    parts: Any = None


@value
class Document:
    """A file's content.

    Attributes:
        file: Its name for messages.
        data: Dicts with text keys, lists, str, int, float, bool and None; aliases share objects, so do not change it.
        mark: The root's mark.
    """

    file: str
    data: Any
    mark: Mark

    def mark_of(self, path: tuple[str | int, ...]) -> Mark:
        """Give the mark of a node, or of its nearest ancestor that has one (then without `plain`)."""
        mark = self.mark
        for step in path:
            parts = mark.parts
            known = step in parts if isinstance(parts, dict) else isinstance(step, int) and step < len(parts or ())
            if not known:
                return Mark(line=mark.line)
            mark = parts[step]
        return mark

    def lines(self) -> tuple[tuple[str, int], ...]:
        """Give every key of the document's mappings, dotted from the root, with its line."""
        return tuple(_walk_lines("", self.mark))


def _walk_lines(prefix: str, mark: Mark) -> Iterator[tuple[str, int]]:
    if isinstance(mark.parts, dict):
        for name, part in mark.parts.items():
            yield prefix + name, part.line
            yield from _walk_lines(f"{prefix}{name}.", part)


def decode_text(data: bytes, *, file: str) -> str:
    """Give the text of a UTF-8 file, its byte order mark removed.

    Raises:
        BadInput: it is too large, in another encoding, or holds a NUL.
    """
    if len(data) > BYTES:
        message = f"the file has {len(data):,} bytes; at most {BYTES:,} are read"
        raise BadInput(message, file=file, hint="check that it is the file you mean")
    for start, name in _BYTE_ORDER_MARKS.items():
        if data.startswith(start):
            raise BadInput(f"the file is {name}, not UTF-8", file=file, hint="save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise BadInput(message, file=file, line=line, hint="save the file as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise BadInput("there is a NUL character", file=file, line=line, hint="remove it")
    return text


def say_twice(key: str, first: int, second: int) -> str:
    """Say that a mapping has a key twice, and in which lines."""
    lines = f"line {first}" if first == second else f"line {first} and in line {second}"
    return f"key {key} is there twice, in {lines}"


def load_yaml(data: bytes, *, file: str) -> Document:
    """Read one YAML 1.2 document; of an empty file the data is None.

    Args:
        data: The file's bytes: UTF-8, with or without a byte order mark, any line ends.
        file: Its name for messages.

    Raises:
        BadInput: it is no YAML, or beyond a limit; a key is there twice or is not text; a tag is not one of the
            core schema.
    """
    text = decode_text(data, file=file)
    # The scanner needs quadratic time for a tag's text.
    if len(text) > WORD_AFTER_EXCLAMATION_MARK and re.search(rf"!\S{{{WORD_AFTER_EXCLAMATION_MARK}}}", text):
        raise BadInput("a word after `!` is too long", file=file, hint="put text that starts with ! in quotes")
    simple = read_simple(text, Mark)
    if simple:
        return Document(file=file, data=simple[0], mark=simple[1])
    return _Composer(text, file).document()


def read_if_there(
    path: str, *, read: Callable[[str], bytes], shown: str, file: str = "", line: int = 0, key: str = ""
) -> bytes | None:
    """Read a file that may be missing; None when it is.

    Args:
        path: Its absolute path.
        read: Gives the bytes of a file.
        shown: How the reference to it was written.
        file: The file that names it, for messages.
        line: The line of the reference.
        key: The key of the reference.

    Raises:
        BadInput: it is there, and cannot be read.
    """
    try:
        return read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError:
        message, hint = f"{shown} is a folder, not a file", "name a file in it"
    except PermissionError:
        message, hint = f"{shown} may not be read", f"check the permissions of {path}"
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else ""
        message, hint = f"{shown} cannot be read: {reason or error}", f"name a file that can be read; this is {path}"
    raise BadInput(message, file=file, line=line, key=key, hint=hint) from None


def read_referenced(
    path: str, *, read: Callable[[str], bytes], shown: str, file: str = "", line: int = 0, key: str = ""
) -> bytes:
    """Read a file that another one names, as `read_if_there` does.

    Raises:
        BadInput: it is not there, or cannot be read.
    """
    data = read_if_there(path, read=read, shown=shown, file=file, line=line, key=key)
    if data is None:
        raise BadInput(f"there is no file {shown}", file=file, line=line, key=key, hint=f"looked for {path}")
    return data


def refuse_to_read(path: str) -> bytes:
    """Read nothing: stands for a reader where nobody may name files of this machine.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"{path} would have to be read from this machine")


class _Composer:
    """Puts a document together from parser events; one use each."""

    def __init__(self, text: str, file: str) -> None:
        from ruamel.yaml import YAML

        self.file = file
        self.text = text
        self.events = YAML(typ="safe", pure=True).parse(text)
        self.anchors: dict[str, tuple[Any, Mark, int]] = {}
        self.aliases = 0
        self.nodes = 0

    def document(self) -> Document:
        while type(event := self.next()).__name__ != "DocumentStartEvent":
            if type(event).__name__ == "StreamEndEvent":
                return Document(file=self.file, data=None, mark=Mark())
        if event.version not in (None, (1, 2)):
            version = ".".join(map(str, event.version))
            raise self.refuse(
                f"the file asks for YAML {version}; it is read as YAML 1.2", event, "remove its %YAML line"
            )
        data, mark, _ = self.node(self.next(), 0)
        self.next()
        if type(event := self.next()).__name__ != "StreamEndEvent":
            raise self.refuse("a second document starts", event, "keep one document in a file, without `---` between")
        return Document(file=self.file, data=data, mark=mark)

    def next(self) -> Any:
        from ruamel.yaml.error import MarkedYAMLError, YAMLError
        from ruamel.yaml.reader import ReaderError

        try:
            return next(self.events)
        except ReaderError as error:
            line = self.text.count("\n", 0, error.position) + 1
            message = f"character {error.character!r} is not allowed in YAML"
            raise BadInput(message, file=self.file, line=line, hint="remove it") from None
        except MarkedYAMLError as error:
            raise self.explain(error) from None
        except (YAMLError, *_PARSER_FAULTS) as error:
            message = f"not valid YAML: {error}".split("\n", 1)[0]
            raise BadInput(message, file=self.file, hint="compare it with an example that works") from None

    def explain(self, error: Any) -> BadInput:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        problem = (error.problem or error.context or "it cannot be parsed").split("\n", 1)[0]
        if _TAB in problem or "tab" in problem.split():
            return BadInput(
                "a tab stands where YAML wants spaces", file=self.file, line=line, hint="indent with spaces"
            )
        hint = next(hint for words, hint in _HINTS if words in problem)
        return BadInput(f"not valid YAML: {problem}", file=self.file, line=line, hint=hint)

    def refuse(self, message: str, event: Any, hint: str = "") -> BadInput:
        return BadInput(message, file=self.file, line=event.start_mark.line + 1, hint=hint)

    def count(self, nodes: int, event: Any) -> None:
        self.nodes += nodes
        if self.nodes > NODES:
            raise self.refuse(
                f"the document has more than {NODES:,} nodes, aliases expanded", event, "use fewer aliases"
            )

    def node(self, event: Any, depth: int) -> tuple[Any, Mark, int]:
        kind = type(event).__name__
        if kind == "AliasEvent":
            return self.alias(event)
        if depth >= DEPTH and kind != "ScalarEvent":
            raise self.refuse(f"nested deeper than {DEPTH}", event, "close the brackets, or nest less")
        self.count(1, event)
        before = self.nodes
        anchor = event.anchor
        if anchor:
            self.anchors.pop(anchor, None)
        build = {"ScalarEvent": self.scalar, "SequenceStartEvent": self.sequence}.get(kind, self.mapping)
        data, mark = build(event, depth + 1)
        size = self.nodes - before + 1
        if anchor:
            self.anchors[anchor] = (data, mark, size)
        return data, mark, size

    def alias(self, event: Any) -> tuple[Any, Mark, int]:
        self.aliases += 1
        if self.aliases > ALIASES:
            raise self.refuse(f"more than {ALIASES} aliases", event, "write the values out")
        if event.anchor not in self.anchors:
            raise self.refuse(
                f"alias *{event.anchor} has no anchor &{event.anchor} before it",
                event,
                "put text that starts with * in quotes",
            )
        found = self.anchors[event.anchor]
        self.count(found[2], event)
        return found

    def scalar(self, event: Any, _depth: int) -> tuple[Any, Mark]:
        text, tag = event.value, event.tag
        line = event.start_mark.line + 1
        if _SURROGATE.search(text):  # what writes JSON escapes a character beyond the first plane as a pair
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        if "\0" in text or _SURROGATE.search(text):
            raise self.refuse("a text holds a NUL or half of a surrogate pair", event, "remove it")
        plain = event.style is None and tag is None
        try:
            data = read_plain(text) if plain else _read_tagged(tag, text)
        except ValueError as error:
            raise self.refuse(str(error), event, "put it in quotes when it is meant as text") from None
        return data, Mark(line=line, plain=text if plain else None)

    def sequence(self, event: Any, depth: int) -> tuple[Any, Mark]:
        self.check_tag(event, "seq")
        items: list[Any] = []
        marks: list[Mark] = []
        while type(item := self.next()).__name__ != "SequenceEndEvent":
            data, mark, _ = self.node(item, depth)
            items.append(data)
            marks.append(Mark(line=item.start_mark.line + 1, plain=mark.plain, parts=mark.parts))
        return items, Mark(line=event.start_mark.line + 1, parts=tuple(marks))

    def mapping(self, event: Any, depth: int) -> tuple[Any, Mark]:
        self.check_tag(event, "map")
        items: dict[str, Any] = {}
        marks: dict[str, Mark] = {}
        merged: list[tuple[Any, Mark]] = []
        while type(at := self.next()).__name__ != "MappingEndEvent":
            key, key_mark, _ = self.node(at, depth)
            key = self.check_key(key, key_mark, at, marks)
            line = at.start_mark.line + 1
            data, mark, _ = self.node(self.next(), depth)
            if key == "<<" and key_mark.plain is not None:
                merged += self.merged(data, mark, at)
                continue
            items[key] = data
            marks[key] = Mark(line=line, plain=mark.plain, parts=mark.parts)
        for data, mark in merged:  # the first of several wins, the mapping's own keys before all
            items = {**data, **items}
            marks = {**mark.parts, **marks}
        return items, Mark(line=event.start_mark.line + 1, parts=marks)

    def merged(self, data: Any, mark: Mark, event: Any) -> list[tuple[Any, Mark]]:
        pairs = [(data, mark)]
        if isinstance(data, list):
            pairs = list(zip(data, mark.parts, strict=True))
        if not pairs or not all(isinstance(part, dict) for part, _ in pairs):
            hint = "write <<: *NAME, where &NAME stands before a mapping, or put << in quotes"
            raise self.refuse("`<<` takes a mapping or a list of mappings", event, hint)
        # The copy costs time for each key, so it counts like nodes.
        self.count(sum(len(part) for part, _ in pairs), event)
        return pairs

    def check_key(self, key: Any, mark: Mark, event: Any, seen: dict[str, Mark]) -> str:
        if not isinstance(key, str):
            shown = mark.plain or "null" if mark.parts is None else "a list or mapping"
            raise self.refuse(f"a key must be text, found {shown}", event, "put the key in quotes")
        if key in seen:
            message = say_twice(key, seen[key].line, event.start_mark.line + 1)
            raise self.refuse(message, event, "remove one of them")
        return key

    def check_tag(self, event: Any, name: str) -> None:
        if event.tag not in (None, "!", _TAG + name):
            raise self.refuse(f"tag {event.tag} is not allowed", event, "write plain YAML without tags")


def _read_tagged(tag: str | None, text: str) -> Any:
    if tag in (None, "!", _TAG + "str"):
        return text
    name = tag.removeprefix(_TAG) if tag.startswith(_TAG) else ""
    kinds: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float, int), "bool": (bool,), "null": (type(None),)}
    if name not in kinds:
        raise ValueError(f"tag {tag} is not allowed")
    data = read_plain(text)
    if type(data) not in kinds[name]:
        raise ValueError(f"{text!r} is not of type {name}")
    return float(data) if name == "float" and isinstance(data, int) else data
