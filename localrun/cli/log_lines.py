"""Lines of a run's logs: rank by rank or in the order of time, and only those that match."""

from __future__ import annotations

import os
import re

from localrun.cli import show
from localrun.errors import BadInput
from localrun.escaping import escape_line
from localrun.supervise.times import NAME, RECORD_BYTES, read_times
from localrun.workspace.log_file import PIECE, LogFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MATCH_S = 1.0
"""So much processor time a pattern may take for one line, at least; twice as much at most."""


class Lines:
    """The lines of some ranks, as far as they have been printed.

    With times, lines come in the order in which they were complete; without, rank by rank.
    """

    def __init__(self, logs: Mapping[int, str], times: str = "", tail: int | None = None) -> None:
        """Begin at the start of the logs.

        Args:
            logs: Paths, by rank; a log that is not there yet is looked for again.
            times: The path of the file that says when they were printed; empty for none.
            tail: Begin at the last lines of each log, so many.
        """
        self._logs = {rank: LogFile(path, tail) for rank, path in logs.items()}
        self._times = times
        self._seen = 0

    def read(self, *, last: bool) -> Iterator[tuple[int, int, bytes]]:
        """Give rank, nanoseconds since the epoch (0 when unknown) and text of each new line; `last`: of all of them."""
        stamp = 0
        for stamp, rank, end in self._read_times():
            if rank in self._logs:
                yield from self._take(rank, end, stamp)
        if last or not self._times:
            for rank, log in self._logs.items():
                yield from self._take(rank, None, stamp)
                if last:
                    yield from [(rank, stamp, line) for line in log.finish()]

    def _read_times(self) -> Iterator[tuple[int, int, int]]:
        if not self._times:
            return
        try:
            with open(self._times, "rb") as file:
                file.seek(self._seen)
                data = file.read()
        except FileNotFoundError:
            return
        self._seen += len(data) // RECORD_BYTES * RECORD_BYTES
        yield from read_times(data)

    def _take(self, rank: int, end: int | None, stamp: int) -> Iterator[tuple[int, int, bytes]]:
        while (lines := self._logs[rank].read_lines(end)) is not None:
            for line in lines:
                yield rank, stamp, line


def find_times(folder: str, run_id: str, flag: str) -> str:
    """Give the path of the file that says when the ranks of a run printed.

    Raises:
        BadInput: there is none.
    """
    path = os.path.join(folder, NAME)
    if os.path.exists(path):
        return path
    hint = "runs of several ranks keep it; give a run of one rank --timestamps when it is started"
    raise BadInput(f"run {run_id} did not keep when its lines were printed", key=flag, hint=hint)


def make_printer(*, prefixed: bool, stamped: bool) -> Callable[[int, int, bytes], bytes]:
    """Give the function that makes a line of rank, time and text ready to be printed."""
    from localrun.workspace.records import timestamp

    def print_line(rank: int, stamp: int, line: bytes) -> bytes:
        prefix = b"[rank %d] " % rank if prefixed else b""
        time = (timestamp(stamp / 1e9) + " ").encode() if stamped else b""
        return time + prefix + escape_line(line) + b"\n"

    return print_line


class Pattern:
    """A regular expression of the user's, kept from taking for ever."""

    def __init__(self, text: str) -> None:
        """Compile it.

        Raises:
            BadInput: it is none.
        """
        import signal

        try:
            self._search = re.compile(text).search
        except (re.error, RecursionError, OverflowError) as error:
            hint = "it is a regular expression of Python's re; a backslash takes a sign as it is"
            raise BadInput(f"{text!r} is no pattern: {error}", key="--grep", hint=hint) from None
        self._text = text
        self._count = self._line = self._slow = 0
        signal.signal(signal.SIGVTALRM, self._look)
        signal.setitimer(signal.ITIMER_VIRTUAL, MATCH_S, MATCH_S)

    def _look(self, *_: object) -> None:
        if self._line and self._line == self._slow:
            hint = "a repetition inside of a repetition, such as (a+)+, takes for ever: write it with one"
            raise BadInput(f"{self._text!r} takes too long for one line", key="--grep", hint=hint)
        self._slow = self._line

    def matches(self, line: bytes) -> bool:
        """Tell whether a line holds a match.

        Raises:
            BadInput: that takes too long to find out.
        """
        text = line.decode("utf-8", "backslashreplace")
        self._count += 1
        self._line = self._count
        found = self._search(text) is not None
        self._line = 0
        return found


def print_lines(
    lines: Lines,
    matches: Callable[[bytes], bool] | None,
    print_line: Callable[[int, int, bytes], bytes],
    tail: int | None,
    *,
    last: bool,
) -> bool:
    """Print the new lines that match, the last `tail` of them at most; false when there was none."""
    from collections import deque

    found: Iterator[bytes] = (print_line(*one) for one in lines.read(last=last) if matches is None or matches(one[2]))
    any_found = False
    if tail is not None:
        found = iter(deque(found, maxlen=tail))
    batch: list[bytes] = []
    size = 0
    for line in found:
        any_found = True
        batch.append(line)
        size += len(line)
        if size > PIECE:
            show.write_bytes(b"".join(batch))
            batch, size = [], 0
    show.write_bytes(b"".join(batch))
    return any_found
