"""A Docker engine, asked over its own API.

A minimal HTTP client of our own, because a warm run in a container begins here and the docker SDK takes a tenth of a
second to import; `docker_registry` and the builds use the SDK, which does those well. Paths and bodies are those of the
Engine API reference (version 1.41, Docker 20.10, and later); errors are LocalrunErrors of `engine_errors`.
"""

from __future__ import annotations

import time

from localrun.adapters.engine_connections import close_quietly, is_idle, open_connection, send_chunks
from localrun.adapters.engine_endpoints import START_HINT, Endpoint, find_endpoint
from localrun.adapters.engine_errors import EngineLost, EngineRefused, EngineUnavailable
from localrun.adapters.engine_http import ProtocolBroken, make_head, make_target
from localrun.adapters.engine_json import read_json, write_json
from localrun.adapters.engine_stream import Channel, Stream, receive_head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from typing import Any, BinaryIO, TypedDict

    from typing_extensions import Unpack

    from localrun.adapters.engine_connections import Connection
    from localrun.adapters.engine_http import Head

    class Request(TypedDict, total=False):
        """What a request has beside method and path, as `Engine.open_stream` takes it."""

        query: Mapping[str, str | int | bool] | None
        body: Any
        upload: Iterable[bytes] | BinaryIO | None
        headers: Mapping[str, str] | None
        timeout_s: float


__all__ = [
    "Channel",
    "Endpoint",
    "Engine",
    "EngineLost",
    "EngineRefused",
    "EngineUnavailable",
    "Stream",
    "connect",
    "find_endpoint",
]

API_VERSION = "1.41"
"""The version of the API that is spoken, unless the engine has forgotten it."""
MINIMUM_ENGINE = "20.10"
"""The Docker release that brought it."""
SILENCE_S = 120
"""An engine that takes nothing of an upload for so long is lost."""


def connect(endpoint: Endpoint, *, timeout_s: float = 10) -> Engine:
    """Connect to an engine.

    Args:
        endpoint: Where it is.
        timeout_s: Each connection has to be made within this time.

    Raises:
        EngineUnavailable: nobody answers there.
    """
    engine = Engine(endpoint, timeout_s=timeout_s)
    engine.open()
    return engine


