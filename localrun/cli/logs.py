"""`localrun logs`: what the ranks of a run have written."""

from __future__ import annotations

import os
import time

import click

from localrun.cli import show
from localrun.cli.arguments import RUN, Number
from localrun.cli.workspace import find_runs, open_workspace
from localrun.errors import RunNotFound
from localrun.escaping import escape_line
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any

_CHUNK = 1 << 20
_POLL_S = 0.05


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends.")
@click.option("--rank", type=Number(), metavar="K", help="Only this rank, byte for byte.")
@click.option("--tail", type=Number(), metavar="N", help="Only the last N lines of each rank.")
@click.option("--merge", is_flag=True, help="The lines of all ranks in the order of time.")
@click.option("--timestamps", is_flag=True, help="Put the time before each line.")
@click.option("--grep", default="", metavar="REGEX", help="Only lines that hold a match.")
@RUN
def logs(
    *, follow: bool, rank: int | None, tail: int | None, merge: bool, timestamps: bool, grep: str, run: str
) -> None:
    """Print the output of RUN's ranks.

    The output of one rank is printed byte for byte, the lines of several behind `[rank K]`, escaped. With --merge,
    --timestamps or --grep whole lines are printed, escaped.
    """
    from localrun.workspace import records
    from localrun.workspace.record_schema import read_supported

    home = open_workspace()
    (run_id,) = find_runs(home, (run,))
    paths = _find_logs(read_supported(home, run_id), records.folder_of(home, run_id), rank)
    if merge or timestamps or grep:
        manner = _Manner(follow=follow, tail=tail, merge=merge, timestamps=timestamps, grep=grep)
        _print_lines(home, run_id, paths, manner)
    else:
        _print_bytes(home, run_id, paths, tail, follow=follow)


@value
class _Manner:
    """How lines are printed: the options of the command."""

    follow: bool
    tail: int | None
    merge: bool
    timestamps: bool
    grep: str


def _print_lines(home: str, run_id: str, logs: dict[int, str], manner: _Manner) -> None:
    from localrun.cli.log_lines import Lines, Pattern, find_times, make_printer, print_lines
    from localrun.workspace import active, records

    several = len(logs) > 1
    times = ""
    if manner.timestamps or (manner.merge and several):
        folder = records.folder_of(home, run_id)
        times = find_times(folder, run_id, "--timestamps" if manner.timestamps else "--merge")
    matches = Pattern(manner.grep).matches if manner.grep else None
    printer = make_printer(prefixed=several, stamped=manner.timestamps)
    if manner.follow or manner.merge:
        sources = [Lines(logs, times)]
    else:
        sources = [Lines({rank: path}, times) for rank, path in logs.items()]
    for lines in sources:
        follow = manner.follow and active.is_live(home, run_id)
        print_lines(lines, matches, printer, manner.tail, last=not follow)
        while follow:
            follow = active.is_live(home, run_id)
            if not print_lines(lines, matches, printer, None, last=not follow) and follow:
                time.sleep(_POLL_S)
        lines.close()


def _print_bytes(home: str, run_id: str, logs: dict[int, str], tail: int | None, *, follow: bool) -> None:
    from localrun.workspace import active

    several = len(logs) > 1
    streams = [_Stream(path, b"[rank %d] " % rank if several else b"") for rank, path in logs.items()]
    for stream in streams:
        stream.open(tail)
    while follow and active.is_live(home, run_id):
        for stream in streams:
            stream.open()
        came = [stream.copy() for stream in streams]
        if not any(came):
            time.sleep(_POLL_S)
    for stream in streams:
        if follow:
            stream.open()
        while stream.copy():
            pass
        stream.close()


class _Stream:
    """The log of one rank while it is printed: what was read of it, and the beginning of a line that is not whole."""

    def __init__(self, path: str, prefix: bytes) -> None:
        self.path = path
        self.prefix = prefix  # empty: the bytes are printed as they are
        self.file: IO[bytes] | None = None
        self.begun = b""

    def open(self, tail: int | None = None) -> None:
        """Open the log, if it is there by now, at the last `tail` lines."""
        if self.file is None and os.path.isfile(self.path):
            self.file = open(self.path, "rb")  # noqa: SIM115 - closed by close
            if tail is not None:
                self.file.seek(tail_offset(self.file, tail))

    def copy(self) -> bool:
        """Print what is new, a chunk at most; False when nothing was."""
        data = self.file.read(_CHUNK) if self.file else b""
        if data and not self.prefix:
            show.write_bytes(data)
        elif data:
            *lines, self.begun = (self.begun + data).split(b"\n")
            show.write_bytes(b"".join([self.prefix + escape_line(line) + b"\n" for line in lines]))
        return bool(data)

    def close(self) -> None:
        """Print a last line that has no newline."""
        if self.begun:
            show.write_bytes(self.prefix + escape_line(self.begun) + b"\n")
        if self.file:
            self.file.close()


def _find_logs(record: dict[str, Any], folder: str, rank: int | None) -> dict[int, str]:
    """Give the path of the log of each rank that is meant, by rank, in order.

    Raises:
        RunNotFound: the run has no such rank, or its folder is gone.
    """
    run_id = record["run_id"]
    if record["status"] == "missing":
        raise RunNotFound(f"the folder of run {run_id} is gone, and its logs with it: {folder}")
    ranks = {item["rank"]: str(item.get("log") or "") for item in record.get("ranks", ())}
    if rank is not None and rank not in ranks:
        hint = f"Its ranks are {', '.join(map(str, ranks))}." if ranks else "It has started none."
        raise RunNotFound(f"run {run_id} has no rank {rank}", hint=hint)
    chosen = ranks if rank is None else {rank: ranks[rank]}
    return {number: os.path.join(folder, "user_logs", os.path.basename(log)) for number, log in chosen.items()}


def tail_offset(file: IO[bytes], count: int) -> int:
    """Give the offset where the last `count` lines of a file begin; a last line needs no newline to be one."""
    end = position = file.seek(0, os.SEEK_END)
    wanted = count
    if not count:
        return end
    while position > 0:
        size = min(_CHUNK, position)
        position -= size
        file.seek(position)
        block = file.read(size)
        if position + size == end and not block.endswith(b"\n"):
            wanted -= 1  # the line that has no newline
        at = len(block)
        while (at := block.rfind(b"\n", 0, at)) >= 0:
            wanted -= 1
            if wanted < 0:
                return position + at + 1
    return 0
