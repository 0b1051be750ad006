"""Pumps: the raw bytes of each rank go to its file first; whoever watches reads the file."""

from __future__ import annotations

import fcntl
import os

F_SETPIPE_SZ = 1031
PIPE_BYTES = 1024 * 1024
"""The most that an unprivileged user may ask for; a rank that prints in bursts then seldom waits."""
ROOM_BYTES = 256 * 1024
"""What is moved at once. It is set to zero before the first rank starts, so it costs every run a little."""


class Pump:
    """The way of one rank's output into its log file.

    Attributes:
        source: The descriptor to read from; -1 before `listen`, and once the other end is closed.
        stored: Bytes in the file.
        dropped: Bytes that the file did not take (a full disk); the rank was never held up by it.
    """

    __slots__ = ("_file", "_room", "dropped", "source", "stored")

    def __init__(self, log: str, room: memoryview) -> None:
        """Open the log, which may not exist yet. `room` is where bytes pass through; pumps may share it."""
        self._file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._room = room
        self.source = -1
        self.stored = self.dropped = 0

    def listen(self, source: int) -> None:
        """Begin to read a pipe that does not block; it is the pump's from here on."""
        self.source = source
        _enlarge(source)

    def move(self) -> int:
        """Move what is there, at most one load of `room`; 0 when there is nothing or the pipe has ended."""
        if self.source < 0:
            return 0
        try:
            count = os.readv(self.source, [self._room])
        except BlockingIOError:
            return 0
        if not count:
            self.close()
            return 0
        self._store(self._room[:count])
        return count

    def drain(self) -> None:
        """Move everything that is there now."""
        while self.move():
            pass

    def close(self) -> None:
        """Stop listening; the log stays."""
        if self.source >= 0:
            os.close(self.source)
            os.close(self._file)
            self.source = -1

    def _store(self, data: memoryview) -> None:
        while data:
            try:
                count = os.write(self._file, data)
            except OSError:
                self.dropped += len(data)
                return
            self.stored += count
            data = data[count:]


def _enlarge(pipe: int) -> None:
    try:
        fcntl.fcntl(pipe, F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        return  # beyond the user's share, or another system: the pipe stays as it is
