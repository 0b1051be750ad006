"""`localrun wait`, `stop`, `kill` and `rm`: the end of runs, awaited or brought about."""

from __future__ import annotations

import os

import click

from localrun.cli import show
from localrun.cli.arguments import FORMAT, RUNS, Number
from localrun.cli.workspace import find_runs, open_workspace
from localrun.errors import BadInput, RunNotFound, StoreFailed
from localrun.escaping import escape


@click.command()
@FORMAT
@RUNS
def wait(form: str, runs: tuple[str, ...]) -> None:
    """Wait until every RUN has ended, and print their exit codes.

    One exit code a line, in the order of the arguments. As with `docker wait` the command itself exits 0; a lost run
    has the exit code 125.
    """
    from localrun.workspace import active
    from localrun.workspace.recover import read_settled

    home = open_workspace()
    ended = []
    for run_id in find_runs(home, runs):
        active.wait(home, run_id)
        record = read_settled(home, run_id, show.tell)
        ended.append({name: record.get(name) for name in ("run_id", "status", "exit_code")})
        if form == "text":
            show.write(f"{record.get('exit_code')}\n")
    if form == "json":
        show.write(show.document(ended))


@click.command()
@click.option(
    "-t", "--timeout", type=click.FloatRange(min=0), metavar="S",
    help="Seconds until what still runs is killed [default: the run's own stop time-out, and 5 more].",
)  # fmt: skip
@RUNS
def stop(timeout: float | None, runs: tuple[str, ...]) -> None:
    """Stop each RUN as Ctrl-C would, and wait until its record is closed. Prints the run ids."""
    from localrun.inside.faults import thaw
    from localrun.workspace import control

    home = open_workspace()
    for run_id in find_runs(home, runs):
        thaw(home, run_id, os.environ)
        seconds = control.find_ladder_s(home, run_id) if timeout is None else timeout
        control.stop(home, run_id, seconds, show.tell)
        show.write(f"{escape(run_id)}\n")


@click.command()
@click.option("--rank", type=Number(), metavar="K", help="Only this rank.")
@click.option("--node", type=Number(), metavar="N", help="Only the ranks of this node.")
@click.option(
    "-s", "--signal", "name", default="KILL", metavar="S", help="By name or number: TERM, SIGUSR1, 10 [default: KILL]."
)
@RUNS
def kill(rank: int | None, node: int | None, name: str, runs: tuple[str, ...]) -> None:
    """Send a signal to the process group of every rank of each RUN. Prints the run ids."""
    from localrun.inside.faults import send_signal

    number = signal_number(name)
    if rank is not None and node is not None:
        raise BadInput("--rank and --node were both given", hint="give one of them", key="--node")
    home = open_workspace()
    for run_id in find_runs(home, runs):
        send_signal(home, run_id, number, rank=rank, node=node)
        show.write(f"{escape(run_id)}\n")


_NODE = click.option("--node", type=Number(), metavar="N", help="Only the ranks of this node.")


@click.command()
@_NODE
@RUNS
def pause(node: int | None, runs: tuple[str, ...]) -> None:
    """Stop the processes of each RUN, or of one of its nodes, as if time stood still. Prints the run ids.

    The others see a node that does not answer any more, as on a cluster whose node hangs. `localrun unpause` lets it go
    on. Time limits of the run do not count while all of it is paused.
    """
    _hold(node, runs, paused=True)


@click.command()
@_NODE
@RUNS
def unpause(node: int | None, runs: tuple[str, ...]) -> None:
    """Let the processes of each RUN, or of one of its nodes, go on. Prints the run ids."""
    _hold(node, runs, paused=False)


def _hold(node: int | None, runs: tuple[str, ...], *, paused: bool) -> None:
    from localrun.inside.faults import set_paused

    home = open_workspace()
    for run_id in find_runs(home, runs):
        set_paused(home, run_id, node=node, paused=paused, environ=os.environ)
        show.write(f"{escape(run_id)}\n")


def signal_number(name: str) -> int:
    """Give the number of a signal, from its number or its name with or without SIG, in any case.

    Raises:
        BadInput: there is no such signal.
    """
    import signal

    try:
        if name.isdecimal():
            return int(signal.Signals(int(name)))
        upper = name.upper()
        return int(signal.Signals[upper if upper.startswith("SIG") else f"SIG{upper}"])
    except (ValueError, KeyError):
        hint = "Give a name such as TERM, INT or USR1, or a number; kill -l lists them."
        raise BadInput(f"there is no signal {name}", key="--signal", hint=hint) from None


@click.command()
@click.option("-f", "--force", is_flag=True, help="Kill runs that are live; do not mind runs that are not there.")
@RUNS
def rm(*, force: bool, runs: tuple[str, ...]) -> None:
    """Remove each RUN: its record, logs, snapshot and outputs. Prints the run ids."""
    from localrun.workspace import active, control, records, submitted

    home = open_workspace()
    records.finish_removals(home)
    found = _find_some(home, runs) if force else find_runs(home, runs)
    for run_id in found:
        if active.is_live(home, run_id) and not force:
            if records.read(home, run_id, show.tell)["status"] != "running":
                active.wait(home, run_id)  # it has ended, and its containers are being removed
                continue
            hint = f"localrun stop {run_id}, or rm -f, which kills it."
            raise RunNotFound(f"run {run_id} is running", hint=hint, code="run_live")
    for run_id in found:
        if active.is_live(home, run_id):
            control.stop(home, run_id, 0, show.tell)
        records.remove(home, run_id, show.tell)
        submitted.remove(home, run_id)
        show.write(f"{escape(run_id)}\n")
    _collect_snapshots(home)


def _collect_snapshots(home: str) -> None:
    from localrun.workspace.snapshot_store import collect

    try:
        collect(home)
    except StoreFailed as error:  # the runs are gone, which is what was asked for
        show.tell(error.message)


def _find_some(home: str, runs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([run_id for text in runs for run_id in _find_or_tell(home, text)]))


def _find_or_tell(home: str, text: str) -> tuple[str, ...]:
    try:
        return find_runs(home, (text,))
    except RunNotFound as error:
        show.tell(error.message)
        return ()
