"""Many patterns are found at once, however many there are and wherever they lie over one another."""

from __future__ import annotations

import pytest

from localrun.adapters.patterns import AT_ONCE, DECOYS, MOST_PASSES, compile_search, compile_test


@pytest.mark.parametrize("count", [1, 3, AT_ONCE, AT_ONCE + 1, AT_ONCE * MOST_PASSES + 1])
def test_the_first_and_the_last_of_any_number_are_noticed(count):
    patterns = [f"{number:07}x".encode() for number in range(count)]
    holds_one = compile_test(patterns)
    for pattern in (patterns[0], patterns[-1]):
        assert holds_one(b"before " + pattern + b" behind")
        assert not holds_one(b"before " + pattern[:-1] + b" behind")
    assert not holds_one(b"")


def test_patterns_that_overlap_are_all_found():
    find_all = compile_search([b"abcd", b"cdef", b"bc"])
    assert sorted(find_all(b"-abcdef")) == [(0, 1, 5), (1, 3, 7), (2, 2, 4)]


def test_what_is_no_text_is_no_place():
    find_all = compile_search([b"abcd"])
    assert find_all(b"".join(DECOYS) + b"abcd") == [(0, 16, 20)]
