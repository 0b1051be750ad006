"""`localrun run` and `localrun plan`."""

from __future__ import annotations

import os

import click
from click.core import ParameterSource

from localrun.adapters.files import Reading
from localrun.cli.container_options import OPTIONS as CONTAINER_OPTIONS
from localrun.cli.container_options import split_container
from localrun.cli.flags import Flags
from localrun.cli.request import read_request
from localrun.cli.start import finish, make_host, tell_plan
from localrun.cli.warm import Manner, describe_call, keep_warm
from localrun.environments.settings import BuildSettings
from localrun.errors import BadInput
from localrun.workspace.home import open_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from localrun.plan import Artifact, Plan

    F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = (
    click.argument("source", required=False, default=""),
    click.argument("arguments", nargs=-1, type=click.UNPROCESSED),
    click.option("--command", default="", metavar="TEXT", help="Run this bash command instead of a SOURCE."),
    click.option(
        *("--source", "source_directory"), default="", metavar="DIR", help="The source folder [SOURCE's, or this one]."
    ),
    click.option(
        *("-E", "--environment"),
        default="",
        metavar="REF",
        help="environment.yml, requirements.txt, image:NAME, interpreter:PATH [the job's, or this shell's Python].",
    ),
    click.option("--as-of", default="", metavar="DATE", help="Solve the environment with the packages of that day."),
    click.option(
        *("-t", "--target"),
        type=click.Choice(["local", "docker"]),
        metavar="TARGET",
        help="local or docker [what the environment needs].",
    ),
    click.option("--nodes", type=int, metavar="N", help="How many nodes [the job's, or 1]."),
    click.option(
        *("-n", "--procs-per-node", "processes"), type=int, metavar="N", help="Ranks on each node [the job's, or 1]."
    ),
    click.option(
        "--distribution",
        type=click.Choice(["pytorch", "mpi", "tensorflow", "none"]),
        metavar="KIND",
        help="pytorch, mpi, tensorflow or none [the job's, or pytorch for several ranks].",
    ),
    click.option(
        *("-e", "--env", "variables"), multiple=True, metavar="K[=V]", help="Set a variable, or pass on this shell's."
    ),
    click.option("--env-file", "variable_files", multiple=True, metavar="FILE", help="Read variables from a file."),
    click.option(
        "--secret",
        "secrets",
        multiple=True,
        metavar="NAME[=VAR]",
        help="Put a secret of `localrun secret` into a variable [its name].",
    ),
    click.option("--no-shim", is_flag=True, help="Leave `azureml.core` and its `Run` in scripts as they are."),
    click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Change a key of the job file."),
    click.option(
        "--run-config", default="", metavar="NAME", help="Run this v1 run configuration of the project folder SOURCE."
    ),
    click.option(
        "--bootstrap", default="", metavar="FILE", help="Run this bash script first, once on each node; the ranks wait."
    ),
    click.option(
        *("--barrier-timeout", "barrier_timeout_s"), type=float, metavar="S", help="How long they wait for it [1800]."
    ),
    click.option("--timeout", "timeout_s", type=float, metavar="S", help="End the run after S seconds (exit 124)."),
    click.option(
        *("--stop-timeout", "stop_timeout_s"), type=float, metavar="S", help="From the first signal to SIGKILL [10]."
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
        help="When a rank fails, stop the others, let them continue, or hold them to be looked at [stop].",
    ),
    click.option(*("-i", "--interactive"), is_flag=True, help="One rank reads this standard input."),
    click.option(
        *("-it", "-ti", "--tty", "terminal"), is_flag=True, help="One rank has this terminal: breakpoint() works."
    ),
    click.option("--debug", is_flag=True, help="One rank waits for a debugger."),
    click.option("--rank", type=click.IntRange(min=0), metavar="K", help="Which rank that is [0]."),
    click.option("--timestamps", is_flag=True, help="Show when each line was printed."),
    click.option("--stats", "sample_usage", is_flag=True, help="Write down what the ranks use while they run."),
    click.option("--experiment", default="", metavar="NAME", help="The experiment's name [the job's or folder's]."),
    click.option("--name", default="", metavar="NAME", help="A name for the run."),
    click.option("--in-place", is_flag=True, help="Work in the source folder itself, without a snapshot."),
    click.option("--no-snapshot-limit", is_flag=True, help="Take a source folder of any size."),
    click.option(
        *("-o", "--outputs", "outputs_directory"),
        default="",
        metavar="DIR",
        help="Copy the outputs there, too.",
    ),
    click.option(
        "--task-index",
        type=click.Choice(["local", "global", "node"]),
        default="local",
        metavar="KIND",
        help="What AZ_BATCHAI_TASK_INDEX holds: local, global or node [local].",
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
}
"""For options that something else takes the place of when they are not given, what they are called."""
PLAN_FORM = "text or json: an object with the plan's fields, environment.fingerprint among them [text]."


def _take_options(function: F) -> F:
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


@click.command(context_settings={"allow_interspersed_args": False, "help_option_names": ["-h", "--help"]})
@_take_options
@click.option("-d", "--detach", is_flag=True, help="Return as soon as the run has started; print its id.")
@click.option("--offline", is_flag=True, help="Make environments from caches and local files only.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@click.option("--no-mask", "unmasked", is_flag=True, help="Show secrets on the terminal as printed; logs hide them.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    metavar="FORM",
    help="text or json: the record at the end; output goes to stderr [text].",
)
def run(*, detach: bool, offline: bool, quiet: bool, unmasked: bool, form: str, **given: Any) -> int:
    """Run SOURCE: a Python script with ARGUMENTS, a job file, or a folder that holds a job.yml.

    Options stand before SOURCE; what stands behind a script belongs to the script.

    \b
      localrun run train.py --epochs 3
      localrun run -n 4 -E environment.yml train.py
      localrun run --set inputs.epochs=3 -o results job.yml
    """  # noqa: D301 - the backspace tells click to keep the lines
    from localrun import runner
    from localrun.adapters.host import probe_host
    from localrun.cli.progress import show_progress

    home = open_home(os.environ)
    arguments: tuple[str, ...] = click.get_current_context().obj[1:]
    reading = Reading()
    spec = read_request(take_flags(given), reading)
    facts = probe_host(spec, os.environ, reading)
    manner = Manner(quiet=quiet, detached=detach, as_json=form == "json", unmasked=unmasked)

    def remember(plan: Plan, artifact: Artifact) -> None:
        tell_plan(plan, manner)
        if not facts.hashes and not plan.withheld:
            keep_warm(home, describe_call(arguments, os.environ), reading, (plan, artifact, manner))

    with show_progress(quiet=quiet) as report:
        settings = BuildSettings(offline=offline)
        record = runner.run(spec, facts, make_host(home, manner), settings, report, remember)
    return finish(record, manner)


@click.command(context_settings={"allow_interspersed_args": False, "help_option_names": ["-h", "--help"]})
@_take_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", metavar="FORM", help=PLAN_FORM)
@click.option("--explain", is_flag=True, help="Say of each cache what it has, and what differs from the nearest.")
def plan(*, form: str, explain: bool, **given: Any) -> int:
    """Show what `localrun run` with the same options would run; nothing is run or made.

    As JSON: `target`, `experiment`, `environment` (`kind`, `name`, `fingerprint`, `conda`, `pip`, `channels`,
    `interpreter`, ...), `source`, `argv`, `variables`, `inherited`, `ranks` (with `rank`, `node`, `variables`),
    `inputs`, `outputs`, `bootstrap`, `timeout_s`, `tags`, `notes`; `cached` tells whether the environment is there,
    `prefix` where it is or will be, `reasons` where an image comes from. On the docker target `environment.image` is
    the image and `container` what the containers are like. With --explain: only `caches`, a list of objects with
    `cache`, `entry`, `hit`, `reason`, `nearest` and `differences`.
    """
    from localrun.adapters.host import probe_host
    from localrun.cli.show_plan import print_plan
    from localrun.environments import find
    from localrun.resolve import resolve
    from localrun.resolve.credentials import hide_in_plan, withhold
    from localrun.workspace.snapshot import list_source

    home = open_home(os.environ)
    reading = Reading()
    spec = read_request(take_flags(given), reading)
    resolved = resolve(spec, probe_host(spec, os.environ, reading))
    if not resolved.source.in_place:
        list_source(resolved.source, home=home)  # what `run` would refuse
    if explain:
        from localrun.cli.explain import explain_plan, print_explanations

        print_explanations(explain_plan(resolved, home), as_json=form == "json")
        return 0
    found = find(resolved.environment, home=home)
    shown = withhold(hide_in_plan(resolved))
    print_plan(shown, found, home, as_json=form == "json", reasons=_explain(resolved, home))
    return 0


def _explain(resolved: Plan, home: str) -> tuple[str, ...]:
    if resolved.environment.kind != "image":
        return ()
    from localrun.environments.image import explain

    return explain(resolved.environment, home=home)
