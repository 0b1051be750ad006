from __future__ import annotations

import pytest

from localrun.errors import BadInput
from localrun.formats.env_file import read_env_file


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"A=1\nB=two words \n", (("A", "1"), ("B", "two words "))),
        (b"A=\"q\"\nB='s'\nC=$X #no comment\n", (("A", '"q"'), ("B", "'s'"), ("C", "$X #no comment"))),
        (b"A=a=b=c\nB=\n", (("A", "a=b=c"), ("B", ""))),
        (b"A\nB  \n", (("A", None), ("B", None))),
        (b"# c\n\n  # d\n \t\n  A=1\n", (("A", "1"),)),
        (b"\xef\xbb\xbfA=1\r\nB=2\r\n", (("A", "1"), ("B", "2"))),
        (b"A=1\nA=2", (("A", "1"), ("A", "2"))),
        ("Ä=\N{GRINNING FACE}\x85x".encode(), (("Ä", "\N{GRINNING FACE}\x85x"),)),
        (b"", ()),
    ],
)
def test_values_are_taken_as_they_stand(data, wanted):
    assert read_env_file(data, file="e") == wanted


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"A=1\n=x\n", 2, "the name is missing"),
        (b"A =1", 1, "a blank in it"),
        (b"export A=1", 1, "a blank in it"),
        (b"A B", 1, "a blank in it"),
        (b"A=1\nB=\0", 2, "NUL"),
        (b"A=1\nB=\xff", 2, "UTF-8"),
        (b"\xff\xfeA\0", 0, "UTF-16"),
        (b"x" * (1 << 21), 0, "bytes"),
    ],
)
def test_bad_lines_are_refused(data, line, words):
    with pytest.raises(BadInput, match=words) as caught:
        read_env_file(data, file="e")
    assert (caught.value.file, caught.value.line) == ("e", line)
