"""The view: what the ranks have written to their logs, shown on a terminal or into a pipe.

A view reads files, so it can lag, stop or go away without any rank noticing. One rank is shown byte for byte; several
are shown in whole lines, each after its rank, with control characters made visible.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

CHUNK = 128 * 1024
"""What is read at once: a whole line of the longest kind, and little enough to stay in the processor's cache."""
LONGEST_LINE = 64 * 1024
SHOWN_OF_LONG_LINE = 4096
CONTROLS = tuple(bytes([code]) for code in (*range(0x20), 0x7F) if code not in b"\t\n")
"""What ASCII text must not hold to go to a terminal without a second look."""
COLOURS = (36, 33, 35, 32, 34, 31)


class View:
    """The logs of a run on their way to one descriptor.

    Attributes:
        open: False once nobody reads the descriptor any more.
    """

    __slots__ = ("_in_long_line", "_logs", "_offsets", "_prefixes", "_stamped", "_target", "_torn", "open")

    def __init__(
        self, logs: Sequence[str | int], prefixes: Sequence[bytes], target: int, *, stamped: bool = False
    ) -> None:
        """Begin at the start of every log.

        Args:
            logs: Absolute paths or descriptors, one a rank; a file that does not exist yet is looked for again later.
            prefixes: What stands before each line of that rank; all empty for one rank shown byte for byte.
            target: The descriptor to write to.
            stamped: Each line has the time at which it is shown before it.
        """
        self._stamped = stamped
        self._logs: list[str | int] = list(logs)
        self._offsets = [0] * len(logs)
        self._in_long_line = [False] * len(logs)
        self._prefixes = prefixes
        self._target = target
        self._torn = False
        self.open = True

    def show(self, *, last: bool = False) -> None:
        """Show what the logs have grown by; `last`: also lines without an end, there will be no more.

        A last line without an end gets one on a terminal, where what localrun says next would stand behind it.
        """
        busy = self.open
        while busy:
            busy = False
            for rank in range(len(self._logs)):
                busy = self._show_rank(rank, last=last) or busy
        if last and self._torn and os.isatty(self._target):
            self._write(memoryview(b"\n"))

    def skip(self) -> None:
        """Leave out what is in the logs now."""
        for rank in range(len(self._logs)):
            log = self._open(rank)
            if log >= 0:
                self._offsets[rank] = os.fstat(log).st_size

    @property
    def begun(self) -> bool:
        """Whether every rank has been shown with something."""
        return all(self._offsets)

    def _show_rank(self, rank: int, *, last: bool) -> bool:
        log = self._open(rank)
        chunk = os.pread(log, CHUNK, self._offsets[rank]) if log >= 0 else b""
        if not chunk:
            return False
        if not self._prefixes[rank] and not self._stamped:
            self._offsets[rank] += len(chunk)
            self._torn = not chunk.endswith(b"\n")
            self._write(memoryview(chunk))
            return self.open
        taken, lines = self._take_lines(rank, chunk, last=last and len(chunk) < CHUNK)
        self._offsets[rank] += taken
        if lines:
            self._write(*prefix_lines(lines, self._stamp() + self._prefixes[rank]))
        return self.open and bool(taken)

    def _stamp(self) -> bytes:
        if not self._stamped:
            return b""
        import time

        from localrun.workspace.records import timestamp

        return f"{timestamp(time.time())} ".encode()

    def _open(self, rank: int) -> int:
        log = self._logs[rank]
        if isinstance(log, str):
            try:
                log = self._logs[rank] = os.open(log, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return -1
        return log

    def _take_lines(self, rank: int, chunk: bytes, *, last: bool) -> tuple[int, bytes]:
        """Give how many bytes of the chunk are dealt with, and the lines to show for them."""
        skipped = 0
        if self._in_long_line[rank]:
            skipped = chunk.find(b"\n") + 1 or len(chunk)
            self._in_long_line[rank] = not chunk.endswith(b"\n", 0, skipped) and not last
            chunk = chunk[skipped:]
        end = chunk.rfind(b"\n") + 1
        if end:
            return skipped + end, chunk[:end]
        if last and chunk:
            return skipped + len(chunk), chunk[:LONGEST_LINE] + b"\n"
        if len(chunk) >= LONGEST_LINE:
            self._in_long_line[rank] = True
            return skipped + len(chunk), chunk[:SHOWN_OF_LONG_LINE] + b" ... (a long line; the log has all of it)\n"
        return skipped, b""

    def _write(self, *parts: memoryview) -> None:
        rest = list(parts)
        while rest:
            try:
                count = os.writev(self._target, rest)
            except BlockingIOError:
                _wait_for_room(self._target)
                continue
            except OSError:
                self.open = False
                return
            while rest and count >= len(rest[0]):
                count -= len(rest.pop(0))
            if count:
                rest[0] = rest[0][count:]


def prefix_lines(lines: bytes, prefix: bytes) -> tuple[memoryview, memoryview]:
    """Put a prefix before each line of `lines`, which end with a newline; of what overwrites itself, the last.

    Returns:
        What to write, in two parts: a large text is not copied to be joined with its first prefix.
    """
    if not is_plain(lines):
        lines = _make_visible(lines)
    shown = lines.replace(b"\n", b"\n" + prefix)
    return memoryview(prefix), memoryview(shown)[: len(shown) - len(prefix)]


def is_plain(text: bytes) -> bool:
    """Tell whether a text is ASCII without control characters but tabs and newlines; a glance, however long it is."""
    if not text.isascii():
        return False
    return not any(map(text.__contains__, CONTROLS))  # each is one search at the speed of memory


def _make_visible(lines: bytes) -> bytes:
    from localrun.escaping import escape_line

    return b"\n".join([escape_line(line) for line in lines[:-1].split(b"\n")]) + b"\n"


def _wait_for_room(target: int) -> None:
    import select

    poll = select.poll()
    poll.register(target, select.POLLOUT)
    poll.poll(1000)


def make_prefixes(ranks: int, *, coloured: bool) -> list[bytes]:
    """Give what stands before each rank's lines: nothing for a single rank, else `[rank 3] `."""
    if ranks == 1:
        return [b""]
    width = len(str(ranks - 1))
    plain = [f"[rank {rank:>{width}}] " for rank in range(ranks)]
    if not coloured:
        return [prefix.encode() for prefix in plain]
    return [f"\x1b[{COLOURS[rank % len(COLOURS)]}m{prefix}\x1b[0m".encode() for rank, prefix in enumerate(plain)]
