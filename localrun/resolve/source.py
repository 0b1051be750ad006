"""The source of a run: its folder, and the script in it."""

from __future__ import annotations

import os
import shlex

from localrun.errors import BadInput, NotRunnable
from localrun.plan import SourcePlan
from localrun.resolve.refusal import refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.resolve.facts import HostFacts
    from localrun.spec import RunSpec

OTHER_FILES = {
    ".sh": ("a shell script", "run it with --command 'bash {}'"),
    ".bash": ("a shell script", "run it with --command 'bash {}'"),
    ".ipynb": ("a notebook", "turn it into a script first: jupyter nbconvert --to script {}"),
    ".r": ("an R script", "run it with --command 'Rscript {}'"),
    ".json": ("a JSON file", "name a Python script or a job.yml"),
    ".toml": ("a TOML file", "name a Python script or a job.yml"),
    ".txt": ("a text file", "name a Python script; -E takes a requirements.txt"),
}
"""What people give in place of a script, and what they want then."""


def plan_source(spec: RunSpec, facts: HostFacts) -> SourcePlan:
    """Plan where the run's files come from.

    Raises:
        BadInput: the source folder is not there or is no folder, or the script lies outside it or is none.
        NotRunnable: the script is not there.
    """
    kinds = dict(facts.paths)
    kind = kinds.get(spec.source_directory, "missing") if spec.source_directory else "folder"
    if spec.script:
        check_script(spec, kinds.get(spec.script, "missing"), facts.script_near)
    if kind != "folder":
        message = f"there is {'no folder' if kind == 'missing' else 'a file, not a folder:'} {spec.source_directory}"
        hint = "check the path of the source folder"
        raise refuse(spec, message, key="code", flag="--source", hint=hint)
    if spec.script:
        check_inside(spec, facts.script_outside)
    return SourcePlan(
        directory=spec.source_directory,
        file=spec.source_file,
        in_place=spec.in_place,
        limited=spec.snapshot_limited,
        leave_out=spec.outputs_directory,
    )


def check_script(spec: RunSpec, kind: str, near: str) -> None:
    """Refuse what Python cannot run as a script.

    Args:
        spec: The run configuration.
        kind: What stands at the script's path.
        near: A path that is spelt much like a missing script's; empty when there is none.

    Raises:
        BadInput: it is a file of another kind.
        NotRunnable: it is not there, or no file.
    """
    if kind == "missing":
        hint = f"did you mean {near}?" if near else "check the path of the script"
        raise NotRunnable(f"there is no script {spec.script}", hint=hint)
    if kind != "file":
        raise NotRunnable(f"{spec.script} is neither a file nor a folder", hint="name a Python file", exit_code=126)
    ending = os.path.splitext(spec.script)[1].lower()
    if ending in OTHER_FILES:
        what, hint = OTHER_FILES[ending]
        name = shlex.quote(os.path.basename(spec.script))
        raise BadInput(f"{spec.script} is {what}, not a Python script", hint=hint.format(name))


def check_inside(spec: RunSpec, goal: str) -> None:
    """Refuse a script that the snapshot of the source folder would not hold.

    Raises:
        BadInput: it lies outside, or is a link to a place outside.
    """
    folder = spec.source_directory.rstrip(os.sep) + os.sep
    if not spec.script.startswith(folder):
        message = f"the script {spec.script} lies outside the source folder {spec.source_directory}"
        raise BadInput(message, hint="move it inside, or name a source folder that holds both with --source")
    if goal and not spec.in_place:
        message = f"the script {spec.script} is a link to {goal}, which lies outside the source folder"
        raise BadInput(message, hint=f"name the script itself: localrun run {shlex.quote(goal)}, or use --in-place")
