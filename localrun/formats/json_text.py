"""JSON through the same gate as YAML: the same limits, no key twice, no NaN, and a line for every key (RFC 8259)."""

from __future__ import annotations

import re
from typing import Any

from localrun.errors import BadInput
from localrun.formats.gate import DEPTH, NODES, Document, Mark, decode_text, say_twice
from localrun.formats.scalars import NUMBER_LENGTH

_BLANK = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z]+")
_HINT = "JSON has texts in double quotes, no comments, and no comma in front of } or ]"
_WORDS = {"true": True, "false": False, "null": None}


def load_json(data: bytes, *, file: str) -> Document:
    """Read one JSON document.

    Args:
        data: The file's bytes: UTF-8, with or without a byte order mark.
        file: Its name for messages.

    Raises:
        BadInput: it is no JSON, empty, or beyond a limit; or a key is there twice.
    """
    reader = _Reader(decode_text(data, file=file), file)
    if reader.at_end():
        raise BadInput("the file is empty", file=file, hint="check that it is the file you mean")
    found, mark = reader.value(0)
    if not reader.at_end():
        raise reader.refuse("something follows after the end of the document", "keep one object in a file")
    return Document(file=file, data=found, mark=mark)


class _Reader:
    """Goes through a text once."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.at = 0
        self.line = 1
        self.nodes = 0

    def at_end(self) -> bool:
        blank = _BLANK.match(self.text, self.at)
        end = blank.end() if blank else self.at
        self.line += self.text.count("\n", self.at, end)
        self.at = end
        return end == len(self.text)

    def refuse(self, message: str, hint: str = "") -> BadInput:
        return BadInput(message, file=self.file, line=self.line, hint=hint)

    def sign(self) -> str:
        if self.at_end():
            raise self.refuse("not valid JSON: the file ends too early", "close what is open: quotes, } or ]")
        return self.text[self.at]

    def take(self, allowed: str) -> str:
        sign = self.sign()
        if sign not in allowed:
            raise self.refuse(f"not valid JSON: expected {' or '.join(allowed)}, found {sign!r}", _HINT)
        self.at += 1
        return sign

    def value(self, depth: int) -> tuple[Any, Mark]:
        self.nodes += 1
        if depth > DEPTH or self.nodes > NODES:
            what = f"nested deeper than {DEPTH}" if depth > DEPTH else f"the document has more than {NODES:,} nodes"
            raise self.refuse(what, "check that it is the file you mean")
        sign = self.sign()
        if sign == "{":
            return self.object(depth)
        if sign == "[":
            return self.array(depth)
        line = self.line
        return (self.string() if sign == '"' else self.scalar()), Mark(line=line)

    def string(self) -> str:
        import json

        match = _STRING.match(self.text, self.at)
        if match is None:
            raise self.refuse("not valid JSON: expected a text in double quotes", _HINT)
        self.at = match.end()
        text: str = json.loads(match[0])
        if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
            raise self.refuse("a text holds a NUL or half of a surrogate pair", "remove it")
        return text

    def scalar(self) -> Any:
        word = _WORD.match(self.text, self.at)
        number = _NUMBER.match(self.text, self.at)
        if word and word[0] in _WORDS:
            self.at = word.end()
            return _WORDS[word[0]]
        if number is None:
            found = word[0] if word else self.text[self.at]
            raise self.refuse(f"not valid JSON: expected a value, found {found!r}", _HINT)
        self.at = number.end()
        if len(number[0]) > NUMBER_LENGTH:
            raise self.refuse(f"a number of {len(number[0]):,} characters", "put it in quotes when it is meant as text")
        found_number = float(number[0]) if number[1] or number[2] else int(number[0])
        if isinstance(found_number, float) and found_number - found_number != 0:
            raise self.refuse(f"{number[0]} is too large for a number", "put it in quotes when it is meant as text")
        return found_number

    def array(self, depth: int) -> tuple[list[Any], Mark]:
        line = self.line
        self.take("[")
        found: list[Any] = []
        marks: list[Mark] = []
        ends = self.sign() == "]"
        self.at += ends
        while not ends:
            data, mark = self.value(depth + 1)
            found.append(data)
            marks.append(mark)
            ends = self.take(",]") == "]"
        return found, Mark(line=line, parts=tuple(marks))

    def object(self, depth: int) -> tuple[dict[str, Any], Mark]:
        line = self.line
        self.take("{")
        found: dict[str, Any] = {}
        marks: dict[str, Mark] = {}
        ends = self.sign() == "}"
        self.at += ends
        while not ends:
            self.sign()
            at = self.line
            key = self.string()
            if key in found:
                raise self.refuse(say_twice(key, marks[key].line, at), "remove one of them")
            self.take(":")
            found[key], mark = self.value(depth + 1)
            marks[key] = Mark(line=at, parts=mark.parts)
            ends = self.take(",}") == "}"
        return found, Mark(line=line, parts=marks)
