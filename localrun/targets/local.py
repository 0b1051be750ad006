"""The local target: a node is a folder and its ranks' process groups on this machine."""

from __future__ import annotations

import os

from localrun.errors import BadInput
from localrun.plan import MASTER_PORT, RUN_FOLDER, RUN_ID, SourcePlan
from localrun.supervise.process import Process
from localrun.supervise.room import keep_room
from localrun.values import replace, value
from localrun.workspace.home import failed
from localrun.workspace.place import is_plain, make_place, remove_place
from localrun.workspace.snapshot import MOST_SCRIPT_BYTES, SCRIPTS, copy_entries, list_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from localrun.plan import Artifact, InputPlan, Plan
    from localrun.workspace.snapshot import Entry

SEED_MARKER = "/tmp/.azureml_bootstrap_complete"  # noqa: S108 - the literal path that scripts use, never opened by us
"""The marker of the bootstrap idiom in Azure ML's documentation. On a cluster each node has a /tmp of its own; here the
shell scripts of a run get a marker of their own run and node in its place."""
FOREIGN = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "CONDA_SHLVL")
"""Variables of the caller's own Python that would leak into an environment that localrun made."""
FOLDERS = ("snapshot", "user_logs", "named-outputs")
"""What every run's folder holds from the start."""
SHARED = ("outputs", "logs")
"""Folders of the working directory that belong to the record, whichever node writes there."""


@value
class Ready:
    """A run whose folder is complete: what is to be started in it.

    Attributes:
        processes: One a rank, ordered by rank.
        bootstraps: One for each node that has a bootstrap script to run.
        notes: What came up on the way, one line each.
    """

    processes: tuple[Process, ...]
    bootstraps: tuple[Process, ...] = ()
    notes: tuple[str, ...] = ()


def prepare(
    plan: Plan, artifact: Artifact, *, run_id: str, folder: str, home: str, port: int, environ: Mapping[str, str]
) -> Ready:
    """Fill a run's folder: snapshot, working directories, inputs, outputs; and say what is to be started in it.

    Args:
        plan: The plan.
        artifact: Its environment.
        run_id: The run's id.
        folder: The run's folder, empty.
        home: The workspace.
        port: The port of rank 0; 0 when the plan needs none.
        environ: The caller's environment.

    Raises:
        BadInput: the source cannot be copied.
        StoreFailed: there is no room.
    """
    check_marker(plan)
    entries = () if plan.source.in_place else list_source(plan.source, home=home)
    tokens = {RUN_ID: run_id, RUN_FOLDER: folder, MASTER_PORT: str(port)}
    try:
        return _fill_folder(plan, artifact, entries, folder, tokens, environ)
    except OSError as error:
        remove_place(folder)
        raise failed(error, error.filename or folder) from error
    except BaseException:
        remove_place(folder)
        raise


def _fill_folder(
    plan: Plan,
    artifact: Artifact,
    entries: tuple[Entry, ...],
    folder: str,
    tokens: Mapping[str, str],
    environ: Mapping[str, str],
) -> Ready:
    keep_room(folder)
    for name in FOLDERS:
        os.mkdir(os.path.join(folder, name), 0o700)
    root = os.path.dirname(plan.source.file) if plan.source.file else plan.source.directory
    copy_entries(root, entries, os.path.join(folder, "snapshot"))
    _place_assets(plan, folder)
    place = _find_place(plan, entries, folder)
    processes: list[Process] = []
    bootstraps: list[Process] = []
    for node in range(plan.nodes):
        marker = locate_marker(place, node)
        directory = _make_node(plan, entries, folder, node, marker)
        here = tokens if plan.source.in_place else {**tokens, SEED_MARKER: marker}
        made = _prepare_node(plan, artifact, node, directory, folder, here, environ)
        processes += made
        if plan.bootstrap:
            script = plan.bootstrap if os.path.isabs(plan.bootstrap) else os.path.join(directory, plan.bootstrap)
            bootstraps.append(replace(made[0], argv=("bash", "-e", "-o", "pipefail", script)))
    return Ready(
        processes=tuple(processes),
        bootstraps=tuple(bootstraps),
        notes=_note_skipped(entries),
    )


def _note_skipped(entries: tuple[Entry, ...]) -> tuple[str, ...]:
    skipped = [entry.path for entry in entries if entry.kind == "skipped"]
    if not skipped:
        return ()
    more = f" and {len(skipped) - 3} more" if len(skipped) > 3 else ""  # noqa: PLR2004 - three examples are enough
    return (f"not in the snapshot, being neither files nor folders: {', '.join(skipped[:3])}{more}",)


def check_marker(plan: Plan) -> None:
    """Refuse a run in place whose bootstrap script would take an old marker for this run's.

    Raises:
        BadInput: the marker is there, and the command or a shell script in the source folder looks for it.
    """
    if not plan.source.in_place or not os.path.lexists(SEED_MARKER):
        return
    waiting = "the command" if any(SEED_MARKER in part for part in plan.argv) else _find_waiting(plan.source.directory)
    if waiting:
        hint = f"remove {SEED_MARKER}, or run without --in-place: then each run has a marker of its own"
        raise BadInput(f"{waiting} waits for {SEED_MARKER}, which an earlier run left behind", hint=hint)


