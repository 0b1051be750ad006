"""JSON without `json` is the same JSON."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localrun.adapters.engine_json import read_json, write_json

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(TREES)
def test_what_is_written_reads_the_same_for_everybody(tree):
    assert json.loads(write_json(tree)) == tree
    assert read_json(write_json(tree)) == tree
    assert read_json(json.dumps(tree, indent=1, ensure_ascii=False).encode(errors="surrogatepass") + b"\n") == tree


@pytest.mark.parametrize("data", [b"", b"{", b"{} {}", b"[1,]", b"nul", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(data):
    with pytest.raises(ValueError, match=r".*"):
        read_json(data)


def test_what_has_no_form_in_json_is_refused():
    with pytest.raises(TypeError, match="set"):
        write_json({"a": {1}})


def test_numbers_that_json_does_not_know_are_read_as_python_writes_them():
    found = read_json(b"[Infinity, -Infinity, NaN]")
    assert found[:2] == [float("inf"), float("-inf")]
    assert found[2] != found[2]


def test_an_interpreter_without_the_fast_half_of_json_reads_and_writes_the_same(monkeypatch):
    from localrun.cli.show import flat_documents

    tree = {"a": [1, 2.5, None, True, 'ü\x01"\n\U0001f600'], "b": {}}
    names, rows = ("x", "y"), [("ü", 1), ("b", None)]
    written, documents = write_json(tree), flat_documents(names, rows)
    monkeypatch.setitem(sys.modules, "_json", None)
    assert write_json(tree) == written
    assert read_json(written) == tree
    assert flat_documents(names, rows) == documents
    with pytest.raises(ValueError, match="something follows its end"):
        read_json(b"{} {}")
