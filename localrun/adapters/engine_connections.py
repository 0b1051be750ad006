"""Connections to a Docker engine: over a unix socket, tcp, TLS, or the standard files of an ssh.

`_socket` is what `socket` is made of in every CPython that localrun supports, and is imported in a thirtieth of the
time; a connection over a unix socket needs nothing else.
"""

from __future__ import annotations

from localrun.adapters.engine_endpoints import GROUP_HINT, START_HINT, Endpoint, split_host
from localrun.adapters.engine_errors import EngineUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO, Protocol

    class Connection(Protocol):
        """What a connection can do: as a socket does it."""

        def recv(self, size: int, /) -> bytes:
            """Give some bytes; none at the end; BlockingIOError when it may not wait and there are none."""

        def sendall(self, data: bytes, /) -> None:
            """Send bytes."""

        def settimeout(self, seconds: float | None, /) -> None:
            """Wait at most so long for the next piece; None: for ever; 0: not at all."""

        def shutdown(self, how: int, /) -> None:
            """End one direction or both."""

        def fileno(self) -> int:
            """Give its descriptor."""

        def close(self) -> None:
            """Close it."""


PIECE = 1 << 18
"""So many bytes of a file are sent at once."""
SHUT_WRITE = 1
"""What `shutdown` takes to end our own direction."""


def open_connection(endpoint: Endpoint, timeout_s: float) -> Connection:
    """Connect to an engine.

    Raises:
        EngineUnavailable: nobody answers there, or does not let us in.
    """
    scheme, _, rest = endpoint.url.partition("://")
    try:
        if scheme == "unix":
            return _open_unix(rest, timeout_s)
        if scheme == "ssh":
            from localrun.adapters.engine_ssh import open_ssh

            return open_ssh(rest, timeout_s)
        return _open_tcp(endpoint, rest, timeout_s)
    except (OSError, ValueError) as error:
        raise refuse_endpoint(endpoint, error) from None


def _open_unix(path: str, timeout_s: float) -> Connection:
    import _socket

    one: Connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        one.settimeout(timeout_s)
        one.connect(path)  # type: ignore[attr-defined]  # only to be connected, then as every connection
    except BaseException:
        one.close()
        raise
    return one


def _open_tcp(endpoint: Endpoint, rest: str, timeout_s: float) -> Connection:
    import socket

    host, port = split_host(rest.rpartition("@")[2].partition("/")[0])
    one = socket.create_connection((host, int(port or (2376 if endpoint.tls else 2375))), timeout=timeout_s)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not endpoint.tls:
        return one
    from localrun.adapters.engine_tls import encrypt

    try:
        return encrypt(one, endpoint, host)
    except BaseException:
        one.close()
        raise


def refuse_endpoint(endpoint: Endpoint, error: Exception) -> EngineUnavailable:
    """Give the error for an engine that cannot be connected to."""
    reason = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    if isinstance(error, TimeoutError):
        reason = "no answer in time"
    hint = START_HINT
    if isinstance(error, PermissionError):
        hint = GROUP_HINT
    elif "://" in endpoint.url and not endpoint.url.startswith("unix:"):
        hint = f"see that the engine at {endpoint.place} runs and can be reached (docker -H … version); or use -t local"
    if getattr(error, "verify_code", None):
        hint = "ca.pem has to hold the authority that signed the engine's certificate, and the name has to be its own"
    elif type(error).__name__.startswith("SSL"):
        hint = "the engine may want a certificate (ca.pem, cert.pem, key.pem in DOCKER_CERT_PATH), or speak without TLS"
    origin = f" ({endpoint.origin})" if endpoint.origin else ""
    return EngineUnavailable(f"no Docker engine answers at {endpoint.place}{origin}: {reason}", hint=hint)


def is_idle(connection: Connection) -> bool:
    """Tell whether a connection that nobody uses is still good: nothing has come in, not even its end."""
    import select

    if probe := getattr(connection, "is_idle", None):
        return bool(probe())
    if not hasattr(select, "poll"):
        return not select.select([connection], [], [], 0)[0]
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


def close_quietly(connection: Connection) -> None:
    """Close a connection; one that is broken already is no matter."""
    try:
        connection.close()
    except OSError:
        return


def send_chunks(connection: Connection, body: Iterable[bytes] | BinaryIO) -> None:
    """Send a file or pieces as a body in chunks (RFC 9112, "Chunked Transfer Coding").

    Raises:
        OSError: the connection broke.
    """
    read = getattr(body, "read", None)
    pieces = iter(lambda: read(PIECE), b"") if read else body
    lead = b""
    for piece in pieces:
        if piece:
            connection.sendall(lead + b"%x\r\n" % len(piece))
            connection.sendall(piece)
            lead = b"\r\n"
    connection.sendall(lead + b"0\r\n\r\n")
