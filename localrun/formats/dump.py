"""The text of the files that are written for other tools: YAML that every reader takes for the same data, and JSON.

Azure ML's own SDK reads YAML 1.2 and most other tools YAML 1.1, which disagree about words such as `no`, `012`, `1e3`
or `22:22`. What one of them would not take for the text that it is stands in quotes.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from localrun.errors import BadInput
from localrun.formats.scalars import is_date, read_plain, read_plain_1_1

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_KEY = 1000
"""A longer key is announced by `? `: readers look no further than 1,024 characters for its colon (YAML 1.2, 7.4)."""

_PLAIN = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`=<~]|-(?=[^\s\-])|--(?=[A-Za-z])")
"""How text may begin that stands without quotes."""
_NOT_PRINTABLE = re.compile(r"[^ -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""What needs double quotes and an escape (YAML 1.2, 5.1, less what looks like a line end or a byte order mark)."""
_BREAKS_PLAIN = re.compile(r":(?=\s|$)|\s#|\s$")
_NUMBER_LIKE = re.compile(r"[-+.0-9][-+.0-9_:xobaA-FceEtTzZ ]*")
_WORDS = {"y", "Y", "n", "N"}
"""What YAML 1.1 itself takes for a truth value, besides what `scalars` knows of one reader of it."""


def dump_yaml(data: object) -> str:
    """Give the YAML of plain data, in block style, keys in their order, a line end at the end.

    None is an empty value, as azureml-core writes it. Items of a list stand as far left as their key.

    Args:
        data: Dicts with text keys, lists, tuples, str, int, float, bool and None.

    Raises:
        BadInput: something in it is none of these, or text that no file can hold.
    """
    if isinstance(data, dict | list | tuple) and data:
        return "\n".join(_block(data, "", ())) + "\n"
    return _inline(data, ()) + "\n"


def dump_json(data: object) -> str:
    """Give the JSON of plain data: indented by four, ASCII, keys in their order.

    Raises:
        BadInput: something in it has no place in JSON, such as NaN.
    """
    _check(data, ())
    return json.dumps(data, indent=4, allow_nan=False)


def _check(data: object, path: tuple[str, ...]) -> None:
    if isinstance(data, dict):
        for name, part in data.items():
            _quote(name, (*path, str(name)))
            _check(part, (*path, name))
    elif isinstance(data, list | tuple):
        for index, part in enumerate(data):
            _check(part, (*path, str(index)))
    elif isinstance(data, str):
        _quote(data, path)
    elif isinstance(data, float) and data - data != 0:
        raise _refuse(f"{data} is not a finite number", path, "write it as text")
    elif data is not None and not isinstance(data, int | float):
        raise _refuse(f"a value of type {type(data).__name__} has no place in a file", path, "use text or a number")


def _block(
    data: dict[str, object] | list[object] | tuple[object, ...], indent: str, path: tuple[str, ...]
) -> Iterator[str]:
    if isinstance(data, dict):
        for name, part in data.items():
            yield from _pair(name, part, indent, path)
        return
    for index, part in enumerate(data):
        where = (*path, str(index))
        if isinstance(part, dict | list | tuple) and part:
            lines = list(_block(part, indent + "  ", where))
            yield f"{indent}- {lines[0].lstrip(' ')}"
            yield from lines[1:]
        else:
            yield f"{indent}- {'null' if part is None else _inline(part, where)}"


def _pair(name: object, part: object, indent: str, path: tuple[str, ...]) -> Iterator[str]:
    key = _text(name, (*path, str(name)))
    where = (*path, str(name))
    start = f"{indent}{key}:"
    if len(key) > LONGEST_KEY:
        yield f"{indent}? {key}"
        start = f"{indent}:"
    if isinstance(part, dict | list | tuple) and part:
        yield start
        yield from _block(part, indent + ("  " if isinstance(part, dict) else ""), where)
    else:
        yield start if part is None else f"{start} {_inline(part, where)}"


def _inline(data: object, path: tuple[str, ...]) -> str:
    if isinstance(data, str):
        return _text(data, path)
    if data is None or isinstance(data, bool):
        return {None: "null", True: "true", False: "false"}[data]
    if isinstance(data, int):
        return str(data)
    if isinstance(data, float):
        return _number(data)
    if isinstance(data, dict | list | tuple):
        return "{}" if isinstance(data, dict) else "[]"
    raise _refuse(f"a value of type {type(data).__name__} has no place in a file", path, "use text or a number")


def _number(data: float) -> str:
    if data != data:  # noqa: PLR0124 - NaN is what differs from itself
        return ".nan"
    if data - data != 0:
        return ".inf" if data > 0 else "-.inf"
    digits, exponent, power = repr(data).partition("e")
    if not exponent:
        return digits
    return f"{digits if '.' in digits else digits + '.0'}e{power if power[0] in '+-' else '+' + power}"


def _text(data: object, path: tuple[str, ...]) -> str:
    quoted = _quote(data, path)
    text = str(data)
    if _NOT_PRINTABLE.search(text):
        return quoted
    if _PLAIN.match(text) and not _BREAKS_PLAIN.search(text) and not _is_read_otherwise(text):
        return text
    return "'" + text.replace("'", "''") + "'"


def _is_read_otherwise(text: str) -> bool:
    if text in _WORDS or _NUMBER_LIKE.fullmatch(text) or is_date(text):
        return True
    return not isinstance(read_plain(text), str) or not isinstance(read_plain_1_1(text), str)


def _quote(text: object, path: tuple[str, ...]) -> str:
    if not isinstance(text, str):
        raise _refuse(f"a key must be text, found {text!r}", path, "put it in quotes")
    if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise _refuse("a text holds a NUL or half of a surrogate pair", path, "remove it")
    plain = json.dumps(text, ensure_ascii=False)
    return _NOT_PRINTABLE.sub(lambda sign: f"\\u{ord(sign[0]):04x}", plain)


def _refuse(message: str, path: tuple[str, ...], hint: str) -> BadInput:
    return BadInput(message, key=".".join(path), hint=hint)
