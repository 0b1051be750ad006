"""The short way through plain YAML gives what the parser gives, line numbers included."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localrun.errors import BadInput
from localrun.formats.gate import Mark, _Composer, load_yaml
from localrun.formats.simple_yaml import read_simple

CONDA = """# made by hand\r
name: train
channels:
- conda-forge
  # a comment between
- https://host.example/channel

dependencies:
  - python=3.11
  - numpy >=1.26,<2
  - conda-forge::scipy
  - pip:
    - -e ./package
    - --index-url https://pypi.example/simple
    - tool[extra] @ git+https://git.example/tool@abc
  - pip
prefix: /home/user/envs/train
"""


def same(text):
    found = read_simple(text, Mark)
    if found is None:
        return False
    document = _Composer(text, "f").document()
    assert found == (document.data, document.mark)
    return True


def test_conda_file_takes_the_short_way():
    assert same(CONDA)
    assert load_yaml(CONDA.encode(), file="f").data["dependencies"][3]["pip"][0] == "-e ./package"


@pytest.mark.parametrize(
    "text",
    [
        "a: 1.0\nb: true\nc: 0x1F\nd: null\ne: 1e3\nf: 012\ng: yes\nh: 3.10\n",
        "a:\n- 1\n- ~\n- 1.50\n- 2024-01-02\n- .5\n",
        "a:\n  - x\n  - p:\n      - y\n      - z\n  - w\nb: c\n",
        "a:\n- p:\n  - y\n- w\n",
        "a: b   \n\n\n#c\nd: e",
        "a:\n   - b:c\n   - x:y:z\n",
    ],
)
def test_other_plain_files_take_it_too(text):
    assert same(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "# only\n", "a", "- a\n", "a:\n", "a:\nb: c\n", "a: b\n  c\n", "a:\n- b\n  c\n", "a:\n- b\n  - c\n",
        "a: b\na: c\n", "true: x\n", "a: 'b'\n", "a: b #c\n", "a: b: c\n", "a: &x b\n", "a: *x\n", "a: |\n  b\n",
        "a: [b, c]\n", "a: {b: c}\n", "---\na: b\n", "a: b\n...\n", "a:\tb\n", "a:\n\t- b\n", "a:\n- - b\n", "a: -\n",
        "a: !t b\n", "<<: b\n", "a:\n- b:\n  c: d\n", "a:\n- b: c\n", "a:\n- p:\n- q\n", "a:\n  - b\n - c\n", "a: ü\n",
        "a:\n - b\n  - c\n", "a:\n-  p:\n   - y\n", "# \x85 x\na: b\n", "a: b\rc: d\n", "1: a\n", "a : b\n", "a:b\n",
        "a:\n- ---\n", "%YAML 1.1\n---\na: b\n", "a: >\n", "a: @b\n", "a: `b\n", "a: ?\n", "a: ,b\n", "a: ]\n",
    ],
)  # fmt: skip
def test_everything_else_is_left_to_the_parser(text):
    assert read_simple(text, Mark) is None


LINES = st.sampled_from(
    ["a:", "b:", "name: x", "c: 1.0", "- x", "  - y=1", "    - z", "- pip:", "  - pip:", "   - w", "", "# c", "  # d",
     "- -e ./x", "- a b", "- a: b", "  x", "d: e f", "- a:b", "- 1", "- null", "-x", "- -", "\r", "a: b\r", "- x\r",
     "- x #y", "- x#y", "e: ~", "f: a:", "- [a]", "- a[b]", "g: (x)", "-   many", "h:   many", "- x  ", "---", "..."]
)  # fmt: skip


@given(st.lists(LINES, max_size=9))
@settings(max_examples=300)
def test_both_ways_agree_on_random_files(lines):
    text = "\n".join(lines)
    if read_simple(text, Mark) is not None:
        assert same(text)


SIGNS = st.text(alphabet="ab1.-+=<>~*!,@()[]:#/_ \t'\"&{}%|?\\", min_size=1, max_size=8)


@given(SIGNS, SIGNS)
@settings(max_examples=300)
def test_both_ways_agree_on_random_words(one, two):
    for text in (f"a: {one}\nb:\n- {two}\n", f"{one}: {two}\n", f"a:\n  - {one}\n  - p:\n    - {two}\n"):
        if read_simple(text, Mark) is not None:
            assert same(text)


def test_numbers_beyond_the_limit_are_refused_as_before():
    with pytest.raises(BadInput):
        load_yaml(b"a: " + b"1" * 5000, file="f")
