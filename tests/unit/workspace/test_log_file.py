from __future__ import annotations

import io

import pytest

from localrun.workspace.log_file import LogFile, tail_offset


@pytest.mark.parametrize(
    ("count", "last"),
    [(0, b""), (1, b"d"), (2, b"\nd"), (3, b"bb\n\nd"), (4, b"a\nbb\n\nd"), (9, b"a\nbb\n\nd")],
)
def test_tail_counts_a_last_line_without_a_newline(count, last):
    for ending in (b"", b"\n"):
        file = io.BytesIO(b"a\nbb\n\nd" + ending)
        offset = tail_offset(file, count)
        assert file.getvalue()[offset:] == (last + ending if count else b"")


def test_tail_of_an_empty_file_is_empty():
    assert tail_offset(io.BytesIO(b""), 3) == 0


def test_tail_reads_across_blocks(monkeypatch):
    monkeypatch.setattr("localrun.workspace.log_file.PIECE", 3)
    file = io.BytesIO(b"first\nsecond\nthird\n")
    assert file.getvalue()[tail_offset(file, 2) :] == b"second\nthird\n"


def test_a_log_is_read_on_from_where_the_last_look_ended(tmp_path):
    path = tmp_path / "log"
    log = LogFile(str(path), tail=1)
    assert log.read_lines() is None
    with path.open("wb") as file:
        for data, lines in ((b"one\ntw", [b"one"]), (b"o", []), (b"\nthree\nfo", [b"two", b"three"])):
            file.write(data)
            file.flush()
            assert log.read_lines() == lines
            assert log.read_lines() is None
    assert log.finish() == [b"fo"]


def test_a_log_is_read_up_to_an_offset(tmp_path):
    (tmp_path / "log").write_bytes(b"one\ntwo\nthree\n")
    log = LogFile(str(tmp_path / "log"))
    assert log.read_lines(8) == [b"one", b"two"]
    assert log.read_lines(4) is None
    assert log.read() == b"three\n"
    assert log.finish() == []


def test_the_last_lines_of_a_log_are_where_it_begins(tmp_path):
    (tmp_path / "log").write_bytes(b"one\ntwo\nthree\n")
    log = LogFile(str(tmp_path / "log"), tail=2)
    assert log.read_lines() == [b"two", b"three"]
    log.finish()
