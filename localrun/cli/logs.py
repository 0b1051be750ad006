"""`localrun logs`: what the ranks of a run have written."""

from __future__ import annotations

import os
import time

import click

from localrun.cli import show
from localrun.cli.arguments import RUN, Number
from localrun.cli.workspace import find_runs, open_workspace
from localrun.errors import RunNotFound
from localrun.values import value
from localrun.workspace.home import folder_of
from localrun.workspace.log_file import LogFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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
    from localrun.workspace.records import read_supported

    home = open_workspace()
    (run_id,) = find_runs(home, (run,))
    paths = _find_logs(read_supported(home, run_id), folder_of(home, run_id), rank)
    manner = _Manner(follow=follow, tail=tail, merge=merge, timestamps=timestamps, grep=grep)
    if len(paths) == 1 and not (merge or timestamps or grep):
        _print_bytes(home, run_id, next(iter(paths.values())), manner)
    else:
        _print_lines(home, run_id, paths, manner)


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
    from localrun.workspace import active

    several = len(logs) > 1
    times = ""
    if manner.timestamps or (manner.merge and several):
        folder = folder_of(home, run_id)
        times = find_times(folder, run_id, "--timestamps" if manner.timestamps else "--merge")
    matches = Pattern(manner.grep).matches if manner.grep else None
    printer = make_printer(prefixed=several, stamped=manner.timestamps)
    every_line = not manner.grep and not manner.merge  # the last ones are found from a log's end
    begin, most = (manner.tail, None) if every_line else (None, manner.tail)
    together = manner.follow or manner.merge
    for one in [logs] if together else [{rank: path} for rank, path in logs.items()]:
        lines = Lines(one, times, begin)
        follow = manner.follow and active.is_live(home, run_id)
        print_lines(lines, matches, printer, most, last=not follow)
        while follow:
            follow = active.is_live(home, run_id)
            if not print_lines(lines, matches, printer, None, last=not follow) and follow:
                time.sleep(_POLL_S)


def _print_bytes(home: str, run_id: str, path: str, manner: _Manner) -> None:
    from localrun.workspace import active

    log = LogFile(path, manner.tail)
    live = True
    while live:
        live = manner.follow and active.is_live(home, run_id)
        while data := log.read():
            show.write_bytes(data)
        if live:
            time.sleep(_POLL_S)
    log.finish()


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
