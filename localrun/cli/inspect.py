"""`localrun inspect`: the record of a run."""

from __future__ import annotations

import click

from localrun.cli import show
from localrun.cli.workspace import find_runs, open_workspace


@click.command()
@click.option("--format", "form", type=click.Choice(["json"]), default="json", help="How to print it.")
@click.argument("run")
def inspect(form: str, run: str) -> None:  # noqa: ARG001 - one form so far
    """Print the record of RUN; `metrics` holds the last value of each, `localrun metrics` prints all."""
    from localrun.workspace import records, recover
    from localrun.workspace.record_schema import read_supported

    home = open_workspace()
    (run_id,) = find_runs(home, (run,))
    record = read_supported(home, run_id, show.tell)
    if record["status"] == "running" and recover.close_orphans(home, (run_id,), show.tell):
        record = records.read(home, run_id, show.tell)
    if record["status"] == "running":
        from localrun.workspace.metrics import describe_logged

        logged = describe_logged(records.folder_of(home, run_id), run_id)
        record |= logged | {"tags": record.get("tags", {}) | logged.get("tags", {})}
    show.write(show.document(record))
