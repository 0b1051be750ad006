"""Answers that come in pieces, over a connection that is a list of pieces."""

from __future__ import annotations

import pytest

from localrun.adapters.engine_http import Head, ProtocolBroken
from localrun.adapters.engine_stream import Channel, Stream, receive_head

LENGTH = Head(status=200, headers={"content-length": "6"})


class Pieces:
    """A connection: bytes come in as given, an exception is raised in its turn, and the end follows."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)
        self.closed = False

    def recv(self, size):
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece

    def settimeout(self, seconds):
        pass

    def sendall(self, data):
        pass

    def fileno(self):
        return 7

    def close(self):
        self.closed = True


def make_stream(*pieces, head=LENGTH, first=b"", back=None):
    connection = Pieces(*pieces)
    kept = [] if back is None else back
    return Stream(
        connection, head, first, method="GET", translate=lambda e: RuntimeError(repr(e)), give_back=kept.append
    ), connection


def test_a_head_is_read_over_several_pieces():
    head, first = receive_head(Pieces(b"HTTP/1.1 2", b"00 OK\r\n", b"\r\nrest"), 0)
    assert (head.status, first) == (200, b"rest")


def test_a_connection_that_ends_without_an_answer_is_told():
    with pytest.raises(ProtocolBroken, match="without an answer"):
        receive_head(Pieces(), 0)


def test_pieces_come_as_they_are_and_the_connection_is_given_back():
    back = []
    stream, connection = make_stream(b"cd", b"ef", first=b"ab", back=back)
    assert [stream.read(), stream.read(), stream.read(), stream.read()] == [b"ab", b"cd", b"ef", b""]
    stream.close()
    stream.close()
    assert back == [connection]
    assert not connection.closed


def test_a_connection_with_more_to_come_is_not_used_again():
    back = []
    stream, connection = make_stream(b"ab", back=back)
    stream.read()
    stream.close()
    assert connection.closed
    assert not back


def test_a_body_that_is_cut_off_is_told():
    stream, _ = make_stream(b"ab")
    assert stream.read() == b"ab"
    with pytest.raises(RuntimeError, match="middle"):
        stream.read()


def test_a_channel_gives_first_what_came_with_the_head():
    channel = Channel(Pieces(b"cd"), b"ab")
    assert channel.pending
    assert [channel.recv(1), channel.recv(), channel.recv(), channel.recv()] == [b"a", b"b", b"cd", b""]
    assert not channel.pending
