"""Pumps: the raw bytes of each rank go to its file first; whoever watches reads the file.

In a run with secrets, what goes to the file is masked. The raw bytes then go nowhere, but to a file in memory for a
terminal whose user wants to see them.
"""

from __future__ import annotations

import fcntl
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from localrun.secrets.masks import Mask
    from localrun.supervise.process import Process

F_SETPIPE_SZ = 1031
PIPE_BYTES = 1024 * 1024
"""The most that an unprivileged user may ask for; a rank that prints in bursts then seldom waits."""
ROOM_BYTES = 256 * 1024
"""What is moved at once. It is set to zero before the first rank starts, so it costs every run a little."""
MOST_UNMASKED_BYTES = 256 * 1024 * 1024
"""So much of a rank's raw output is kept in memory for a terminal."""
UNMASKED_END = b"\n(no more is shown unmasked; the log has all of it, masked)\n"


class Pump:
    """The way of one rank's output into its log file.

    Attributes:
        rank: The rank.
        source: The descriptor to read from; -1 before `listen`, and once the other end is closed.
        stored: Bytes in the file.
        dropped: Bytes that the file did not take (a full disk); the rank was never held up by it.
    """

    __slots__ = ("_file", "_mask", "_room", "_shown", "_unmasked", "dropped", "rank", "source", "stored")

    def __init__(self, log: str, room: memoryview, mask: Mask | None = None, unmasked: int = -1) -> None:
        """Open the log, which may not exist yet. `room` is where bytes pass through; pumps may share it."""
        self._mask = mask
        self._unmasked = unmasked
        self._shown = 0
        self._file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._room = room
        self.source = -1
        self.rank = 0
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
        except OSError:  # how a terminal tells that nobody has its other side open any more
            count = 0
        if not count:
            self.close()
            return 0
        if self._mask is None:
            self._store(self._room[:count])
        else:
            self._store_masked(self._mask, bytes(self._room[:count]))
        return count

    def drain(self) -> None:
        """Move everything that is there now."""
        while self.move():
            pass

    def close(self) -> None:
        """Stop listening; the log stays."""
        if self.source >= 0:
            if self._mask is not None:
                self._store(memoryview(self._mask.finish()))
            os.close(self.source)
            os.close(self._file)
            self.source = -1

    def _store_masked(self, mask: Mask, data: bytes) -> None:
        if self._unmasked >= 0 and self._shown < MOST_UNMASKED_BYTES:
            self._shown += len(data)
            os.write(self._unmasked, data if self._shown < MOST_UNMASKED_BYTES else data + UNMASKED_END)
        self._store(memoryview(mask.filter(data)))

    def _store(self, data: memoryview) -> None:
        while data:
            try:
                count = os.write(self._file, data)
            except OSError:
                self.dropped += len(data)
                return
            self.stored += count
            data = data[count:]


def make_pumps(processes: Sequence[Process], room: memoryview) -> list[Pump]:
    """Make the pumps of a run's ranks, which mask when the run has secrets: the same needles in each."""
    needles = next((process.needles for process in processes if process.needles), ())
    if not needles:
        return [_make_pump(process, room, None) for process in processes]
    from localrun.secrets.masks import Mask
    from localrun.secrets.search import Search

    search = Search(needles)
    return [_make_pump(process, room, Mask(search)) for process in processes]


def _make_pump(process: Process, room: memoryview, mask: Mask | None) -> Pump:
    pump = Pump(process.log, room, mask, process.unmasked)
    pump.rank = process.rank
    return pump


def _enlarge(pipe: int) -> None:
    try:
        fcntl.fcntl(pipe, F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        return  # beyond the user's share, or another system: the pipe stays as it is
