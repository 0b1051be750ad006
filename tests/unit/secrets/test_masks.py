"""Masks: every form of a secret is hidden, however the stream is cut."""

from __future__ import annotations

import base64
import html
import json
import random
from urllib.parse import quote, quote_plus

import pytest

from localrun.secrets.masks import MASK, Mask, hide, list_needles

SECRET = 'pa/ss"wörd+&<7>=='
FORMS = {
    "raw": SECRET.encode(),
    "base64": base64.b64encode(SECRET.encode()),
    "base64 of user and password": base64.b64encode(f"user:{SECRET}".encode()),
    "base64 in the middle": base64.b64encode(f"ab{SECRET}cde".encode()),
    "base64 for addresses": base64.urlsafe_b64encode(SECRET.encode()),
    "percent-encoded": quote(SECRET).encode(),
    "percent-encoded with slashes": quote(SECRET, safe="").encode(),
    "a form's field": quote_plus(SECRET).encode(),
    "json": json.dumps({"a": SECRET}).encode(),
    "json in UTF-8": json.dumps({"a": SECRET}, ensure_ascii=False).encode(),
    "python": repr(SECRET).encode(),
    "html": html.escape(SECRET).encode(),
    "hexadecimal": SECRET.encode().hex().encode(),
}


def pieces(mask, parts):
    return b"".join([*(mask.filter(part) for part in parts), mask.finish()])


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_masked(form):
    text = hide(b"before " + FORMS[form] + b" after", list_needles([SECRET]))
    assert MASK in text
    assert not any(part in text for part in (b"wrd", "wörd".encode(), FORMS[form][4:-4]))


@pytest.mark.parametrize("form", FORMS)
def test_a_form_split_anywhere_is_masked_the_same(form):
    text = b"before " + FORMS[form] + b" after\n"
    needles = list_needles([SECRET])
    for cut in range(len(text)):
        assert pieces(Mask(needles), [text[:cut], text[cut:]]) == hide(text, needles), cut
    assert pieces(Mask(needles), [text[place : place + 1] for place in range(len(text))]) == hide(text, needles)


def test_lines_of_a_value_are_masked_one_by_one():
    key = "-----BEGIN KEY-----\nabcdefgh12345\nijklmnop6789\n"
    text = hide(b"  abcdefgh12345\r\n> ijklmnop6789\n", list_needles([key]))
    assert text == b"  ***\r\n> ***\n"


def test_long_base64_is_masked_when_it_is_broken_into_lines():
    value = "".join(chr(33 + place % 90) for place in range(300))
    lines = base64.encodebytes(value.encode()).splitlines()
    text = hide(b"\n".join(lines), list_needles([value]))
    assert not any(line in text for line in lines)


def test_a_line_is_not_held_back():
    mask = Mask(list_needles(["secret-value"]))
    assert mask.filter(b"a line about secrets\n") == b"a line about secrets\n"


def test_no_more_than_the_longest_needle_is_held_back():
    needles = list_needles(["secret-value"])
    longest = max(map(len, needles))
    mask = Mask(needles)
    given = taken = 0
    for _ in range(100):
        given += 3
        taken += len(mask.filter(b"sec"))
        assert given - taken <= longest


def test_one_needle_that_begins_in_another_does_not_show_it():
    needles = list_needles(["xxabcdef", "defghi"])
    for text in (b"xxabcdefghi", b"xxabcdefgh", b"xxabcde", b"defxxabcdefghi"):
        for cut in range(len(text)):
            out = pieces(Mask(needles), [text[:cut], text[cut:]])
            assert b"xxabcdef" not in out
            assert b"defghi" not in out


def test_streams_cut_at_random_are_masked():
    needles = list_needles(["abcabcabd", "bcabca", "cabdab"])
    rng = random.Random(7)
    for _ in range(300):
        text = bytes(rng.choice(b"abcd") for _ in range(60))
        cuts = sorted(rng.sample(range(60), 5))
        parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, 60], strict=True)]
        out = pieces(Mask(needles), parts)
        assert not any(needle in out for needle in (b"abcabcabd", b"bcabca", b"cabdab"))


def test_values_shorter_than_six_characters_are_not_masked():
    assert list_needles(["true", "a", "12345"]) == ()
