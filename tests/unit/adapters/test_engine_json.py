"""JSON without `json` is the same JSON."""

from __future__ import annotations

import json

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