class Engine:
    """A Docker engine. Consecutive requests share a connection; a stream has one of its own. For one thread.

    Paths begin behind the version: `/containers/json`. What stands in a path and is not plain goes through
    `engine_http.quote`. In a query, booleans become 1 and 0.

    Attributes:
        endpoint: Where it is.
        version: The version of the API that is spoken.
    """

    def __init__(self, endpoint: Endpoint, *, timeout_s: float = 10) -> None:
        self.endpoint = endpoint
        self.version = API_VERSION
        self._timeout_s = timeout_s
        self._idle: list[Connection] = []
        self._answered = False  # whether it has ever answered as an engine does
        self._knows_version = False  # whether it has understood a request

    def open(self) -> None:
        """Make a connection now, for the next request.

        Raises:
            EngineUnavailable: nobody answers.
        """
        self._idle.append(self._take()[0])

    def close(self) -> None:
        """Close the connection that is kept; the next request makes a new one. A forked child calls it first."""
        while self._idle:
            close_quietly(self._idle.pop())

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | bool] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 60,
    ) -> Any:
        """Make a request and give the decoded JSON of the answer.

        Args:
            method: Such as GET.
            path: Behind the version.
            query: Names and values.
            body: What to send as JSON; None for nothing.
            headers: More headers, such as `X-Registry-Auth`.
            timeout_s: The whole answer has to be here within this time.

        Returns:
            None for an empty answer; text for one that is not JSON.

        Raises:
            EngineRefused: the engine answered with an error.
            EngineLost: it has gone, or did not answer in time.
            EngineUnavailable: it cannot be reached.
        """
        deadline = time.monotonic() + timeout_s
        stream = self.open_stream(method, path, query=query, body=body, headers=headers, timeout_s=timeout_s)
        return self._read_all(stream, method, path, deadline)

    def send(
        self,
        method: str,
        path: str,
        *,
        body: Iterable[bytes] | BinaryIO,
        query: Mapping[str, str | int | bool] | None = None,
        content_type: str = "application/x-tar",
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 600,
    ) -> Any:
        """Make a request whose body is sent in pieces, and give the decoded JSON of the answer.

        Args:
            method: Such as PUT.
            path: Behind the version.
            body: A file, or pieces of any size.
            query: Names and values.
            content_type: What the body is.
            headers: More headers.
            timeout_s: The answer has to be here so long after the end of the body.

        Raises:
            EngineRefused: the engine answered with an error; the body may not have been taken in whole.
            EngineLost: it has gone, or did not answer in time.
            EngineUnavailable: it cannot be reached.
        """
        more = {"Content-Type": content_type, **(headers or {})}
        stream = self.open_stream(method, path, query=query, upload=body, headers=more, timeout_s=timeout_s)
        return self._read_all(stream, method, path, time.monotonic() + timeout_s)

    def stream(
        self, method: str, path: str, *, silence_s: float | None = None, **request: Unpack[Request]
    ) -> Generator[bytes, None, None]:
        """Make a request, when the first piece is asked for, and give the body of the answer as it comes in.

        Args:
            method: Such as POST.
            path: Behind the version.
            silence_s: Wait at most so long for each piece; None: for ever.
            **request: What else `open_stream` takes.

        Raises:
            EngineRefused: the engine answered with an error.
            EngineLost: it has gone, or fell silent.
            EngineUnavailable: it cannot be reached.
        """
        stream = self.open_stream(method, path, **request)
        try:
            while piece := stream.read(silence_s):
                yield piece
        finally:
            stream.close()

    def open_stream(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | bool] | None = None,
        body: Any = None,
        upload: Iterable[bytes] | BinaryIO | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 60,
    ) -> Stream:
        """Make a request and give the answer, of which only the head has been read.

        Args:
            method: Such as POST.
            path: Behind the version.
            query: Names and values.
            body: What to send as JSON; None for nothing.
            upload: A file or pieces to send instead, with their `Content-Type` among the headers.
            headers: More headers.
            timeout_s: The answer has to begin within this time (after an upload, from its end).

        Raises:
            EngineRefused: the engine answered with an error.
            EngineLost: it has gone, or did not answer in time.
            EngineUnavailable: it cannot be reached.
        """
        if upload is not None and not self._answered:  # an upload cannot be repeated when the version is not right
            self.ask("GET", "/_ping", timeout_s=timeout_s)
        data = b"" if body is None else write_json(body)
        more = {"Content-Type": "application/json", "Content-Length": str(len(data))} if data else {}
        if upload is not None:
            more["Transfer-Encoding"] = "chunked"
        elif not data and method != "GET":
            more["Content-Length"] = "0"
        target = make_target(path, query or {})
        while True:
            version = self.version
            head = make_head(method, f"/v{version}{target}", "docker", {**more, **(headers or {})})
            stream = self._exchange(method, path, head + data, upload, timeout_s)
            try:
                self._refuse_error(stream, method, path)
            except EngineRefused:
                if version == self.version:
                    raise
                continue  # it wants a later version, which is now the one that is spoken
            return stream

    def hijack(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | bool] | None = None,
        body: Any = None,
        timeout_s: float = 60,
    ) -> Channel:
        """Make a request that takes the connection over, such as to attach; frames are split by `split_frames`.

        Raises:
            EngineRefused: the engine answered with an error.
            EngineLost: it has gone, or did not answer in time.
            EngineUnavailable: it cannot be reached.
        """
        upgrade = {"Connection": "Upgrade", "Upgrade": "tcp"}
        stream = self.open_stream(method, path, query=query, body=body, headers=upgrade, timeout_s=timeout_s)
        return stream.take_over()

    def _read_all(self, stream: Stream, method: str, path: str, deadline: float) -> Any:
        pieces = []
        try:
            while piece := stream.read(max(deadline - time.monotonic(), 0.001)):
                pieces.append(piece)
        finally:
            stream.close()
        data = b"".join(pieces)
        if not data.strip():
            return None
        if not _is_json(stream.head):
            return data.decode(errors="replace")
        try:
            return read_json(data)
        except ValueError as error:
            raise self._lose(error, f"{method} {path}") from None

    def _take(self) -> tuple[Connection, bool]:
        """Give a connection, and whether it has been used before."""
        while self._idle:
            connection = self._idle.pop()
            if is_idle(connection):
                return connection, True
            close_quietly(connection)
        try:
            return open_connection(self.endpoint, self._timeout_s), False
        except EngineUnavailable as error:
            if not self._answered:
                raise
            message = f"the connection to the Docker engine is lost: {error.message}"
            raise EngineLost(message, hint="see whether it still runs: docker info") from None

    def _exchange(
        self, method: str, path: str, request: bytes, upload: Iterable[bytes] | BinaryIO | None, timeout_s: float
    ) -> Stream:
        connection, used = self._take()
        doing = f"{method} {path}"
        try:
            connection.settimeout(timeout_s)
            try:
                connection.sendall(request)
                if upload is not None:
                    connection.settimeout(SILENCE_S)
                    send_chunks(connection, upload)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it may have answered before it stopped listening
            head, first = receive_head(connection, time.monotonic() + timeout_s)
        except (OSError, ProtocolBroken) as error:
            connection.close()
            if used and method == "GET" and not isinstance(error, TimeoutError):  # it was ended when it was taken
                self.close()
                return self._exchange(method, path, request, upload, timeout_s)
            raise self._lose(error, doing) from None
        except BaseException:
            connection.close()
            raise
        self._answered = self._answered or not head.refuses or _is_json(head)
        return Stream(
            connection,
            head,
            first,
            method=method,
            translate=lambda error: self._lose(error, doing),
            give_back=self._idle.append,
        )

    def _lose(self, error: Exception, doing: str) -> EngineLost | EngineUnavailable:
        """Give the error for a connection that broke, fell silent or brought nonsense."""
        reason = str(getattr(error, "strerror", None) or error or type(error).__name__)
        if isinstance(error, TimeoutError):
            reason = "no answer in time"
        if not self._answered:
            message = f"what listens at {self.endpoint.place} does not answer as a Docker engine: {reason}"
            return EngineUnavailable(message, hint=START_HINT)
        message = f"the connection to the Docker engine at {self.endpoint.place} is lost ({doing}): {reason}"
        return EngineLost(message, hint="see whether it still runs: docker info")

    def _refuse_error(self, stream: Stream, method: str, path: str) -> None:
        """Raise what an answer refuses a request with; one that only wants a later version changes `version`."""
        status = stream.head.status
        if not stream.head.refuses:
            self._knows_version = True
            return
        found = self._read_all(stream, method, path, time.monotonic() + 10)
        reason = found.get("message") or found.get("cause") if isinstance(found, dict) else found
        reason = str(reason or f"status {status}").strip()
        if status in {400, 404} and ("API version" in reason or "not found" in reason):
            self._settle_version(reason)
        if "HTTPS server" in reason:
            message = f"the Docker engine at {self.endpoint.place} speaks TLS only"
            raise EngineUnavailable(message, hint="set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, or use a context")
        raise EngineRefused(f"the Docker engine refused {method} {path}: {reason}", status=status, reason=reason)

    def _settle_version(self, reason: str) -> None:
        """Find the version to speak with an engine that did not know what was asked.

        Raises:
            EngineRefused: it is too old.
        """
        if "inimum supported API version is" in reason:
            word = reason.rpartition("ersion is ")[2].split(",")[0].split(" ")[0].rstrip(".")
            self.version = word if _numbers(word) > _numbers(self.version) else self.version
            return
        if self._knows_version:
            return
        stream = self._exchange("GET", "/version", make_head("GET", "/version", "docker", {}), None, 10)
        found = self._read_all(stream, "GET", "/version", time.monotonic() + 10)
        if isinstance(found, dict) and _numbers(str(found.get("ApiVersion", ""))) < _numbers(API_VERSION):
            theirs = f"{found.get('Version', 'unknown')} (API {found.get('ApiVersion', 'unknown')})"
            message = (
                f"the engine at {self.endpoint.place} is too old: it is {theirs}, localrun needs API {API_VERSION}"
            )
            hint = f"use Docker {MINIMUM_ENGINE} or Podman 4 or later; or use -t local"
            raise EngineRefused(message, status=400, reason=reason, hint=hint, code="docker_too_old")
        self._knows_version = True


def _is_json(head: Head) -> bool:
    return "json" in head.headers.get("content-type", "")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))
