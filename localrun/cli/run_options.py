"""The options of `run` and `plan`: their table, and the value that they come to."""

from __future__ import annotations

import click
from click.core import ParameterSource

from localrun.cli.arguments import Number
from localrun.cli.container_options import OPTIONS as CONTAINER_OPTIONS
from localrun.cli.container_options import split_container
from localrun.cli.flags import Flags
from localrun.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = (
    click.argument("source", required=False, default=""),
    click.argument("arguments", nargs=-1, type=click.UNPROCESSED),
    click.option("--command", default="", metavar="TEXT", help="Run this bash command instead of a SOURCE."),
    click.option(
        *("--source", "source_directory"),
        default="",
        metavar="DIR",
        help="The source folder [default: SOURCE's, or this one].",
    ),
    click.option(
        *("-E", "--environment"),
        default="",
        metavar="REF",
        help="A conda, requirements or lock file, Dockerfile, folder, image:NAME, interpreter:PATH, or NAME[:VERSION] "
        "of a registered one [default: the job's, or this shell's Python].",
    ),
    click.option("--as-of", default="", metavar="DATE", help="Solve the environment with the packages of that day."),
    click.option(
        *("-t", "--target"),
        type=click.Choice(["local", "docker"]),
        metavar="TARGET",
        help="local or docker [default: what the environment asks for].",
    ),
    click.option("--nodes", type=int, metavar="N", help="How many nodes [default: the job's, or 1]."),
    click.option(
        *("-n", "--procs-per-node", "processes"),
        type=int,
        metavar="N",
        help="Ranks on each node [default: the job's, or 1].",
    ),
    click.option(
        "--distribution",
        type=click.Choice(["pytorch", "mpi", "tensorflow", "none"]),
        metavar="KIND",
        help="pytorch, mpi, tensorflow or none [default: the job's, or pytorch for several ranks].",
    ),
    click.option(
        *("-e", "--env", "variables"), multiple=True, metavar="K[=V]", help="Set a variable, or pass on this shell's."
    ),
    click.option(
        "--env-file", "variable_files", multiple=True, metavar="FILE", help="Set the variables that a file lists."
    ),
    click.option(
        "--secret",
        "secrets",
        multiple=True,
        metavar="NAME[=VAR]",
        help="Put a secret of `localrun secret` into a variable [default: its name].",
    ),
    click.option("--no-shim", is_flag=True, help="Leave `azureml.core` and its `Run` in scripts as they are."),
    click.option(
        "--set", "overrides", multiple=True, metavar="A.B=C", help="Change a key of the job or run configuration."
    ),
    click.option(
        "--run-config",
        default="",
        metavar="NAME",
        help="Run this v1 run configuration of the project's folder, SOURCE.",
    ),
    click.option(
        "--bootstrap",
        default="",
        metavar="FILE",
        help="Run this bash script first, once on each node; ranks wait for it.",
    ),
    click.option(
        *("--barrier-timeout", "barrier_timeout_s"),
        type=float,
        metavar="S",
        help="Seconds that ranks wait for it [default: 1800].",
    ),
    click.option("--timeout", "timeout_s", type=float, metavar="S", help="End the run after S seconds (exit 124)."),
    click.option(
        *("--stop-timeout", "stop_timeout_s"),
        type=float,
        metavar="S",
        help="Seconds from the first signal to SIGKILL [default: 10].",
    ),
    click.option(
        *("--rank-timeout", "rank_timeout_s"),
        type=float,
        metavar="S",
        help="End the run when a rank neither prints nor computes for S seconds (exit 124).",
    ),
    click.option(
        "--on-failure",
        type=click.Choice(["stop", "continue", "hold"]),
        default="stop",
        metavar="WHAT",
        help="When a rank fails, stop the others, let them continue, or hold them to be looked at [default: stop].",
    ),
    click.option(*("-i", "--interactive"), is_flag=True, help="One rank reads this standard input."),
    click.option(
        *("-it", "-ti", "--tty", "terminal"), is_flag=True, help="One rank has this terminal: breakpoint() works."
    ),
    click.option("--debug", is_flag=True, help="One rank waits for a debugger."),
    click.option("--rank", type=Number(), metavar="K", help="The rank of -i, -it or --debug [default: 0]."),
    click.option("--timestamps", is_flag=True, help="Show, and keep, when each line was printed."),
    click.option("--stats", "sample_usage", is_flag=True, help="Keep what the ranks use while they run."),
    click.option(
        "--experiment", default="", metavar="NAME", help="The experiment's name [default: the job's or folder's]."
    ),
    click.option("--name", default="", metavar="NAME", help="A name for the run."),
    click.option("--in-place", is_flag=True, help="Work in the source folder itself, without a snapshot."),
    click.option("--no-snapshot-limit", is_flag=True, help="Take a source folder of any size."),
    click.option(
        *("-o", "--outputs", "outputs_directory"),
        default="",
        metavar="DIR",
        help="Copy the outputs to this folder as well.",
    ),
    click.option(
        "--task-index",
        type=click.Choice(["local", "global", "node"]),
        default="local",
        metavar="KIND",
        help="What AZ_BATCHAI_TASK_INDEX holds: local, global or node [default: local].",
    ),
    *CONTAINER_OPTIONS,
)
"""What `run` and `plan` both take; defaults stand in brackets."""


NEVER_EMPTY = {
    "environment": "-E",
    "command": "--command",
    "source_directory": "--source",
    "run_config": "--run-config",
    "bootstrap": "--bootstrap",
    "outputs_directory": "-o",
    "name": "--name",
    "experiment": "--experiment",
}
"""For options that something else takes the place of when they are not given, what they are called."""


def take_options(function: F) -> F:
    """Give a command all of them."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


def take_flags(given: dict[str, Any]) -> Flags:
    """Give the options as values; what was not given has its default there.

    Raises:
        BadInput: one is given and empty, as of a shell's variable that is not set, and would not be heeded.
    """
    context = click.get_current_context(silent=True)
    for name, flag in NEVER_EMPTY.items():
        if given.get(name) == "" and context and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise BadInput("it is given, but empty", key=flag, hint=f"give {flag} a value, or leave it out")
    others, container = split_container(given)
    return Flags(container=container, **{name: item for name, item in others.items() if item is not None})
