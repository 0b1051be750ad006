from __future__ import annotations

import os

import pytest

from localrun.supervise.view import CHUNK, LONGEST_LINE, View, is_plain, prefix_lines


def joined(lines, prefix):
    return b"".join(prefix_lines(lines, prefix))


def show(tmp_path, texts, prefixes):
    logs = [str(tmp_path / f"log{rank}") for rank in range(len(texts))]
    for log, text in zip(logs, texts, strict=True):
        with open(log, "wb") as file:
            file.write(text)
    out = os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT)
    view = View(logs, prefixes, out)
    view.show(last=True)
    assert view.open
    return (tmp_path / "out").read_bytes()


def test_each_line_has_its_prefix_and_nothing_follows_the_last():
    assert joined(b"one\n\ntwo\n", b"[1] ") == b"[1] one\n[1] \n[1] two\n"
    assert joined(b"\n", b"[1] ") == b"[1] \n"


@pytest.mark.parametrize("text", [b"", b"abc\tdef\n", bytes(range(0x20, 0x7F))])
def test_plain_text_needs_no_second_look(text):
    assert is_plain(text)


@pytest.mark.parametrize("code", [*range(9), *range(11, 32), *range(127, 256)])
def test_every_other_byte_gets_a_second_look(code):
    assert not is_plain(b"abc" + bytes([code]) + b"def\n")


def test_many_chunks_of_lines_arrive_whole_and_in_order(tmp_path):
    lines = [f"line {number} {'x' * (number % 200)}" for number in range(CHUNK // 30)]
    text = "".join([f"{line}\n" for line in lines]).encode()
    assert len(text) > 3 * CHUNK
    shown = show(tmp_path, [text, text], [b"[0] ", b"[1] "])
    for prefix in ("[0] ", "[1] "):
        mine = [line for line in shown.decode().splitlines() if line.startswith(prefix)]
        assert mine == [prefix + line for line in lines]


@pytest.mark.parametrize("length", [LONGEST_LINE - 1, LONGEST_LINE, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_what_follows_a_long_line_is_shown(tmp_path, length):
    shown = show(tmp_path, [b"x" * length + b"\nafter\n"], [b"[0] "])
    assert shown.endswith(b"\n[0] after\n")
    assert shown.count(b"\n") == 2


def test_a_single_rank_is_shown_byte_for_byte(tmp_path):
    text = bytes(range(256)) * (CHUNK // 100)
    assert show(tmp_path, [text], [b""]) == text
