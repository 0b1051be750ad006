from __future__ import annotations

import pytest

from localrun.escaping import escape, escape_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü 日本 🙂", "plain ü 日本 🙂"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc\r\x00\x7f", "a\\x0ab\\x09c\\x0d\\x00\\x7f"),
        ("\x9b31m\x85", "\\x9b31m\\x85"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("\u2028\u200b\ufeff", "\\u2028\\u200b\\ufeff"),
        ("lone \udcff", "lone \\udcff"),
        ("\U000e0041", "\\U000e0041"),
        ("no\u00a0break", "no\u00a0break"),
    ],
)
def test_escape_shows_everything_invisible_as_an_escape(text, shown):
    assert escape(text) == shown


def test_escape_keeps_what_it_is_told_to_keep():
    assert escape("a\n\x1b\n", keep="\n") == "a\n\\x1b\n"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"epoch 1\tloss 0.5", b"epoch 1\tloss 0.5"),
        ("größe".encode(), "größe".encode()),
        (b"\xff\x1b[2J", b"\\xff\\x1b[2J"),
        (b"10%\r50%\r100%", b"100%"),
        (b"windows\r", b"windows"),
        (b"", b""),
    ],
)
def test_escape_line_gives_the_last_state_of_a_line_without_control_bytes(line, shown):
    assert escape_line(line) == shown
