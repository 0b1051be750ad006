"""The answer of a Docker engine while it comes in."""

from __future__ import annotations

import time

from localrun.adapters.engine_http import Body, Head, ProtocolBroken, split_head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.adapters.engine_connections import Connection

PIECE = 1 << 18
"""So many bytes are read at once."""


def receive_head(connection: Connection, deadline: float) -> tuple[Head, bytes]:
    """Read the head of an answer, and what came with it.

    Args:
        connection: Where it comes from.
        deadline: When to give up, as `time.monotonic` counts.

    Raises:
        OSError: the connection broke, or the time is over.
        ProtocolBroken: what came is no answer; the connection may have ended.
    """
    data = b""
    while True:
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        piece = connection.recv(PIECE)
        if not piece:
            raise ProtocolBroken("the connection ended without an answer")
        data += piece
        if found := split_head(data):
            return found


class Stream:
    """The body of an answer, piece by piece.

    Attributes:
        head: The head of the answer.
    """

    def __init__(
        self,
        connection: Connection,
        head: Head,
        first: bytes,
        *,
        method: str,
        translate: Callable[[Exception], Exception],
        give_back: Callable[[Connection], None],
    ) -> None:
        self.head = head
        self._connection = connection
        self._body = Body(head, method=method)
        self._first = first
        self._translate = translate
        self._give_back = give_back
        self._closed = False

    def read(self, timeout_s: float | None = None) -> bytes:
        """Wait for the next piece; it is empty at the end of the body.

        Args:
            timeout_s: Wait at most so long; None: for ever.

        Raises:
            EngineLost: the engine has gone, or nothing came in time.
        """
        try:
            self._connection.settimeout(timeout_s)
            while not self._body.ended:
                if piece := self._receive():
                    return piece
        except (OSError, ProtocolBroken) as error:
            raise self._translate(error) from None
        return b""

    def _receive(self) -> bytes:
        """Give what of the body is in the next bytes of the connection, maybe nothing."""
        data, self._first = self._first or self._connection.recv(PIECE), b""
        if data:
            return self._body.feed(data)
        self._body.end()
        return b""

    def take_over(self) -> Channel:
        """Give the connection itself, for what is no HTTP any more."""
        self._closed = True
        self._connection.settimeout(None)
        return Channel(self._connection, self._first)

    def close(self) -> None:
        """Let go of the connection: another request may use it when this body has been read to its end."""
        if self._closed:
            return
        self._closed = True
        if self._body.ended and not self._body.rest and self.head.keeps_alive:
            self._give_back(self._connection)
        else:
            self._connection.close()


class Channel:
    """Both directions of a connection that an exec or attach has taken over."""

    def __init__(self, connection: Connection, first: bytes) -> None:
        self._connection = connection
        self._first = first
        self.sendall = connection.sendall
        self.settimeout = connection.settimeout
        self.fileno = connection.fileno
        self.close = connection.close

    def recv(self, size: int = PIECE) -> bytes:
        """Give some bytes; none at the end. Call it once before waiting for the descriptor.

        Raises:
            OSError: as of a socket; BlockingIOError when it may not wait and there are none.
        """
        if self._first:
            data, self._first = self._first[:size], self._first[size:]
            return data
        return self._connection.recv(size)

    @property
    def pending(self) -> bool:
        """Whether `recv` has bytes that the descriptor does not tell of."""
        return bool(self._first)

    def close_write(self) -> None:
        """Tell the other side that nothing more comes."""
        from localrun.adapters.engine_connections import SHUT_WRITE

        self._connection.shutdown(SHUT_WRITE)
