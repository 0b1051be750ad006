"""`localrun inspect` and `localrun wait`: one record, and the end of runs."""

from __future__ import annotations

import click

from localrun.cli import show
from localrun.cli.workspace import find_runs, open_workspace


@click.command()
@click.option("--format", "form", type=click.Choice(["json"]), default="json", help="How to print it.")
@click.argument("run")
def inspect(form: str, run: str) -> None:  # noqa: ARG001 - one form so far
    """Print the record of RUN."""
    from localrun.workspace import records, recover

    home = open_workspace()
    (run_id,) = find_runs(home, (run,))
    record = records.read(home, run_id, show.tell)
    if record["status"] == "running" and recover.close_orphans(home, (run_id,), show.tell):
        record = records.read(home, run_id, show.tell)
    show.write(show.document(record))


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print them.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
def wait(form: str, runs: tuple[str, ...]) -> None:
    """Wait until every RUN has ended, and print their exit codes.

    One exit code a line, in the order of the arguments. As with `docker wait` the command itself exits 0; a lost run
    has the exit code 125.
    """
    from localrun.workspace import active, records, recover

    home = open_workspace()
    ended = []
    for run_id in find_runs(home, runs):
        active.wait(home, run_id)
        record = records.read(home, run_id, show.tell)
        if record["status"] == "running" and recover.close_orphans(home, (run_id,), show.tell):
            record = records.read(home, run_id, show.tell)
        ended.append({name: record.get(name) for name in ("run_id", "status", "exit_code")})
        if form == "text":
            show.write(f"{record.get('exit_code')}\n")
    if form == "json":
        show.write(show.document(ended))
