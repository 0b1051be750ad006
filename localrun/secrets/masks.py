"""Masks: the values of secrets, and the forms that they take in text, replaced by `***` on their way to a log.

A second line of defence. It knows the value itself, each of its lines, and these as base64 (also inside of a longer
text, also broken into lines), percent-encoded, as a JSON or Python string, in HTML and as hexadecimal digits.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from localrun.secrets.search import Search

MASK = b"***"
SHORTEST = 6
"""A shorter value stands in too many texts by chance: masking it would spoil them and tell what it is."""
BASE64_LINE = 76
"""Characters of a line of base64 in mail and PEM-like files; source: RFC 2045, section 6.8."""


class Mask:
    """A filter for one stream of bytes: what comes out holds none of the needles, however the stream was cut.

    Of what comes in, at most the longest needle is held back: only an end that a needle may begin with.
    """

    __slots__ = ("_held", "_search")

    def __init__(self, search: Search) -> None:
        """Take what finds the needles; masks may share it."""
        self._search = search
        self._held = b""

    def filter(self, data: bytes) -> bytes:
        """Give what may go on of `data` and of what was held back before."""
        data = self._held + data
        spans = self._search.find(data)
        cut = self._search.find_begun(data)
        for begin, end in spans:  # no needle is cut in two
            if begin < cut < end:
                cut = end
        self._held = data[cut:]
        return _cover(data[:cut], spans)

    def finish(self) -> bytes:
        """Give what was held back; the stream has ended."""
        held, self._held = self._held, b""
        return _cover(held, self._search.find(held))


def hide(data: bytes, search: Search) -> bytes:
    """Give data with `***` for every needle in it."""
    return _cover(data, search.find(data))


def _cover(data: bytes, spans: Iterable[tuple[int, int]]) -> bytes:
    """Give data with `***` for its spans, one for those that overlap; those behind its end are not meant."""
    pieces = []
    shown = 0
    for begin, end in spans:
        if begin >= len(data):
            break
        if begin >= shown:
            pieces += [data[shown:begin], MASK]
        shown = max(shown, end)
    return b"".join([*pieces, data[shown:]]) if pieces else data


def list_needles(values: Iterable[str]) -> tuple[bytes, ...]:
    """List the texts to look for, longest first; empty when every value is too short to be masked."""
    found: set[bytes] = set()
    for value in values:
        if len(value) < SHORTEST:
            continue
        lines = [line.strip() for line in value.splitlines()]
        for text in {value, *lines}:
            if len(text) >= SHORTEST:
                found.update(_list_forms(text))
    return tuple(sorted(found, key=lambda needle: (-len(needle), needle)))


def _list_forms(text: str) -> set[bytes]:
    import html
    import json
    from urllib.parse import quote, quote_plus

    raw = text.encode(errors="surrogateescape")
    escaped = [json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1], html.escape(text)]
    quoted = [quote(raw), quote(raw, safe=""), quote_plus(raw)]
    hexadecimal = [raw.hex(), raw.hex().upper()]
    forms = {item.encode(errors="surrogateescape") for item in (*escaped, *quoted, *hexadecimal)}
    forms |= {item.replace(b"%2F", b"%2f") for item in forms}
    return forms | {raw} | _list_base64(raw)


def _list_base64(raw: bytes) -> set[bytes]:
    """List what a value looks like in base64 at the beginning, and as a part of a longer text that is encoded."""
    import base64

    forms: set[bytes] = set()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw)
        begin = (0, 2, 3)[before]  # characters that depend on what stands before
        end = len(encoded) if (before + len(raw)) % 3 == 0 else len(encoded.rstrip(b"=")) - 1
        inner = encoded[begin:end]
        forms |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
        if len(inner) > BASE64_LINE and not before:
            forms |= {inner[place : place + BASE64_LINE] for place in range(0, len(inner), BASE64_LINE)}
    return {form for form in forms if len(form) >= SHORTEST}
