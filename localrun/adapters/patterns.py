"""Many texts looked for at once, by `ahocorasick_rs`: the automata of Aho and Corasick, as Rust has them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

AT_ONCE = 60
"""So many patterns the library finds by vectors of the processor (64, its own limit, less the decoys)."""
MOST_PASSES = 6
"""So many passes of that kind cost as much as one pass of an automaton, which takes any number of patterns."""
DECOYS = tuple([bytes([byte]) * 4 for byte in range(0xF8, 0xFC)])
"""Texts of bytes that UTF-8 never has.

With them the patterns have no few bytes in common: the library would skip from one such byte to the next, which is slow
where they are digits or letters of every line.
"""


def compile_test(patterns: Sequence[bytes]) -> Callable[[bytes], bool]:
    """Give a function that says whether a text holds one of the patterns; it may say so of a text with a decoy."""
    from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

    size = AT_ONCE if len(patterns) <= AT_ONCE * MOST_PASSES else len(patterns)
    groups = [(*patterns[place : place + size], *DECOYS) for place in range(0, len(patterns), size)]
    automata = [BytesAhoCorasick(group, MatchKind.LeftmostFirst, Implementation.DFA) for group in groups]

    def holds_one(text: bytes) -> bool:
        return any(automaton.find_matches_as_indexes(text) for automaton in automata)

    return holds_one


def compile_search(patterns: Sequence[bytes]) -> Callable[[bytes], list[tuple[int, int, int]]]:
    """Give a function that finds every place of every pattern in a text, also of those that overlap.

    A place is the pattern's number, where it begins, and where it ends.
    """
    from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

    automaton = BytesAhoCorasick((*patterns, *DECOYS), MatchKind.Standard, Implementation.DFA)
    count = len(patterns)

    def find_all(text: bytes) -> list[tuple[int, int, int]]:
        return [place for place in automaton.find_matches_as_indexes(text, overlapping=True) if place[0] < count]

    return find_all
