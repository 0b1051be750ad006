"""The local target: a node is a folder and its ranks' process groups on this machine."""

from __future__ import annotations

import os

from localrun import shim
from localrun.adapters.spawn import find_program
from localrun.errors import BadInput
from localrun.plan import RUN_FOLDER, RUN_ID, count_ports, name_ports
from localrun.supervise.process import Process
from localrun.targets.ready import Ready, fill_or_remove
from localrun.targets.working import fill_tokens, make_node, note_skipped, place_snapshot
from localrun.values import replace
from localrun.workspace.place import is_plain, make_place
from localrun.workspace.snapshot import MOST_SCRIPT_BYTES, SCRIPTS, list_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from localrun.plan import Artifact, Plan, RankPlan
    from localrun.workspace.snapshot_store import Entry

SEED_MARKER = "/tmp/.azureml_bootstrap_complete"  # noqa: S108 - the literal path that scripts use, never opened by us
"""The marker of the bootstrap idiom in Azure ML's documentation. On a cluster each node has a /tmp of its own; here the
shell scripts of a run get a marker of their own run and node in its place."""
FOREIGN = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "CONDA_SHLVL")
"""Variables of the caller's own Python that would leak into an environment that localrun made."""
IN_A_RANK = "AZUREML_PROCESS_NAME"
"""A caller that has this variable is a rank of another run, of localrun's or of Azure ML's."""


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
    tokens = {RUN_ID: run_id, RUN_FOLDER: folder, **name_ports(port, count_ports(plan))}
    return fill_or_remove(folder, lambda: _fill_folder(plan, artifact, entries, folder, tokens, environ, home))


def _fill_folder(
    plan: Plan,
    artifact: Artifact,
    entries: tuple[Entry, ...],
    folder: str,
    tokens: Mapping[str, str],
    environ: Mapping[str, str],
    home: str,
) -> Ready:
    kept = place_snapshot(plan, entries, folder, home)
    place = _find_place(plan, entries, folder)
    processes: list[Process] = []
    bootstraps: list[Process] = []
    for node in range(plan.nodes):
        marker = locate_marker(place, node)
        directory = make_node(plan, entries, folder, node, (SEED_MARKER.encode(), os.fsencode(marker)), kept)
        here = tokens if plan.source.in_place else {**tokens, SEED_MARKER: marker}
        made = _prepare_node(plan, artifact, node, directory, folder, here, environ)
        processes += made
        if plan.bootstrap:
            script = plan.bootstrap if os.path.isabs(plan.bootstrap) else os.path.join(directory, plan.bootstrap)
            bootstraps.append(replace(made[0], argv=("bash", "-e", "-o", "pipefail", script)))
    return Ready(
        processes=tuple(processes),
        bootstraps=tuple(bootstraps),
        notes=note_skipped(entries),
    )


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
    python, programs = artifact.python, ""
    if plan.overlay and artifact.python:
        from localrun.targets.overlay import make_overlay

        programs = make_overlay(artifact, os.path.join(folder, f"node-{node}", "python"))
        python = os.path.join(programs, "python")
    argv = tuple(fill_tokens(part, tokens) for part in plan.argv)
    if argv[0] == "python":
        argv = (python, *argv[1:])
    shared = gather_variables(plan, artifact, directory, programs, tokens, environ)
    return [
        Process(
            rank=rank.rank,
            node=node,
            argv=argv,
            variables=add_own(shared, rank, tokens),
            directory=directory,
            log=os.path.join(folder, "user_logs", rank.log),
        )
        for rank in plan.ranks
        if rank.node == node
    ]


def gather_variables(
    plan: Plan,
    artifact: Artifact,
    directory: str,
    programs: str,
    tokens: Mapping[str, str],
    environ: Mapping[str, str],
) -> dict[str, str]:
    """Give the environment variables that all ranks of a node have.

    Args:
        plan: The plan.
        artifact: Its environment.
        directory: The working directory of the node.
        programs: Where the node's own Python and its programs are; empty when it has none.
        tokens: What the tokens of `localrun.plan` stand for.
        environ: The caller's environment.
    """
    foreign = FOREIGN if artifact.kind == "conda" else ()
    if IN_A_RANK in environ:
        from localrun.distributions import TOLD

        foreign = (*foreign, *TOLD)
    kept = {name: text for name, text in environ.items() if name not in plan.own and name not in foreign}
    variables = {**dict(plan.fallbacks), **kept, **dict(artifact.variables)}
    if artifact.prefix:
        variables["AZUREML_CONDA_ENVIRONMENT_PATH"] = artifact.prefix
    variables.update((name, fill_tokens(text, tokens)) for name, text in plan.variables)
    variables.update((name, environ[name]) for name in plan.inherited if name in environ)
    if plan.shim:
        shim.lead(variables)
    path = artifact.path
    if programs:
        path = (programs, *path)
        variables["VIRTUAL_ENV"] = os.path.dirname(programs)
    callers = variables.get("PATH", os.defpath)
    if artifact.kind == "interpreter" and find_program(os.path.basename(artifact.python), callers) == artifact.python:
        path = path[:-1]  # it is found already: its folder in front would put others of it before the caller's
    variables["PATH"] = ":".join((*path, callers))
    variables["PWD"] = variables["AZUREML_CR_EXECUTION_WORKING_DIR_PATH"] = directory
    return variables


def add_own(shared: Mapping[str, str], rank: RankPlan, tokens: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Give all environment variables of a rank: those of its node, and its own."""
    own = {name: fill_tokens(text, tokens) for name, text in rank.variables}
    return tuple({**shared, **own}.items())
