"""`localrun run` and `localrun plan`."""

from __future__ import annotations

import os
from functools import partial

import click

from localrun.adapters.files import Reading
from localrun.cli.request import read_request
from localrun.cli.run_options import take_flags, take_options
from localrun.cli.start import finish, make_host, tell_plan
from localrun.cli.warm import Manner, describe_call, keep_warm
from localrun.environments.settings import BuildSettings
from localrun.workspace.home import open_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from localrun.plan import Artifact, Plan

PLAN_FORM = "text or json: an object with the plan's fields, environment.fingerprint among them [default: text]."


@click.command(context_settings={"allow_interspersed_args": False, "help_option_names": ["-h", "--help"]})
@take_options
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
    help="text or json: the record at the end; output goes to stderr [default: text].",
)
def run(*, detach: bool, offline: bool, quiet: bool, unmasked: bool, form: str, **given: Any) -> int:
    """Run SOURCE: a script with ARGUMENTS, a job file or a folder with a job.yml, or a run configuration of v1.

    Options stand before SOURCE; what stands behind a script belongs to the script.

    \b
      localrun run train.py --epochs 3
      localrun run -n 4 -E environment.yml train.py
      localrun run --set inputs.epochs=3 -o results job.yml
      localrun run --run-config train project
      localrun run --command "echo $RANK"
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

    progress = partial(show_progress, quiet=quiet)
    settings = BuildSettings(offline=offline)
    record = runner.run(spec, facts, make_host(home, manner), settings, progress, remember)
    return finish(record, manner)


@click.command(context_settings={"allow_interspersed_args": False, "help_option_names": ["-h", "--help"]})
@take_options
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

    return explain(resolved.environment, home=home)[1]
