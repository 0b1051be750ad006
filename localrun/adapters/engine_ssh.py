"""A connection to a Docker engine on another machine: ssh runs `docker system dial-stdio` there.

Source of the command: the docker command line, which reaches `ssh://` endpoints in the same way. ssh asks for nothing:
it has no terminal, so it needs a key that opens by itself or by an agent.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile

from localrun.adapters.engine_endpoints import split_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

LAST_WORDS = 2000
"""So many bytes of what ssh complained about last are told."""
END_LIMIT_S = 2
"""ssh has so long to end once its connection is closed."""


class SshConnection:
    """The standard files of an ssh."""

    def __init__(self, ours: socket.socket, process: subprocess.Popen[bytes], words: IO[bytes]) -> None:
        self._ours = ours
        self._process = process
        self._words = words
        self.sendall = ours.sendall
        self.settimeout = ours.settimeout
        self.fileno = ours.fileno
        self.shutdown = ours.shutdown

    def recv(self, size: int) -> bytes:
        """Give some bytes; none at the end.

        Raises:
            ConnectionError: ssh itself ended with an error; with its words.
        """
        try:
            data = self._ours.recv(size)
        except ConnectionResetError:  # it ended without having read what was sent
            data = b""
        if not data and self._end():
            self._words.seek(0)
            words = self._words.read()[-LAST_WORDS:].decode(errors="replace").strip()
            raise ConnectionError(f"ssh: {words or f'ended with {self._process.returncode}'}")
        return data

    def _end(self) -> int:
        """Give the exit code of an ssh that has closed its output; 0 when it does not end."""
        try:
            return self._process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            return 0

    def close(self) -> None:
        """Close it, and end ssh."""
        self._ours.close()
        self._words.close()
        try:
            self._process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def make_command(rest: str) -> tuple[str, ...]:
    """Give the command that connects to `[user@]host[:port][/socket]`."""
    place, _, path = rest.partition("/")
    account, _, address = place.rpartition("@")
    host, port = split_host(address)
    user = ("-l", account) if account else ()
    door = ("-p", port) if port else ()
    there = ("--host", f"unix:///{path}") if path else ()
    return ("ssh", "-o", "ConnectTimeout=30", "-T", *user, *door, "--", host, "docker", *there, "system", "dial-stdio")


def open_ssh(rest: str, timeout_s: float) -> SshConnection:
    """Start an ssh and give the connection through it; whether it works shows when it is first used.

    Raises:
        OSError: ssh cannot be started.
    """
    words = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the connection
    ours, theirs = socket.socketpair()
    try:
        process = subprocess.Popen(
            make_command(rest), stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=words, start_new_session=True
        )
    except BaseException:
        ours.close()
        words.close()
        raise
    finally:
        theirs.close()
    ours.settimeout(timeout_s)
    return SshConnection(ours, process, words)
