"""HTTP/1.1 as far as a Docker engine speaks it (RFC 9112): requests as bytes, answers from pieces of bytes.

Nothing here reads or writes anything: who holds the connection hands the bytes over.
"""

from __future__ import annotations

from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

HEAD_LIMIT = 256 * 1024
"""An engine's header lines are shorter than this, in bytes."""

PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
"""Bytes that stand for themselves in a query (RFC 3986, unreserved)."""

FRAME_HEAD = 8
"""The length of the head of a frame of an attached stream: stream number, three zeros, length as four bytes."""

ERRORS = 400
"""Where the status of errors begins."""
NO_CONTENT = frozenset({204, 304})
"""Statuses whose answers have no body."""


class ProtocolBroken(Exception):
    """What came is no answer of an engine."""


@value
class Head:
    """The head of an answer.

    Attributes:
        status: Such as 200.
        headers: By name in lower case.
    """

    status: int
    headers: dict[str, str]

    @property
    def refuses(self) -> bool:
        """Whether it is an error."""
        return self.status >= ERRORS

    @property
    def keeps_alive(self) -> bool:
        """Whether another request may follow on the connection, once the body has been read."""
        ends = "content-length" in self.headers or self.is_chunked or self.status in NO_CONTENT
        return ends and self.headers.get("connection", "").lower() != "close"

    @property
    def is_chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return "chunked" in self.headers.get("transfer-encoding", "").lower()


def quote(text: str, keep: str = "") -> str:
    """Write a text so that it can stand in a path segment or a query: every byte that is not plain as `%XX`.

    Args:
        text: Anything.
        keep: More ASCII characters that stay as they are, such as the `/:@` of an image reference in a path.
    """
    plain = PLAIN | frozenset(keep.encode())
    return "".join([chr(byte) if byte in plain else f"%{byte:02X}" for byte in text.encode(errors="surrogateescape")])


def make_target(path: str, query: Mapping[str, str | int | bool] | Iterable[tuple[str, str | int | bool]] = ()) -> str:
    """Give the target of a request: a path (quoted by the caller where needed) and its query; booleans as 1 and 0."""
    pairs = query.items() if hasattr(query, "items") else query
    text = "&".join(
        [f"{quote(name)}={quote(str(int(item) if isinstance(item, bool) else item))}" for name, item in pairs]
    )
    return f"{path}?{text}" if text else path


def make_head(method: str, target: str, host: str, headers: Mapping[str, str]) -> bytes:
    """Give the head of a request.

    Raises:
        ValueError: a header holds a line break.
    """
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {text}" for name, text in headers.items())]
    if any("\n" in line or "\r" in line for line in lines):
        raise ValueError("a header cannot hold a line break")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def split_head(data: bytes) -> tuple[Head, bytes] | None:
    """Give the head that some bytes begin with, and what follows it; None when it is not complete.

    Answers of the 1xx kind that only announce another are passed over; 101 is one of its own.

    Raises:
        ProtocolBroken: the bytes are not the beginning of an answer.
    """
    while True:
        if not (data.startswith(b"HTTP/1.") or b"HTTP/1.".startswith(data)) or len(data) > HEAD_LIMIT + FRAME_HEAD:
            raise ProtocolBroken("what came is no HTTP answer")
        text, found, rest = data.partition(b"\r\n\r\n")
        if not found:
            return None
        lines = text.decode("latin-1").split("\r\n")
        number = lines[0].split(" ")[1:2]
        if not number or not number[0].isdigit():
            raise ProtocolBroken("the answer has no status")
        status = int(number[0])
        if status < 200 and status != 101:  # noqa: PLR2004 - informational; 101 switches protocols
            data = rest
            continue
        pairs = [line.partition(":") for line in lines[1:]]
        return Head(status=status, headers={name.strip().lower(): item.strip() for name, _, item in pairs}), rest


class Body:
    """Takes the bytes after a head, and gives those of the body.

    Attributes:
        ended: Whether the body is complete.
        rest: What came after its end; nothing, unless the other side speaks out of turn.
    """

    def __init__(self, head: Head, *, method: str = "GET") -> None:
        self.ended = False
        self.rest = b""
        self._chunked = head.is_chunked
        self._data = b""  # what is not understood yet, of a chunked body
        self._left = -1  # bytes to come in the body or the present chunk; -1: until the connection ends, or a new chunk
        if head.status in NO_CONTENT or method == "HEAD":
            self.ended = True
        elif not self._chunked and "content-length" in head.headers:
            self._left = _read_length(head.headers["content-length"], 10)
            self.ended = self._left == 0

    def feed(self, data: bytes) -> bytes:
        """Give what of the body is in some bytes.

        Raises:
            ProtocolBroken: they cannot follow on what came before.
        """
        if self.ended:
            self.rest += data
            return b""
        if self._chunked:
            return b"".join(self._split_chunks(data))
        if self._left < 0:
            return data
        found, self.rest = data[: self._left], data[self._left :]
        self._left -= len(found)
        self.ended = not self._left
        return found

    def end(self) -> None:
        """Take note that the connection has ended.

        Raises:
            ProtocolBroken: it ended before the body did.
        """
        if not self.ended and (self._chunked or self._left >= 0):
            raise ProtocolBroken("the connection ended in the middle of an answer")
        self.ended = True

    def _split_chunks(self, data: bytes) -> Iterator[bytes]:
        self._data += data
        while not self.ended:
            if self._left >= 0:
                found, self._data = self._data[: self._left], self._data[self._left :]
                self._left -= len(found)
                yield found
                if self._left or len(self._data) < 2:  # noqa: PLR2004 - the line break after a chunk
                    return
                self._data, self._left = self._data[2:], -1
            line, found_end, rest = self._data.partition(b"\r\n")
            if not found_end:
                if len(line) > HEAD_LIMIT:
                    raise ProtocolBroken("a chunk has no length")
                return
            length = _read_length(line.partition(b";")[0].decode("latin-1"), 16)
            if not length:  # the last chunk; trailers may follow, then an empty line
                _, complete, self.rest = (b"\r\n" + rest).partition(b"\r\n\r\n")
                self.ended = bool(complete)
                return
            self._data, self._left = rest, length


def _read_length(text: str, base: int) -> int:
    try:
        length = int(text.strip(), base)
    except ValueError:
        length = -1
    if length < 0:
        raise ProtocolBroken(f"{text!r} is no length")
    return length


def split_frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Give the frames of a stream that was attached without a terminal, and the bytes of one that is not complete.

    Returns:
        For each frame its stream (1 standard output, 2 standard error) and its bytes. Source: the Engine API's
        description of `ContainerAttach`.
    """
    frames = []
    at = 0
    while len(data) - at >= FRAME_HEAD:
        length = int.from_bytes(data[at + 4 : at + FRAME_HEAD], "big")
        if len(data) - at < FRAME_HEAD + length:
            break
        frames.append((data[at], data[at + FRAME_HEAD : at + FRAME_HEAD + length]))
        at += FRAME_HEAD + length
    return frames, data[at:]
