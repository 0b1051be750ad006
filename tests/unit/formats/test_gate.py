from __future__ import annotations

import math
import sys
import time

import pytest

from localrun.errors import BadInput
from localrun.formats.gate import load_yaml
from localrun.formats.json_text import load_json
from localrun.formats.scalars import read_plain, read_plain_1_1


def load(text):
    return load_yaml(text if isinstance(text, bytes) else text.encode(), file="f.yml").data


def refused(text):
    with pytest.raises(BadInput) as caught:
        load(text)
    assert caught.value.file == "f.yml"
    return caught.value


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: no\nb: yes\nc: on", {"a": "no", "b": "yes", "c": "on"}),
        ("a: 012\nb: 0o17\nc: 0x1F\nd: 1_000", {"a": 12, "b": 15, "c": 31, "d": 1000}),
        ("a: 1:30\nb: 2024-01-01", {"a": "1:30", "b": "2024-01-01"}),
        ("a: 1e3\nb: 1.50\nc: .5", {"a": 1000.0, "b": 1.5, "c": 0.5}),
        ("a: ~\nb: null\nc:\nd: ''", {"a": None, "b": None, "c": None, "d": ""}),
        ("a: !!str 3.10\nb: !!float 3\nc: ! 12", {"a": "3.10", "b": 3.0, "c": "12"}),
        ("a: &x {k: 1}\nb: *x", {"a": {"k": 1}, "b": {"k": 1}}),
        ("a: &x {k: 1, z: 1}\nb: {<<: *x, k: 2}", {"a": {"k": 1, "z": 1}, "b": {"k": 2, "z": 1}}),
        ("b: {<<: [{k: 1}, {k: 2, z: 3}], y: 1}", {"b": {"k": 1, "z": 3, "y": 1}}),
        ("b: {'<<': 1}", {"b": {"<<": 1}}),
        (b"\xef\xbb\xbfa: 1\r\nb: x\r\n", {"a": 1, "b": "x"}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("%YAML 1.2\n---\na: 1", {"a": 1}),
        ("a: \N{GRINNING FACE}", {"a": "\N{GRINNING FACE}"}),
        ('{"\\ud83d\\ude00": "x\\ud83d\\ude00"}', {"\N{GRINNING FACE}": "x\N{GRINNING FACE}"}),
        ("- 1\n- [2]", [1, [2]]),
        ("", None),
        ("# only a comment\n", None),
        ("---\n", None),
        (b"\xef\xbb\xbf", None),
    ],
)
def test_yaml_is_read_as_1_2(text, data):
    assert load(text) == data


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "key a is there twice, in line 1 and in line 3"),
        ("b:\n  x: {k: 1,\n   k: 2}", 3, "in line 2 and in line 3"),
        ("a:\n\tb: 1", 2, "a tab stands"),
        ("a: 1\n---\nb: 2", 2, "a second document"),
        ("a: !!python/object:os.system x", 1, "is not allowed"),
        ("a: !!python/tuple [x]", 1, "is not allowed"),
        ("a: !!binary eA==", 1, "is not allowed"),
        ("a: !mine x", 1, "is not allowed"),
        ("a: !!int x", 1, "is not of type int"),
        ("{[1]: 2}", 1, "a key must be text, found a list or mapping"),
        ("x: 1\n3: 2", 2, "a key must be text, found 3"),
        ("true: 2", 1, "a key must be text, found true"),
        (": 2", 1, "a key must be text, found null"),
        ('a: "\\ud800"', 1, "half of a surrogate"),
        ('a: "\\ude00\\ud83d"', 1, "half of a surrogate"),
        ('a: 1\nb: "\\0"', 2, "NUL"),
        (b"a: 1\nb: \x00", 2, "NUL"),
        ("a: 1\nb: \x07", 2, "is not allowed in YAML"),
        (b"a: 1\nb: caf\xe9", 2, "byte 0xe9 is not UTF-8"),
        ("a: 1".encode("utf-16"), 0, "UTF-16"),
        ("a: 1".encode("utf-32"), 0, "UTF-32"),
        ("a: " + "9" * 5000, 1, "a number of 5,000 characters"),
        ("a: b: c", 1, "mapping values are not allowed"),
        ("a: 'x", 1, "not valid YAML"),
        ("a: *b", 1, "no anchor &b"),
        ("a: &a [*a]", 1, "no anchor &a"),
        ('a: "\\UFFFFFFFF"', 0, "not valid YAML"),
        ("%YAML 1.1\n---\na: no", 2, "YAML 1.1"),
        ("a: {<<: 3}", 1, "`<<` takes a mapping"),
        ("a: &x [1]\nb:\n" + "- *x\n" * 101, 103, "more than 100 aliases"),
    ],
)
def test_bad_yaml_is_refused_with_its_line(text, line, words):
    error = refused(text)
    assert words in str(error)
    assert error.line == line
    assert error.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [("a: 'x", "close the quotation mark"), ("a: {b: c", "close the bracket"), ("a: [b c: d e: f]", "comma"),
     ("a: [b\nc: d", "put a comma between"), ("a: @x", "put text that starts with this character in quotes"),
     ("a: b: c", "in quotes"), ("a:\n - b\n c: d", "look at that line and the one above it")],
)  # fmt: skip
def test_broken_yaml_is_told_with_what_mends_it(text, hint):
    assert hint in refused(text).hint


@pytest.mark.parametrize("text", ["- " * 2000, "{a: " * 2000, "? " * 2000, "[" * 100_000])
def test_deep_nesting_is_refused(text):
    assert "nested deeper than 50" in str(refused(text))


def test_fifty_levels_are_read():
    assert load("[" * 50 + "]" * 50)


