"""Where secrets stand in a text: all needles are looked for at once, by how they begin."""

from __future__ import annotations

from localrun.adapters.patterns import compile_search, compile_test

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

BEGINNING = 8
"""Bytes of a needle that are looked for first: many forms of a value begin alike, and short texts are found faster."""


class Search:
    """A search for needles, made once for many texts.

    Attributes:
        longest: Length of the longest needle.
    """

    __slots__ = ("_beginnings", "_bytes", "_find", "_holds", "_needles", "longest")

    def __init__(self, needles: Iterable[bytes]) -> None:
        """Take the needles, at least one, none of them empty."""
        by_beginning: dict[bytes, list[bytes]] = {}
        for needle in sorted(needles, key=len, reverse=True):
            by_beginning.setdefault(needle[:BEGINNING], []).append(needle)
        patterns = tuple(by_beginning)
        self._needles = tuple(by_beginning.values())
        self._find = compile_search(patterns)
        self._holds = compile_test(patterns)
        self._bytes = frozenset(b"".join(map(b"".join, self._needles)))
        self._beginnings = frozenset([text[:size] for text in patterns for size in range(1, len(text))])
        self.longest = max([len(group[0]) for group in self._needles])

    def find(self, text: bytes) -> list[tuple[int, int]]:
        """Find where needles begin and end in a text, in order; of those that begin together, the longest."""
        if not self._holds(text):
            return []
        found = []
        for number, begin, _ in self._find(text):
            needle = next((one for one in self._needles[number] if text.startswith(one, begin)), None)
            if needle is not None:
                found.append((begin, begin + len(needle)))
        return sorted(found)

    def find_begun(self, text: bytes) -> int:
        """Find the first place whose rest is the beginning of a needle, not all of it; the length if there is none."""
        if not text or text[-1] not in self._bytes:
            return len(text)
        start = max(0, len(text) - self.longest + 1)
        tail = text[start:]
        for number, begin, _ in sorted(self._find(tail), key=_get_begin):
            rest = tail[begin:]
            if any(len(one) > len(rest) and one.startswith(rest) for one in self._needles[number]):
                return start + begin
        for size in range(min(BEGINNING - 1, len(tail)), 0, -1):
            if tail[-size:] in self._beginnings:
                return len(text) - size
        return len(text)


def _get_begin(place: tuple[int, int, int]) -> int:
    return place[1]
