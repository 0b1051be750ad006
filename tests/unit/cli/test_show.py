from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localrun.cli import show
from localrun.cli.show_plan import mask

CELLS = st.one_of(st.none(), st.text(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
CELLS |= st.lists(st.text()).map(tuple)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS)))
def test_flat_documents_are_what_documents_are(rows):
    names = ("run_id", "é", 'a"b')
    expected = show.documents(dict(zip(names, row, strict=True)) for row in rows)
    assert show.flat_documents(names, rows) == expected
    listed = [[list(cell) if isinstance(cell, tuple) else cell for cell in row] for row in rows]
    assert json.loads(expected) == [dict(zip(names, row, strict=True)) for row in listed]


@pytest.mark.parametrize("text", ["\x7f", "\x1b[31m", "\ud800", "100 %s"])
def test_flat_documents_hold_nothing_that_a_terminal_obeys(text):
    shown = show.flat_documents(("a",), [(text,)])
    assert shown.isascii()
    assert shown.strip().isprintable()
    assert json.loads(shown) == [{"a": text}]


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("API_TOKEN", "t", "***"),
        ("PLACE", "https://me:s3cret@example.org", "***"),
        ("MAX_TOKENS", "512", "512"),
        ("TOKENIZERS_PARALLELISM", "false", "false"),
    ],
)
def test_variables_are_shown_as_long_as_they_hold_no_secret(name, text, shown):
    assert mask(name, text) == shown