def alias_bomb(width=9):
    lines = ["a: &a [" + ",".join(["x"] * width) + "]"]
    for above, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [" + ",".join([f"*{above}"] * width) + "]")
    return "\n".join(lines)


def test_alias_bomb_is_refused_before_it_expands():
    load("a: 1")  # the import is not what is measured
    started = time.process_time()
    assert "100,000 nodes, aliases expanded" in str(refused(alias_bomb()))
    assert time.process_time() - started < 0.2


def test_alias_bomb_of_ten_megabytes_is_refused_at_once():
    bomb = alias_bomb() + "\n#" + "x" * 10_000_000
    started = time.process_time()
    assert "at most 1,048,576 are read" in str(refused(bomb))
    assert time.process_time() - started < 0.2


def test_merge_bomb_is_refused():
    keys = ", ".join(f"k{number}: 1" for number in range(2000))
    text = "a: &a {" + keys + "}\nb:\n" + "- {<<: [" + ",".join(["*a"] * 90) + "]}\n"
    assert "nodes" in str(refused(text))


def test_a_long_word_after_an_exclamation_mark_takes_no_time():
    started = time.process_time()
    refused("a: " + "!" * 1_000_000)
    assert time.process_time() - started < 0.5


def test_lines_are_those_of_the_keys():
    document = load_yaml(b"a: 1\n\nb:\n  c: x\n  d:\n    - e: 1\n", file="f.yml")
    assert document.lines() == (("a", 1), ("b", 3), ("b.c", 4), ("b.d", 5))
    assert document.mark_of(("b", "d", 0, "e")).line == 6
    assert document.mark_of(("b", "zz", "y")).line == 3


def test_plain_text_is_kept_for_unquoted_scalars_only():
    document = load_yaml(b"a: 3.10\nb: '3.10'\nc: !!str 3.10\n", file="f.yml")
    assert [document.mark_of((name,)).plain for name in "abc"] == ["3.10", None, None]


@pytest.mark.parametrize(
    ("text", "in_1_2", "in_1_1"),
    [
        ("no", "no", False),
        ("Yes", "Yes", True),
        ("off", "off", False),
        ("y", "y", "y"),
        ("012", 12, 10),
        ("08", 8, "08"),
        ("0o17", 15, "0o17"),
        ("0b11", 3, 3),
        ("-0x1f", -31, -31),
        ("1:30", "1:30", 90),
        ("1:30.5", "1:30.5", 90.5),
        ("1e3", 1000.0, "1e3"),
        ("1e-05", 1e-05, "1e-05"),
        ("1.0e+3", 1000.0, 1000.0),
        ("1.0e3", 1000.0, "1.0e3"),
        ("1_000", 1000, 1000),
        ("-.5", -0.5, "-.5"),
        (".inf", math.inf, math.inf),
        ("-.INF", -math.inf, -math.inf),
        ("_1", "_1", "_1"),
        ("-", "-", "-"),
        (".", ".", "."),
        ("0x", "0x", "0x"),
        ("-_", "-_", "-_"),
        ("true", True, True),
    ],
)
def test_plain_scalars_in_both_versions_of_yaml(text, in_1_2, in_1_1):
    for found, wanted in ((read_plain(text), in_1_2), (read_plain_1_1(text), in_1_1)):
        assert (found, type(found)) == (wanted, type(wanted))


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ('{"a": [1, -2.5, 1e3, true, false, null, "x\\n\\ud83d\\ude00"], "b": {}}', None),
        ("[]", []),
        (b'\xef\xbb\xbf{"a":\r\n1}', {"a": 1}),
        ("\t3\n", 3),
    ],
)
def test_json_is_read(text, data):
    found = load_json(text if isinstance(text, bytes) else text.encode(), file="f.json").data
    wanted = {"a": [1, -2.5, 1000.0, True, False, None, "x\n\N{GRINNING FACE}"], "b": {}}
    assert found == (wanted if data is None else data)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 0, "empty"),
        (" \n", 0, "empty"),
        ('{"a": 1,\n "a": 2}', 2, "key a is there twice, in line 1 and in line 2"),
        ("NaN", 1, "found 'NaN'"),
        ("[-Infinity]", 1, "expected a value"),
        ("1e999", 1, "too large"),
        ("9" * 5000, 1, "a number of 5,000"),
        ("[" * 100_000, 1, "nested deeper"),
        ("[" + "1," * 100_001 + "1]", 1, "100,000 nodes"),
        ('{"a": 1} x', 1, "something follows"),
        ('{"a": 1,}', 1, "double quotes"),
        ("{'a': 1}", 1, "double quotes"),
        ('["\\ud800"]', 1, "surrogate"),
        ('["a\nb"]', 1, "double quotes"),
        ("[1", 1, "ends too early"),
        ("[01]", 1, "expected"),
        (b'["\xff"]', 1, "UTF-8"),
    ],
)
def test_bad_json_is_refused_with_its_line(text, line, words):
    with pytest.raises(BadInput) as caught:
        load_json(text if isinstance(text, bytes) else text.encode(), file="f.json")
    assert words in str(caught.value)
    assert caught.value.line == line


def test_json_keys_have_lines():
    document = load_json(b'{\n"a": {"b": 1,\n"c": [2]}}', file="f.json")
    assert document.lines() == (("a", 2), ("a.b", 2), ("a.c", 3))


def test_importing_the_readers_does_not_import_ruamel():
    names = [name for name in sys.modules if name.startswith("localrun.formats")]
    assert names
    for name in names:
        assert not any(getattr(item, "__name__", "").startswith("ruamel") for item in vars(sys.modules[name]).values())