def _find_waiting(directory: str) -> str:
    """Give the name of a shell script in a folder that looks for the marker, or nothing."""
    try:
        with os.scandir(directory) as entries:
            scripts = [entry for entry in entries if entry.name.endswith(SCRIPTS) and entry.is_file()]
        return next((entry.name for entry in scripts if _holds_marker(entry.path)), "")
    except OSError as error:
        message = f"{error.filename} of the source cannot be read: {error.strerror}"
        raise BadInput(message, hint="make it readable") from error


def _holds_marker(path: str) -> bool:
    with open(path, "rb") as file:
        return SEED_MARKER.encode() in file.read(MOST_SCRIPT_BYTES)


def _find_place(plan: Plan, entries: tuple[Entry, ...], folder: str) -> str:
    """Give the folder for the nodes' markers, which scripts use without quotes: the run's, or one outside of it."""
    if is_plain(folder) or plan.source.in_place:
        return folder
    used = any(SEED_MARKER in part for part in plan.argv) or any(entry.path.endswith(SCRIPTS) for entry in entries)
    return make_place(folder) if used else folder


def _make_node(plan: Plan, entries: tuple[Entry, ...], folder: str, node: int, marker: str) -> str:
    """Make a node's working directory and give its path."""
    if plan.source.in_place:
        directory = plan.source.directory
    else:
        directory = os.path.join(folder, "wd") if node == 0 else os.path.join(folder, f"node-{node}", "wd")
        os.makedirs(directory)
        kept = [entry for entry in entries if node == 0 or entry.path.partition("/")[0] not in SHARED]
        copy_entries(
            os.path.join(folder, "snapshot"), tuple(kept), directory, (SEED_MARKER.encode(), os.fsencode(marker))
        )
    os.makedirs(os.path.join(folder, f"node-{node}"), exist_ok=True)
    for name in SHARED:
        place = os.path.join(directory, name)
        if node == 0:
            os.makedirs(place, exist_ok=True)
            os.symlink(place, os.path.join(folder, name))
        elif not plan.source.in_place:
            os.symlink(os.path.join(folder, name), place)
    if not plan.source.in_place and not os.path.lexists(os.path.join(directory, "user_logs")):
        os.symlink(os.path.join(folder, "user_logs"), os.path.join(directory, "user_logs"))
    return directory


def locate_marker(place: str, node: int) -> str:
    """Give the path of a node's own bootstrap marker in the folder for markers."""
    return os.path.join(place, f"node-{node}-bootstrap_complete")


def _prepare_node(
    plan: Plan,
    artifact: Artifact,
    node: int,
    directory: str,
    folder: str,
    tokens: Mapping[str, str],
    environ: Mapping[str, str],
) -> list[Process]:
    path = artifact.path
    python = artifact.python
    if plan.overlay and artifact.python:
        from localrun.targets.overlay import make_overlay

        programs = make_overlay(artifact, os.path.join(folder, f"node-{node}", "python"))
        path = (programs, *path)
        python = os.path.join(programs, "python")
    argv = tuple(_fill(part, tokens) for part in plan.argv)
    if argv[0] == "python":
        argv = (python, *argv[1:])
    shared = _gather_variables(plan, artifact, tokens, environ)
    shared["PATH"] = ":".join((*path, shared.get("PATH", os.defpath)))
    shared["PWD"] = shared["AZUREML_CR_EXECUTION_WORKING_DIR_PATH"] = directory
    if path is not artifact.path:
        shared["VIRTUAL_ENV"] = os.path.dirname(path[0])
    return [
        Process(
            rank=rank.rank,
            node=node,
            argv=argv,
            variables=tuple({**shared, **{name: _fill(text, tokens) for name, text in rank.variables}}.items()),
            directory=directory,
            log=os.path.join(folder, "user_logs", rank.log),
        )
        for rank in plan.ranks
        if rank.node == node
    ]


def _gather_variables(
    plan: Plan, artifact: Artifact, tokens: Mapping[str, str], environ: Mapping[str, str]
) -> dict[str, str]:
    foreign = FOREIGN if artifact.kind == "conda" else ()
    kept = {name: text for name, text in environ.items() if name not in plan.own and name not in foreign}
    variables = {**dict(plan.fallbacks), **kept, **dict(artifact.variables)}
    if artifact.prefix:
        variables["AZUREML_CONDA_ENVIRONMENT_PATH"] = artifact.prefix
    variables.update((name, _fill(text, tokens)) for name, text in plan.variables)
    variables.update((name, environ[name]) for name in plan.inherited if name in environ)
    return variables


def _place_assets(plan: Plan, folder: str) -> None:
    for output in plan.outputs:
        if not output.is_file:
            os.mkdir(os.path.join(folder, output.path))
    for item in plan.inputs:
        if item.copied:
            copy_input(item, os.path.join(folder, "inputs", item.name))


def copy_input(item: InputPlan, target: str) -> None:
    """Copy an input of mode `download` into a new folder of the run's own.

    Raises:
        BadInput: a part of it cannot be read.
        StoreFailed: there is no room.
    """
    os.makedirs(target)
    if os.path.isdir(item.path):
        source = SourcePlan(directory=item.path, limited=False, ignoring=False)
    else:
        source = SourcePlan(file=item.path, limited=False)
    root = item.path if source.directory else os.path.dirname(item.path)
    copy_entries(root, list_source(source), target)


def _fill(text: str, tokens: Mapping[str, str]) -> str:
    if "{localrun:" in text or SEED_MARKER in text:
        for token, known in tokens.items():
            text = text.replace(token, known)
    return text
