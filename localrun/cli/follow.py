"""Following a live run from another terminal than its own."""

from __future__ import annotations

import os
import sys
import time

from localrun.adapters import processes, signals
from localrun.cli import show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from localrun.supervise.view import View

POLL_S = 0.05


def attach_to(home: str, record: dict[str, Any], rank: int | None, *, proxy: bool) -> dict[str, Any]:
    """Show what a run prints from now on until it ends, and give its closed record.

    Args:
        home: The workspace.
        record: The record of a live run.
        rank: Only this rank; None for all.
        proxy: Pass on what asks this process to end.

    Raises:
        RunNotFound: the run has no such rank.
    """
    from localrun.inside.ranks import choose_rank
    from localrun.workspace import active, control
    from localrun.workspace.recover import read_settled

    run_id = record["run_id"]
    if rank is not None:
        choose_rank(record, rank)
    view = open_view(record, rank)
    supervisor = control.find_entry(home, run_id).supervisor
    if proxy and supervisor is not None:
        _pass_on(supervisor)
    while active.is_live(home, run_id):
        view.show()
        time.sleep(POLL_S)
    view.show(last=True)
    return read_settled(home, run_id, show.tell)


def open_view(record: dict[str, Any], rank: int | None) -> View:
    """Give a view that begins at the present end of the logs."""
    from localrun.supervise.view import View, make_prefixes

    coloured = os.isatty(1) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    prefixes = make_prefixes(len(record["ranks"]), coloured=coloured)
    logs = [os.path.join(record["folder"], item["log"]) for item in record["ranks"]]
    if rank is not None:
        logs, prefixes = [logs[rank]], [b""]
    sys.stdout.flush()
    view = View(logs, prefixes, 1)
    view.skip()
    return view


def _pass_on(supervisor: processes.Process) -> None:
    asked = 0

    def pass_on(number: int, _: object) -> None:
        nonlocal asked
        asked += number == signals.SIGINT
        processes.send(supervisor, number)
        if number == signals.SIGINT and asked == 1:
            show.tell("stopping the ranks; press Ctrl-C again to kill them")

    for number in signals.ASKS:
        signals.signal(number, pass_on)
