"""An HTTP server on loopback that serves a folder and misbehaves where it is told to."""

from __future__ import annotations

import base64
import fnmatch
import os
import threading
from contextlib import contextmanager
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from localrun.testing.repodata import change_hashes, is_other_repodata
from localrun.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@value
class Fault:
    """What goes wrong with the answers to some paths; every field that is set applies.

    Attributes:
        status: Answer with this code and no content; 0 for the file itself.
        stall_s: Stay silent for so many seconds before the answer; the server's end cuts it short.
        stall_after: With `stall_s`: send so many bytes of the content first; -1: stall before the first header.
        truncate: Announce the whole content, send this many bytes of it and hang up; -1 for all of it.
        flip: Invert the bits of the byte at this offset (negative: from the end); None for no byte.
        html: Answer 200 with this page, as a captive portal does.
        hashes: `missing` takes md5 and sha256 out of repodata.json, `wrong` alters them. Any repodata in another
            form then answers 404, so that clients read this one.
        auth: `user:password` that the caller has to give (basic); else 401.
        times: The fault happens for so many requests and then no more; 0: always.
    """

    status: int = 0
    stall_s: float = 0
    stall_after: int = -1
    truncate: int = -1
    flip: int | None = None
    html: str = ""
    hashes: str = ""
    auth: str = ""
    times: int = 0


@value
class Request:
    """A request that the server has answered: method, path without query, and the status it sent."""

    method: str
    path: str
    status: int


class Server:
    """A server that runs.

    Attributes:
        url: `http://127.0.0.1:<port>`, without a slash at the end.
        requests: What has been asked for so far, in the order of the answers.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[Request] = []


@contextmanager
def serve(directory: str, faults: Mapping[str, Fault] | None = None) -> Iterator[Server]:
    """Serve a folder on a free port of 127.0.0.1 until the block ends.

    Args:
        directory: The folder; a path that names no file in it answers 404.
        faults: For each pattern (`fnmatch`, matched with the path from its first slash on) what goes wrong there.
            The first pattern that matches counts.

    Yields:
        The running server.
    """
    server = _FaultyServer(os.path.abspath(directory), dict(faults or {}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.told
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _FaultyServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = True

    def __init__(self, directory: str, faults: dict[str, Fault]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.directory = directory
        self.faults = faults
        self.closing = threading.Event()
        self.left = {pattern: fault.times for pattern, fault in faults.items()}
        self.lock = threading.Lock()
        self.told = Server(f"http://127.0.0.1:{self.server_port}")

    def take_fault(self, path: str) -> Fault:
        """Give the fault of a path and count it."""
        for pattern, fault in self.faults.items():
            if not fnmatch.fnmatchcase(path, pattern):
                continue
            with self.lock:
                if fault.times and self.left[pattern] == 0:
                    return Fault()
                self.left[pattern] -= 1
            return fault
        return Fault()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up is what the tests are about."""


class _Handler(SimpleHTTPRequestHandler):
    server: _FaultyServer

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, *_: Any) -> None:  # the standard server would write to stderr
        pass

    def translate_path(self, path: str) -> str:
        self.directory = self.server.directory
        return super().translate_path(path)

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        fault = self.server.take_fault(path)
        if fault.stall_s and fault.stall_after < 0:
            self.server.closing.wait(fault.stall_s)
        status, content = self._choose(path, fault)
        self.server.told.requests.append(Request(method=self.command, path=path, status=int(status)))
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "text/html" if fault.html else "application/octet-stream")
        if status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", 'Basic realm="channel"')
        self.end_headers()
        if self.command == "GET":
            self._send(content, fault)

    def _choose(self, path: str, fault: Fault) -> tuple[int, bytes]:
        wanted = "Basic " + base64.b64encode(fault.auth.encode()).decode()
        if fault.auth and self.headers.get("Authorization") != wanted:
            return HTTPStatus.UNAUTHORIZED, b""
        if fault.status:
            return fault.status, b""
        if fault.html:
            return HTTPStatus.OK, fault.html.encode()
        file = self.translate_path(path)
        if not os.path.isfile(file) or (fault.hashes and is_other_repodata(os.path.basename(path))):
            return HTTPStatus.NOT_FOUND, b""
        with open(file, "rb") as stream:
            content = stream.read()
        return HTTPStatus.OK, _spoil(content, fault, path)

    def _send(self, content: bytes, fault: Fault) -> None:
        end = len(content) if fault.truncate < 0 else fault.truncate
        start = 0
        if fault.stall_s and fault.stall_after >= 0:
            start = fault.stall_after
            self.wfile.write(content[:start])
            self.wfile.flush()
            self.server.closing.wait(fault.stall_s)
        self.wfile.write(content[start:end])


def _spoil(content: bytes, fault: Fault, path: str) -> bytes:
    if fault.hashes and os.path.basename(path) == "repodata.json":
        content = change_hashes(content, fault.hashes)
    if fault.flip is not None:
        changed = bytearray(content)
        changed[fault.flip] ^= 0xFF
        content = bytes(changed)
    return content
