"""`localrun rerun`: an earlier run once more, from what its record keeps."""

from __future__ import annotations

import os
import time

import click

from localrun.cli.show import tell
from localrun.cli.start import finish, make_host, tell_plan
from localrun.cli.warm import Manner
from localrun.cli.workspace import find_runs, open_workspace
from localrun.environments.settings import BuildSettings
from localrun.errors import BadInput, RunNotFound
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from localrun.environments.settings import Progress
    from localrun.plan import Artifact, EnvironmentPlan, Plan
    from localrun.workspace.run_files import Record


@click.command()
@click.option("-e", "--env", "variables", multiple=True, metavar="K[=V]", help="Change a variable.")
@click.option("-t", "--target", type=click.Choice(["local", "docker"]), metavar="TARGET", help="local or docker.")
@click.option("--nodes", type=int, metavar="N", help="How many nodes [default: as before].")
@click.option(
    "-n", "--procs-per-node", "processes", type=int, metavar="N", help="Ranks on each node [default: as before]."
)
@click.option("--allow-changed-inputs", is_flag=True, help="Run although an input is not what it was.")
@click.option("--name", default="", metavar="NAME", help="A name for the new run.")
@click.option("-o", "--outputs", default="", metavar="DIR", help="Copy the outputs to this folder as well.")
@click.option("-d", "--detach", is_flag=True, help="Return as soon as the run has started; print its id.")
@click.option("--offline", is_flag=True, help="Make the environment from caches and local files only.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", metavar="FORM", help="As for run."
)
@click.argument("run")
def rerun(*, run: str, detach: bool, offline: bool, quiet: bool, form: str, **given: Any) -> int:
    """Run RUN once more: its snapshot, the versions of its environment, its image, variables, arguments and inputs.

    What cannot be the same is said before. An input that is not what it was is an error.
    """
    from localrun import runner
    from localrun.cli.progress import show_progress

    home = open_workspace()
    (run_id,) = find_runs(home, (run,))
    began = time.monotonic()
    plan, record = read_run(home, run_id)
    if not given["allow_changed_inputs"]:
        check_inputs(plan, record)
    plan = _change(home, plan, given)
    _check_secrets(plan, home)
    _check_withheld(plan)
    manner = Manner(quiet=quiet, detached=detach, as_json=form == "json")
    for note in () if quiet else tell_differences(plan, record):
        tell(f"note: {note}")
    resolved = time.monotonic()
    holds = None
    with show_progress(quiet=quiet) as report:
        while holds is None:
            environment, artifact = _materialize(plan, record, home, BuildSettings(offline=offline), report)
            plan = replace(plan, environment=environment)
            holds = runner.hold_artifact(plan, artifact, home)
    tell_plan(plan, manner)
    timings = (("resolve", resolved - began), ("materialize", time.monotonic() - resolved))
    return finish(runner.run_plan(plan, artifact, make_host(home, manner), holds, timings), manner)


def read_run(home: str, run_id: str) -> tuple[Plan, Record]:
    """Give the plan of a run, its source being its snapshot, and its record.

    Raises:
        RunNotFound: it still runs, or kept no snapshot.
        StoreFailed: its record cannot be read.
    """
    from localrun.formats.recorded_plan import read_recorded_plan
    from localrun.workspace.home import folder_of
    from localrun.workspace.records import read_supported
    from localrun.workspace.snapshot_store import read_reference

    record = read_supported(home, run_id)
    if record.get("status") == "running":
        raise RunNotFound(f"run {run_id} is running", hint=f"localrun wait {run_id}", code="run_live")
    folder = folder_of(home, run_id)
    if record.get("status") == "missing":
        message = f"the folder of run {run_id} is gone, and its snapshot with it: {folder}"
        raise RunNotFound(message, hint="run it again with localrun run", code="no_snapshot")
    plan = read_recorded_plan(record.get("plan"), where=os.path.join(folder, "run.json"))
    snapshot = read_reference(folder)
    if not snapshot:
        hint = "run it again with localrun run"
        why = "it worked in its source folder itself" if plan.source.in_place else "its snapshot is gone"
        raise RunNotFound(f"run {run_id} cannot be run again: {why}", hint=hint, code="no_snapshot")
    notes = (f"run {run_id} once more",)
    source = replace(plan.source, snapshot=snapshot, limited=False)
    own = {"name": "", "display_name": "" if plan.display_name == plan.name else plan.display_name}
    return replace(
        plan, source=source, notes=notes, outputs_directory="", terminal_rank=-1, terminal=False, **own
    ), record


