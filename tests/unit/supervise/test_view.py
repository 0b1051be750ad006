"""The view, shown step by step into a file."""

from __future__ import annotations

import os
import threading
import time

import pytest

from localrun.supervise.view import CHUNK, LONGEST_LINE, View, make_prefixes, prefix_lines


@pytest.fixture
def screen(tmp_path):
    class Screen:
        def __init__(self):
            self.path = tmp_path / "screen"
            self.file = os.open(self.path, os.O_RDWR | os.O_CREAT)

        def view(self, ranks):
            self.logs = [tmp_path / f"log{rank}" for rank in range(ranks)]
            return View([str(log) for log in self.logs], make_prefixes(ranks, coloured=False), self.file)

        def add(self, rank, data):
            with open(self.logs[rank], "ab") as log:
                log.write(data)

        def shown(self):
            return self.path.read_bytes()

    made = Screen()
    yield made
    os.close(made.file)


def test_single_rank_is_shown_byte_for_byte_at_once(screen):
    view = screen.view(1)
    view.show()  # the log is not there yet
    screen.add(0, b"\x1b[1mhalf a li")
    view.show()
    assert screen.shown() == b"\x1b[1mhalf a li"
    screen.add(0, b"ne\n\xff")
    view.show(last=True)
    assert screen.shown() == b"\x1b[1mhalf a line\n\xff"


@pytest.mark.parametrize(
    ("printed", "shown"), [(b"\r29 of 30", b"\r29 of 30\r\n"), (b"done\n", b"done\r\n"), (b"", b"")]
)
def test_last_line_of_a_single_rank_ends_on_a_terminal(tmp_path, printed, shown):
    (tmp_path / "log").write_bytes(printed)
    master, terminal = os.openpty()
    try:
        View([str(tmp_path / "log")], [b""], terminal).show(last=True)
        os.write(terminal, b"!")
        seen = b""
        while not seen.endswith(b"!"):
            seen += os.read(master, 100)
        assert seen == shown + b"!"
    finally:
        os.close(master)
        os.close(terminal)


def test_several_ranks_are_shown_in_whole_lines(screen):
    view = screen.view(2)
    screen.add(0, b"a\nb")
    screen.add(1, b"c\n")
    view.show()
    assert screen.shown() == b"[rank 0] a\n[rank 1] c\n"
    screen.add(0, b"b\n\n")
    view.show()
    assert screen.shown().endswith(b"[rank 1] c\n[rank 0] bb\n[rank 0] \n")
    screen.add(1, b"the end")
    view.show()
    assert b"the end" not in screen.shown()
    view.show(last=True)
    assert screen.shown().endswith(b"[rank 1] the end\n")


def test_lines_across_chunks_stay_whole(screen):
    view = screen.view(2)
    lines = [b"%07d %s" % (number, b"x" * (number % 90)) for number in range(40_000)]
    screen.add(0, b"\n".join(lines))
    assert os.path.getsize(screen.logs[0]) > 1.5 * CHUNK
    view.show(last=True)
    assert screen.shown() == b"".join(b"[rank 0] " + line + b"\n" for line in lines)


@pytest.mark.parametrize("size", [LONGEST_LINE, CHUNK, CHUNK + 1, 3 * CHUNK + 5])
def test_beginning_of_a_long_line_is_shown_and_the_line_behind_it(screen, size):
    view = screen.view(2)
    screen.add(0, b"y" * size)
    view.show()
    assert screen.shown() == b"[rank 0] " + b"y" * 4096 + b" ... (a long line; the log has all of it)\n"
    screen.add(0, b"yyy\nnext\n")
    view.show(last=True)
    assert screen.shown().endswith(b"all of it)\n[rank 0] next\n")


def test_long_line_without_an_end_is_shown_once(screen):
    view = screen.view(2)
    screen.add(0, b"y" * (CHUNK + 7))
    view.show()
    view.show(last=True)
    assert screen.shown().count(b"[rank 0]") == 1


def test_descriptor_that_nobody_reads_closes_the_view(screen):
    view = screen.view(2)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, screen.file)
    os.close(full)
    screen.add(0, b"a\n")
    view.show()
    assert not view.open
    view.show(last=True)


def test_descriptor_that_takes_no_more_for_now_is_waited_for(tmp_path):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    log = tmp_path / "log"
    log.write_bytes(b"z" * 500_000)
    view = View([str(log)], [b""], writer)
    taken = bytearray()
    import threading

    thread = threading.Thread(target=lambda: taken.extend(read_all(reader)))
    thread.start()
    view.show(last=True)
    os.close(writer)
    thread.join()
    os.close(reader)
    assert taken == b"z" * 500_000


def read_all(reader):
    data = bytearray()
    while part := os.read(reader, 65_536):
        data += part
    return data


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        (b"a\n", b"> a\n"),
        (b"a\n\nb\n", b"> a\n> \n> b\n"),
        (b"10%\r50%\r100%\n", b"> 100%\n"),
        (b"windows\r\n", b"> windows\n"),
        (b"\x1b]0;title\x07\n", b"> \\x1b]0;title\\x07\n"),
        (b"\xff\x00\n", b"> \\xff\\x00\n"),
        ("tür\t–\n".encode(), "> tür\t–\n".encode()),
        ("\u202eback\n".encode(), b"> \\u202eback\n"),
    ],
)
def test_prefixed_lines_are_safe_to_look_at(lines, shown):
    assert b"".join(prefix_lines(lines, b"> ")) == shown


def test_prefixes():
    assert make_prefixes(1, coloured=True) == [b""]
    assert make_prefixes(11, coloured=False)[9:] == [b"[rank  9] ", b"[rank 10] "]
    assert make_prefixes(2, coloured=True) == [b"\x1b[36m[rank 0] \x1b[0m", b"\x1b[33m[rank 1] \x1b[0m"]


def test_view_waits_for_a_reader_that_is_slow_and_loses_nothing(tmp_path):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    text = b"".join(b"%08d\n" % number for number in range(40_000))
    (tmp_path / "log").write_bytes(text)
    seen = []

    def read():
        while piece := os.read(reader, 1 << 16):
            seen.append(piece)

    slow = threading.Thread(target=read)
    view = View([str(tmp_path / "log")], [b""], writer)
    threading.Timer(0.05, slow.start).start()
    view.show(last=True)
    os.close(writer)
    while not slow.ident:
        time.sleep(0.001)
    slow.join()
    os.close(reader)
    assert b"".join(seen) == text


def test_what_was_there_before_is_left_out_on_request(screen):
    view = screen.view(2)
    screen.add(0, b"old\n")
    view.skip()
    screen.add(0, b"new\n")
    screen.add(1, b"first\n")
    view.show(last=True)
    assert screen.shown() == b"[rank 0] new\n[rank 1] first\n"
    assert view.begun
