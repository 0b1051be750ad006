"""`localrun ps`: the runs of this workspace."""

from __future__ import annotations

import click

from localrun.cli import show
from localrun.cli.arguments import FORMAT, Number
from localrun.cli.workspace import open_workspace
from localrun.escaping import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.workspace.database import Row
    from localrun.workspace.run_files import Record

_KEYS = ("run_id", "status", "exit_code", "experiment", "target", "started_at", "duration_s")


@click.command()
@click.option("-a", "--all", "all_runs", is_flag=True, help="All runs, not only those that run now.")
@click.option("-q", "--quiet", is_flag=True, help="Only the run ids.")
@click.option("-n", "--last", type=Number(1), metavar="N", help="The N newest runs, whatever their status.")
@click.option(
    *("-f", "--filter", "filters"),
    multiple=True,
    metavar="TEST",
    help="Only runs that pass every TEST: tags.x=y, params.x=y, metric:x>0.5, status=failed, ...",
)
@click.option(
    "--sort",
    default="",
    metavar="KEY",
    help="The largest first, by metric:x, params.x, duration_s, ... [default: the newest first].",
)
@FORMAT
def ps(*, all_runs: bool, quiet: bool, last: int | None, filters: tuple[str, ...], sort: str, form: str) -> None:
    """List runs, newest first. With --filter or --sort: all runs, and those that have a value first."""
    home = open_workspace()
    values = None
    if filters or sort:
        found, values = _choose(home, filters, sort, last)
    else:
        found = list_rows(home, live_only=not all_runs and last is None, limit=last)
    if quiet:
        show.write("".join([f"{escape(row[0])}\n" for row in found]))
    elif form == "json":
        show.write(show.flat_documents(_KEYS, [row[: len(_KEYS)] for row in found]))
    else:
        more = [] if not sort or values is None else [(sort.removeprefix("metric:"), *map(_show, values))]
        show.write(show.table([*_columns(found), *more]))


def _choose(home: str, filters: tuple[str, ...], sort: str, last: int | None) -> tuple[list[Row], list[object]]:
    from localrun.cli.choose import choose
    from localrun.errors import LocalrunError
    from localrun.workspace import records

    def read(run_id: str) -> Record:
        try:
            return records.read(home, run_id, show.tell)
        except LocalrunError as error:
            show.tell(error.message)
            return {}

    chosen = choose(list_rows(home, live_only=False, limit=None), read, filters, sort)[:last]
    return [row for row, _ in chosen], [value for _, value in chosen]


def _show(value: object) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def list_rows(home: str, *, live_only: bool, limit: int | None) -> list[Row]:
    """Give the rows to show: no run without a living supervisor among the running, seconds so far for those."""
    from localrun.workspace import records, recover

    found = records.rows(home, limit=limit, live_only=live_only, say=show.tell)
    running = [row[0] for row in found if row[1] == "running"]
    if running and recover.close_orphans(home, running, show.tell):
        found = records.rows(home, limit=limit, live_only=live_only, say=show.tell)
    return [_so_far(row) if row[1] == "running" else row for row in found]


def _so_far(row: Row) -> Row:
    """Give the row of a live run with the seconds since its start."""
    import datetime as dt

    try:
        started = dt.datetime.fromisoformat(row[5].replace("Z", "+00:00"))
    except ValueError:
        return row
    seconds = (dt.datetime.now(dt.timezone.utc) - started).total_seconds()
    return (*row[:6], round(max(seconds, 0), 3), row[7])


def _columns(rows: list[Row]) -> list[tuple[str, ...]]:
    """Give the columns of the table, by column and not by row: thousands of rows are listed as fast as a few."""
    run_ids, statuses, codes, experiments, targets, starts, durations = list(zip(*rows, strict=True))[:7] or [()] * 7
    states = [status if code is None else f"{status} ({code})" for status, code in zip(statuses, codes, strict=True)]
    return [
        ("RUN ID", *run_ids),
        ("EXPERIMENT", *experiments),
        ("STATUS", *states),
        ("TARGET", *targets),
        ("STARTED (UTC)", *[start[:19].replace("T", " ") for start in starts]),
        ("DURATION", *map(show.duration, durations)),
    ]