def check_inputs(plan: Plan, record: Record) -> None:
    """Refuse inputs that are not what they were.

    Raises:
        BadInput: one has changed, or nobody can tell.
    """
    from localrun.workspace.input_hashes import find_change

    known = record.get("inputs") or {}
    paths = {item.name: item.path for item in plan.inputs}
    if os.path.isabs(plan.bootstrap):
        paths["bootstrap script"] = plan.bootstrap
    for name, path in paths.items():
        why = find_change(path, known.get(name))
        if why:
            hint = "put back what it was, or run with --allow-changed-inputs"
            raise BadInput(f"the input {path} is not what the run had: {why}", key=name, hint=hint)


def _change(home: str, plan: Plan, given: dict[str, Any]) -> Plan:
    from localrun.resolve.again import set_name, set_ranks, set_variables

    if given["name"]:
        plan = set_name(plan, given["name"])
    if given["target"] and given["target"] != plan.target:
        plan = _change_target(home, plan, given["target"])
    if given["nodes"] is not None or given["processes"] is not None:
        plan = set_ranks(plan, nodes=given["nodes"], processes=given["processes"])
    if given["variables"]:
        plan = set_variables(plan, given["variables"])
    return replace(plan, outputs_directory=os.path.abspath(given["outputs"])) if given["outputs"] else plan


def _change_target(home: str, plan: Plan, target: str) -> Plan:
    from localrun.adapters.files import Reading
    from localrun.adapters.host import probe_host
    from localrun.catalogue.lookup import find_registered
    from localrun.formats.v1_environment import spec_of_document
    from localrun.resolve import plan_environment
    from localrun.resolve.again import set_target
    from localrun.spec import RunSpec

    name = plan.environment.registered
    document = find_registered(home, name) if name else None
    if document is None:
        message = "the environment of the run is not registered, so that nobody knows what it is on another target"
        raise BadInput(message, key="-t", hint="run its source again with localrun run -t")
    asked = replace(spec_of_document(document), registered=name)
    if asked.python and plan.environment.conda:  # a document without a Python is read as if it had one
        asked = replace(asked, python=replace(asked.python, conda=plan.environment.conda, as_of=plan.environment.as_of))
    spec = RunSpec(command="-", environment=asked, target=target, nodes=plan.nodes)
    facts = probe_host(spec, os.environ, Reading())
    environment = replace(plan_environment(spec, facts, target), registered=name, label=plan.environment.label)
    return set_target(plan, spec, environment, facts)


def _check_secrets(plan: Plan, home: str) -> None:
    if plan.secrets:
        from localrun.secrets.launch import check_secrets

        check_secrets(plan, home, os.environ)


def _check_withheld(plan: Plan) -> None:
    known = {*os.environ, *dict(plan.variables)}
    missing = [name for name in plan.withheld if name not in known]
    if missing:
        message = f"the value of {', '.join(missing)} was a secret in plain text, which no record keeps"
        hint = f"give it again: -e {missing[0]}, with the value in that variable of your shell"
        raise BadInput(message, key=missing[0], hint=hint)


def tell_differences(plan: Plan, record: Record) -> list[str]:
    """Give what cannot be the same as in the earlier run, one line each."""
    environment = plan.environment
    secrets = dict(plan.secrets)
    lines = [f"the value of the secret {name} is today's" for name in secrets.values()]
    lines += [f"the value of {name} is this shell's" for name in plan.inherited if name not in secrets]
    if environment.kind == "interpreter":
        lines.append(f"the packages of {environment.interpreter} are not localrun's: they are what they are now")
    elif environment.name and not os.path.exists(os.path.join(str(record.get("folder")), "versions.json")):
        lines.append("the versions of its environment were not kept: those of the cache are used")
    image = environment.image
    if image and image.base and "@sha256:" not in image.base and not (record.get("artifact") or {}).get("image"):
        lines.append(f"the base image {image.base} is what its name stands for now")
    lines.append("times, process ids, ports and the run's id are new")
    return lines


def _materialize(
    plan: Plan, record: Record, home: str, settings: BuildSettings, report: Callable[[Progress], None]
) -> tuple[EnvironmentPlan, Artifact]:
    from localrun.environments.recorded import materialize_recorded

    pinned = environment = plan.environment
    if environment.kind == "image" and (record.get("plan") or {}).get("target") == "docker":
        from localrun.environments.recorded import find_recorded_base, find_recorded_image

        found = find_recorded_image(record.get("artifact"))
        if found is not None:
            return environment, found
        moved = "made again" if environment.image and environment.image.fingerprint else "fetched again"
        tell(f"note: the image of the run is gone from the engine, and is {moved}")
        pinned, line = find_recorded_base(environment)
        if line:
            tell(f"note: {line}")
    folder = str(record.get("folder") or "")
    settled, artifact = materialize_recorded(pinned, folder, home=home, settings=settings, report=report)
    return environment if environment.kind == "image" else settled, artifact
