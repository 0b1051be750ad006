"""JSON as a Docker engine and its clients write it, without the `json` module.

A warm run reads a dozen small answers; importing `json` (for the regular expressions in it) takes longer than all of
them together. `_json` is what `json` is made of in CPython; elsewhere `json` itself does the work.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Reading:
    """What the scanner wants to know: everything as `json.loads` has it."""

    strict = False
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int

    @staticmethod
    def parse_constant(name: str) -> float:
        """Give `NaN`, `Infinity` and `-Infinity`."""
        return float(name)


def read_json(data: bytes) -> Any:
    """Decode a JSON document that a program wrote; the documents of users pass through `localrun.formats` instead.

    Raises:
        ValueError: it is no JSON, or something follows it.
    """
    try:
        text = data.decode().strip()
        found, end = _scan(text)
    except (StopIteration, RecursionError) as error:
        raise ValueError("not valid JSON") from error
    if end != len(text):
        raise ValueError("not valid JSON: something follows its end")
    return found


def _scan(text: str) -> tuple[Any, int]:
    try:
        from _json import make_scanner
    except ImportError:
        import json

        return json.JSONDecoder(strict=False).raw_decode(text)
    settings: Any = _Reading()  # it wants a JSONDecoder, but looks at these attributes only
    found: tuple[Any, int] = make_scanner(settings)(text, 0)
    return found


def write_json(item: Any) -> bytes:
    """Encode nested mappings, lists, tuples, texts, numbers, booleans and None as JSON in ASCII."""
    return _write(item).encode("ascii")


def _write(item: Any) -> str:
    if isinstance(item, str):
        return _quote(item)
    if item is None or item is True or item is False:
        return {None: "null", True: "true", False: "false"}[item]
    if isinstance(item, int | float):
        return repr(item)
    if isinstance(item, dict):
        return "{" + ",".join([f"{_quote(str(key))}:{_write(part)}" for key, part in item.items()]) + "}"
    if isinstance(item, list | tuple):
        return "[" + ",".join(map(_write, item)) + "]"
    raise TypeError(f"{type(item).__name__} has no form in JSON")


def _quote(text: str) -> str:
    try:
        from _json import encode_basestring_ascii as quote
    except ImportError:
        from json.encoder import encode_basestring_ascii as quote
    quoted: str = quote(text)
    return quoted
