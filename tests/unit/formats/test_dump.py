from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localrun.errors import BadInput
from localrun.formats.dump import dump_json, dump_yaml
from localrun.formats.gate import load_yaml

WORDS = ["no", "Yes", "on", "y", "N", "012", "0o17", "08", "1e3", "1e-05", "1E5", "1e+3", "22:22", "1:30", "3.10", "~", "null",
         "", " a", "a ", "a: b", "a #b", "#a", "- a", "-", "--", "---", "...", "=", "<<", "a:", "&a", "*a", "!a", "%a", "@a", "`a",
         "'a'", '"a"', "[a]", "{a}", "?", "? a", "a\nb", "a\tb", "\ufeff", "\u2028", "\x85", "é", "日本", "\U0001f680", "2024-01-01",
         "--pre", "-e ./x", ".5", ".inf", "0x1F", "1_000", "+1", "9" * 2000, "2g", "true", "python=3.8", "1.2.3"]  # fmt: skip

plain_data = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False)
    | st.sampled_from(WORDS)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS[:-1]), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150)
@given(plain_data)
def test_what_is_written_is_read_as_the_same(data):
    assert load_yaml(dump_yaml(data).encode(), file="f").data == data


def test_words_that_a_reader_takes_for_something_else_are_quoted():
    lines = dump_yaml(WORDS).splitlines()
    bare = [word for word, line in zip(WORDS, lines, strict=True) if line == f"- {word}"]
    assert bare == ["é", "日本", "\U0001f680", "--pre", "-e ./x", "2g", "python=3.8"]


def test_lists_stand_under_their_key_and_nothing_is_folded():
    data = {"a": ["x" * 200, {"pip": ["z"]}], "b": None, "c": {}, "d": {"e": 1}}
    assert dump_yaml(data) == f"a:\n- {'x' * 200}\n- pip:\n  - z\nb:\nc: {{}}\nd:\n  e: 1\n"


def test_long_keys_are_announced():
    data = {"k" * 1200: {"a": [1]}}
    assert load_yaml(dump_yaml(data).encode(), file="f").data == data


def test_json_is_ascii_indented_by_four():
    assert dump_json({"a": ["é"]}) == '{\n    "a": [\n        "\\u00e9"\n    ]\n}'


@pytest.mark.parametrize("data", [{"a": object()}, {1: 2}, {"a": ["\0"]}, {"a": b"x"}])
def test_what_is_no_plain_data_is_refused(data):
    for dump in (dump_yaml, dump_json):
        with pytest.raises(BadInput):
            dump(data)
