"""`localrun stats`: what the ranks of live runs use."""

from __future__ import annotations

import os
import sys
import time

import click

from localrun.cli import show
from localrun.cli.arguments import FORMAT
from localrun.cli.workspace import find_runs, open_workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from localrun.supervise.sampling import Finder, Meter

FIRST_S = 0.5
"""Processor use is told over so long at first, then over a second."""
CLEAR = "\x1b[H\x1b[J"


@click.command()
@click.option("--no-stream", is_flag=True, help="Show it once.")
@FORMAT
@click.argument("runs", nargs=-1, metavar="[RUN]...")
def stats(*, no_stream: bool, form: str, runs: tuple[str, ...]) -> None:
    """Show what each rank of the live RUNs uses, or of all live runs, every second until they have ended.

    The same goes into the record of the run as `usage.jsonl`; `localrun run --stats` does that from the start.
    """
    from localrun.inside.ranks import ask_living, has_ended
    from localrun.workspace import active

    home = open_workspace()
    live = (run_id for run_id in active.names(home) if active.is_live(home, run_id) and not has_ended(home, run_id))
    found = find_runs(home, runs) if runs else tuple(sorted(live))
    for run_id in found if runs else ():
        ask_living(home, run_id)
    meters = {run_id: _open(home, run_id) for run_id in found}
    _measure(home, meters)
    period_s = FIRST_S
    while True:
        time.sleep(period_s)
        rows = _measure(home, meters, stored=not no_stream)
        _print(rows, form, streamed=not no_stream)
        meters = {run_id: meter for run_id, meter in meters.items() if active.is_live(home, run_id)}
        if no_stream or not meters:
            return
        period_s = 1.0


def _open(home: str, run_id: str) -> tuple[Finder, Meter]:
    from localrun.inside.ranks import name_processes, read_live
    from localrun.supervise.sampling import Finder, Meter

    record = read_live(home, run_id)
    nodes = {item["rank"]: item["node"] for item in record["ranks"]}
    return Finder(run_id, name_processes(record)), Meter(nodes)


def _measure(home: str, meters: dict[str, tuple[Finder, Meter]], *, stored: bool = False) -> list[dict[str, Any]]:
    from localrun.supervise.sampling import store
    from localrun.workspace.home import folder_of

    rows = []
    for run_id, (finder, meter) in meters.items():
        found = meter.measure(finder.find())
        folder = folder_of(home, run_id)
        if stored and found and os.path.isdir(folder):
            store(folder, found)
        rows += [{"run_id": run_id} | row for row in found]
    return rows


def _print(rows: list[dict[str, Any]], form: str, *, streamed: bool) -> None:
    if form == "json":
        show.write(show.document(rows) if not streamed else show.documents(rows))
        return
    gpu = any(row["gpu_memory_bytes"] is not None for row in rows)
    columns = [
        ("RUN ID", *(row["run_id"] for row in rows)),
        ("NODE", *(str(row["node"]) for row in rows)),
        ("RANK", *(str(row["rank"]) for row in rows)),
        ("CPU", *(_percent(row) for row in rows)),
        ("MEMORY", *(_size(row["memory_bytes"]) for row in rows)),
        *([("GPU MEMORY", *(_size(row["gpu_memory_bytes"] or 0) for row in rows))] if gpu else []),
        ("THREADS", *(str(row["threads"]) for row in rows)),
        ("PROCESSES", *(str(row["processes"]) for row in rows)),
    ]
    clear = CLEAR if streamed and sys.stdout.isatty() and os.environ.get("TERM") != "dumb" else ""
    show.write(clear + show.table(columns))


def _percent(row: dict[str, Any]) -> str:
    if row["stopped"]:
        return "paused"
    return "" if row["cpu_percent"] is None else f"{row['cpu_percent']:.0f}%"


def _size(count: int) -> str:
    return f"{count / 1024**2:,.0f} MiB" if count < 1024**3 else f"{count / 1024**3:,.1f} GiB"
