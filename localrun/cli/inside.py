"""`localrun exec`, `attach` and `shell`: where a rank is, or was."""

from __future__ import annotations

import os

import click

from localrun.cli import show
from localrun.cli.arguments import RUN, Number
from localrun.cli.workspace import find_runs, open_workspace
from localrun.errors import BadInput, RunNotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from localrun.inside.place import Place

_RANK = click.option("--rank", type=Number(), metavar="K", help="This rank [default: the first that runs].")
_WORDS = {"-i", "-t", "-it", "-ti", "--interactive", "--tty"}
"""Habits of `docker exec`: a command here has the terminal anyway."""


@click.command("exec", context_settings={"allow_interspersed_args": False})
@_RANK
@click.option("-i", "--interactive", is_flag=True, help="As with docker; the command has the terminal anyway.")
@click.option("-t", "--tty", is_flag=True, help="As with docker; the command has the terminal anyway.")
@RUN
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[--] COMMAND...")
def execute(*, rank: int | None, run: str, command: tuple[str, ...], **_: bool) -> int:
    """Run a COMMAND where a rank of the live RUN is: its environment variables, its folder, its container.

    The exit code is the command's own.

    \b
      localrun exec latest --rank 1 -- py-spy dump --pid 4711
      localrun exec latest nvidia-smi
    """  # noqa: D301 - the backspace tells click to keep the lines
    from localrun.inside.place import find_place

    rank, command = read_words(rank, command)
    if not command:
        raise BadInput("no command was given", hint="write it behind the run: localrun exec latest -- bash")
    home, record = open_live(run)
    return enter(record, find_place(home, record, rank, os.environ), command)


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--rank", type=Number(), metavar="K", help="As this rank had it [default: 0].")
@RUN
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[[--] COMMAND...]")
def shell(rank: int | None, run: str, command: tuple[str, ...]) -> int:
    """Open a shell in the environment, folder and variables of RUN, which may have ended; or run a COMMAND there."""
    from localrun.inside.place import find_place, reconstruct_place
    from localrun.inside.ranks import await_ended
    from localrun.workspace.records import read_supported

    asked, command = read_words(rank, command)
    rank = asked or 0
    home = open_workspace()
    (run_id,) = find_runs(home, (run,))
    live = not await_ended(home, run_id)
    if live:
        home, record = open_live(run_id)
        place = find_place(home, record, rank, os.environ)
    else:
        record = read_supported(home, run_id, show.tell)
        if not record.get("plan"):
            hint = "run it again"
            raise RunNotFound(f"the record of run {run_id} does not say what it ran in", hint=hint, code="run_ended")
        if record["target"] == "docker":
            return enter_afterwards(home, record, rank, command or ("/bin/sh",))
        place = reconstruct_place(record, rank, os.environ)
    tell_place(record, place)
    inside = live and record["target"] != "local"
    return enter(record, place, command or ("/bin/sh" if inside else os.environ.get("SHELL") or "/bin/sh",))


@click.command()
@click.option("--rank", type=Number(), metavar="K", help="Only this rank, byte for byte.")
@click.option("--no-sig-proxy", is_flag=True, help="Ctrl-C leaves the run as it is, and ends this command only.")
@RUN
def attach(*, rank: int | None, no_sig_proxy: bool, run: str) -> int:
    """Show what the ranks of the live RUN print from now on, until it ends; the exit code is the run's.

    Ctrl-C, SIGTERM and SIGHUP reach the run as they would reach the command that started it: it is stopped. With
    --no-sig-proxy they end this command only.
    """
    from localrun.cli.follow import attach_to
    from localrun.cli.summary import tell_end

    home, record = open_live(run)
    ended = attach_to(home, record, rank, proxy=not no_sig_proxy)
    tell_end(ended)
    return int(ended["exit_code"] or 0)


def enter_afterwards(home: str, record: dict[str, Any], rank: int, command: tuple[str, ...]) -> int:
    """Run a command in a new container, in the place of a rank of a run that has ended; give its exit code.

    Raises:
        LocalrunError: there is no such rank any more, or the engine refuses.
    """
    from localrun.inside.afterwards import Afterwards

    afterwards = Afterwards(record, rank, home, os.environ)
    tell_place(record, afterwards.place)
    return afterwards.enter(command, {"TERM": os.environ["TERM"]} if "TERM" in os.environ else {})


def open_live(run: str) -> tuple[str, dict[str, Any]]:
    """Open the workspace and give it with the record of a live run.

    Raises:
        RunNotFound: there is no such run, or it has ended.
    """
    from localrun.inside.ranks import ask_living, read_live

    home = open_workspace()
    (run_id,) = find_runs(home, (run,))
    ask_living(home, run_id)
    return home, read_live(home, run_id)


def read_words(rank: int | None, words: tuple[str, ...]) -> tuple[int | None, tuple[str, ...]]:
    """Read options that stand behind RUN, before the command or a `--`; give the rank and the command, empty or not.

    Raises:
        BadInput: the rank is no number.
    """
    rest = list(words)
    while rest and (rest[0] in _WORDS or rest[0].partition("=")[0] == "--rank"):
        option, equals, given = rest.pop(0).partition("=")
        if option != "--rank":
            continue
        given = given if equals else rest.pop(0) if rest else ""
        if not given.isdecimal():
            raise BadInput(f"expected the number of a rank, found {given!r}", key="--rank", hint="write --rank 1")
        rank = int(given)
    if rest[:1] == ["--"]:
        del rest[0]
    return rank, tuple(rest)


def tell_place(record: dict[str, Any], place: Place) -> None:
    """Say where a shell opens, and what is not as it was."""
    several = f"rank {place.rank} of " if len(record["ranks"]) > 1 else ""
    show.tell(f"in the place of {several}run {record['run_id']}: {place.directory}")
    if place.missing:
        show.tell(f"not recorded, and not set in this shell: {', '.join(place.missing)}")


def enter(record: dict[str, Any], place: Place, command: tuple[str, ...]) -> int:
    """Run a command in a rank's place: become it, or have its container run it and give the exit code.

    Raises:
        LocalrunError: it cannot be started.
    """
    from localrun.adapters import spawn
    from localrun.inside.containers import is_contained, run_where
    from localrun.values import replace

    variables = dict(place.variables)
    if "TERM" in os.environ:  # of the terminal that the command is shown on
        variables["TERM"] = os.environ["TERM"]
    if is_contained(record):
        return run_where(record, replace(place, variables=tuple(variables.items())), command, os.environ)
    return spawn.become(command, variables, directory=place.directory)
