"""Masks: every form of a secret is hidden, however the stream is cut."""

from __future__ import annotations

import base64
import html
import json
import random
from urllib.parse import quote, quote_plus

import pytest

from localrun.secrets.masks import MASK, Mask, hide, list_needles
from localrun.secrets.search import BEGINNING, Search

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
    text = hide(b"before " + FORMS[form] + b" after", Search(list_needles([SECRET])))
    assert MASK in text
    assert not any(part in text for part in (b"wrd", "wörd".encode(), FORMS[form][4:-4]))


@pytest.mark.parametrize("form", FORMS)
def test_a_form_split_anywhere_is_masked_the_same(form):
    text = b"before " + FORMS[form] + b" after\n"
    search = Search(list_needles([SECRET]))
    for cut in range(len(text)):
        assert pieces(Mask(search), [text[:cut], text[cut:]]) == hide(text, search), cut
    assert pieces(Mask(search), [text[place : place + 1] for place in range(len(text))]) == hide(text, search)


def test_lines_of_a_value_are_masked_one_by_one():
    key = "-----BEGIN KEY-----\nabcdefgh12345\nijklmnop6789\n"
    text = hide(b"  abcdefgh12345\r\n> ijklmnop6789\n", Search(list_needles([key])))
    assert text == b"  ***\r\n> ***\n"


def test_long_base64_is_masked_when_it_is_broken_into_lines():
    value = "".join(chr(33 + place % 90) for place in range(300))
    lines = base64.encodebytes(value.encode()).splitlines()
    text = hide(b"\n".join(lines), Search(list_needles([value])))
    assert not any(line in text for line in lines)


def test_a_line_is_not_held_back():
    mask = Mask(Search(list_needles(["secret-value"])))
    assert mask.filter(b"a line about secrets\n") == b"a line about secrets\n"


def test_no_more_than_the_longest_needle_is_held_back():
    search = Search(list_needles(["secret-value"]))
    longest = search.longest
    mask = Mask(search)
    given = taken = 0
    for _ in range(100):
        given += 3
        taken += len(mask.filter(b"sec"))
        assert given - taken <= longest


def test_one_needle_that_begins_in_another_does_not_show_it():
    search = Search(list_needles(["xxabcdef", "defghi"]))
    for text in (b"xxabcdefghi", b"xxabcdefgh", b"xxabcde", b"defxxabcdefghi"):
        for cut in range(len(text)):
            out = pieces(Mask(search), [text[:cut], text[cut:]])
            assert b"xxabcdef" not in out
            assert b"defghi" not in out


def test_streams_cut_at_random_are_masked():
    search = Search(list_needles(["abcabcabd", "bcabca", "cabdab"]))
    rng = random.Random(7)
    for _ in range(300):
        text = bytes(rng.choice(b"abcd") for _ in range(60))
        cuts = sorted(rng.sample(range(60), 5))
        parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, 60], strict=True)]
        out = pieces(Mask(search), parts)
        assert not any(needle in out for needle in (b"abcabcabd", b"bcabca", b"cabdab"))


def test_values_shorter_than_six_characters_are_not_masked():
    assert list_needles(["true", "a", "12345"]) == ()


def test_needles_that_overlap_are_all_hidden():
    search = Search(list_needles(["xxabcdef", "defghi"]))
    assert hide(b"-xxabcdefghi-defghi", search) == b"-***-***"
    assert hide(b"defghidefghi", search) == b"******"


def test_the_longest_of_those_that_begin_together_is_hidden():
    search = Search([b"abcdefgh", b"abcdefghijkl", b"abcdefghij"])
    assert hide(b"abcdefghijkl abcdefghijk abcdefgh", search) == b"*** ***k ***"


@pytest.mark.parametrize("count", [1, 3, 10, 100])
def test_as_many_secrets_as_there_are_are_found_wherever_they_stand(count):
    rng = random.Random(count)
    values = ["".join(rng.choices("abAB01+/", k=rng.choice([6, 7, 8, 20, 300]))) for _ in range(count)]
    needles = list_needles(values)
    search = Search(needles)
    for needle in rng.sample(needles, min(len(needles), 300)):
        text = rng.randbytes(rng.randrange(40)) + needle + rng.randbytes(40)
        places = {place for begin, end in search.find(text) for place in range(begin, end)}
        begin = text.index(needle)
        assert places >= set(range(begin, begin + len(needle)))
        assert pieces(Mask(search), [text[: begin + 3], text[begin + 3 :]]).count(MASK) >= 1


def test_what_is_found_is_what_a_plain_search_finds():
    rng = random.Random(11)
    needles = [bytes(rng.choices(b"ab", k=rng.randrange(6, BEGINNING + 6))) for _ in range(20)]
    search = Search(needles)
    for _ in range(200):
        text = bytes(rng.choices(b"ab", k=rng.randrange(60)))
        plain = {
            place
            for needle in needles
            for begin in range(len(text))
            if text.startswith(needle, begin)
            for place in range(begin, begin + len(needle))
        }
        assert {place for begin, end in search.find(text) for place in range(begin, end)} == plain
        begun = [
            begin
            for begin in range(len(text))
            if any(one.startswith(text[begin:]) and len(one) > len(text) - begin for one in needles)
        ]
        assert search.find_begun(text) == min(begun, default=len(text))


def test_bytes_that_are_no_text_pass_unchanged():
    search = Search(list_needles(["secret-value"]))
    data = bytes(range(256)) * 10 + b"\xf8" * 50
    assert hide(data, search) == data


def test_a_short_line_of_a_value_is_not_masked_by_itself():
    search = Search(list_needles(["first\nsecond line\nend"]))
    assert hide(b"first, second line, end", search) == b"first, ***, end"
    assert hide(b"<first\nsecond line\nend>", search) == b"<***>"


def test_a_needle_in_the_beginning_of_another_waits_for_what_comes():
    search = Search(list_needles(["a long one with the short one in it", "short one"]))
    mask = Mask(search)
    assert mask.filter(b"it is a long one with the short one") == b"it is "
    assert mask.filter(b" in it.") + mask.finish() == b"***."
    other = Mask(search)
    assert other.filter(b"it is a long one with the short one") == b"it is "
    assert other.filter(b" alone.") + other.finish() == b"a long one with the *** alone."
