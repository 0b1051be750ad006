"""`localrun inspect`: the record of a run."""

from __future__ import annotations

import click

from localrun.cli import show
from localrun.cli.arguments import RUN
from localrun.cli.workspace import find_runs, open_workspace


@click.command()
@click.option("--format", type=click.Choice(["json"]), default="json", expose_value=False, help="How to print it.")
@RUN
def inspect(run: str) -> None:
    """Print the record of RUN; `metrics` holds the last value of each, `localrun metrics` prints all."""
    from localrun.workspace.home import folder_of
    from localrun.workspace.records import read_supported
    from localrun.workspace.recover import read_settled

    home = open_workspace()
    (run_id,) = find_runs(home, (run,))
    record = read_supported(home, run_id, show.tell)
    if record["status"] == "running":
        record = read_settled(home, run_id, show.tell)
    if record["status"] == "running":
        from localrun.workspace.metrics import describe_logged

        logged = describe_logged(folder_of(home, run_id), run_id)
        record |= logged | {"tags": record.get("tags", {}) | logged.get("tags", {})}
    show.write(show.document(record))
