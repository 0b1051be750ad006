"""The ranks of a run in containers: its folder is filled, and a piece of shell is written that each begins with.

The engine makes the containers meanwhile, so nothing here is imported before they have been asked for.
"""

from __future__ import annotations

import os

from localrun import shim
from localrun.errors import LocalrunError
from localrun.supervise.process import Process
from localrun.targets.docker_place import write_new
from localrun.targets.docker_request import JOINER
from localrun.targets.docker_script import Start, is_shell_name, write_script
from localrun.targets.ready import Ready
from localrun.targets.working import fill_tokens, make_node, note_skipped, place_snapshot
from localrun.values import replace
from localrun.workspace.snapshot import list_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localrun.plan import Artifact, RankPlan
    from localrun.targets.docker_looking import Looking
    from localrun.targets.docker_place import Surroundings


def fill(
    around: Surroundings,
    environ: Mapping[str, str],
    folders: Sequence[str],
    *,
    home: str,
    mode: int,
    looking: Looking | None = None,
) -> Ready:
    """Fill the folder of a run; give what is to be started.

    Args:
        around: What the ranks share.
        environ: The caller's environment, with the values of secrets.
        folders: Those with the pipes, one a node, ordered by node.
        home: The workspace.
        mode: Of what the ranks read there.
        looking: What ranks get so that somebody can look into them; None for nothing.

    Raises:
        BadInput: the source cannot be copied.
        OSError: there is no room.
    """
    plan = around.plan
    entries = () if plan.source.in_place else list_source(plan.source, home=home)
    kept = place_snapshot(plan, entries, around.folder, home)
    processes: list[Process] = []
    bootstraps: list[Process] = []
    for node, pipes in enumerate(folders):
        directory = make_node(plan, entries, around.folder, node, kept=kept)
        directory = (plan.container and plan.container.working_directory) or directory
        start = describe_start(around, node, directory, environ)
        ranks = [rank for rank in plan.ranks if rank.node == node]
        made = [_prepare_rank(around, rank, start, pipes, mode, looking) for rank in ranks]
        if plan.distribution == "mpi":
            _prepare_joiner(around, ranks[0], start, pipes, mode)
        if plan.bootstrap:
            inside = os.path.join(directory, plan.bootstrap)  # an absolute one stays as it is
            argv = ("bash", "-e", "-o", "pipefail", inside)
            script = replace(_give_own(around, ranks[0], start), argv=argv, own_python=False)
            _write_start(around, pipes, "bootstrap", script, mode)
            bootstraps.append(made[0])
        processes += made
    return Ready(processes=tuple(processes), bootstraps=tuple(bootstraps), notes=note_skipped(entries))


def _prepare_rank(
    around: Surroundings, rank: RankPlan, shared: Start, pipes: str, mode: int, looking: Looking | None
) -> Process:
    """Write what a rank begins with, and give it."""
    start = _give_own(around, rank, shared)
    looked = start if looking is None else looking.change_start(rank.rank, start)
    if around.plan.distribution == "mpi":
        from localrun.targets.mpi import wrap

        # it waits for the process that joins the nodes
        looked = replace(looked, argv=wrap(around.plan, rank, looked.argv, around.folder), own_python=False)
    _write_start(around, pipes, str(rank.rank), looked, mode)
    log = os.path.join(around.folder, "user_logs", rank.log)
    directory = start.directory
    process = Process(rank=rank.rank, node=rank.node, argv=start.argv, variables=(), directory=directory, log=log)
    return process if looking is None else looking.change_process(process)


def _give_own(around: Surroundings, rank: RankPlan, shared: Start) -> Start:
    """Give how a rank is started, with the variables that are its own."""
    own = {name: fill_tokens(text, around.tokens) for name, text in rank.variables}
    return replace(shared, variables=tuple({**dict(shared.variables), **own}.items()))


def _prepare_joiner(around: Surroundings, first: RankPlan, shared: Start, pipes: str, mode: int) -> None:
    """Write what the process that joins the nodes for MPI begins with on the node of this rank, its first."""
    from localrun.targets.mpi import nodes, without_secrets

    argv = nodes.describe_joiner(around.plan, around.folder, first.node)
    told = without_secrets(around.plan, _give_own(around, first, shared).variables)
    _write_start(around, pipes, JOINER, replace(shared, argv=argv, variables=told, own_python=False), mode)
    os.symlink(nodes.locate_log(around.folder, first.node), os.path.join(pipes, f"out-{JOINER}"))


def _write_start(around: Surroundings, pipes: str, name: str, start: Start, mode: int) -> None:
    for secret in around.plan.inherited:
        if not is_shell_name(secret):  # `env` would show its value among its arguments for a moment
            message = f"{secret}: a value that is not to be seen cannot go into a variable of this name"
            raise LocalrunError(message, hint="use letters, digits and underscores", code="bad_input")
    write_new(os.path.join(pipes, f"start-{name}"), write_script(start), mode)


def describe_start(around: Surroundings, node: int, directory: str, environ: Mapping[str, str]) -> Start:
    """Give how the plan's command is started on a node, without what is a rank's own.

    Args:
        around: What the ranks share.
        node: The node; its packages and its home are made if they are not there.
        directory: The working directory.
        environ: The caller's environment, with the values of secrets.
    """
    plan, artifact = around.plan, around.artifact
    path, python = artifact.path, artifact.python
    variables = {"HOME": _make_home(around.folder, node)} if plan.container and plan.container.user else {}
    variables.update(around.reaching)
    variables.update(artifact.variables)
    if artifact.prefix:
        variables["AZUREML_CONDA_ENVIRONMENT_PATH"] = artifact.prefix
    if plan.overlay and python and artifact.site_packages:
        programs = _lay_over(artifact, os.path.join(around.folder, f"node-{node}", "python"))
        path, python = (programs, *path), os.path.join(programs, "python")
        variables["VIRTUAL_ENV"] = os.path.dirname(programs)
    variables.update((name, fill_tokens(text, around.tokens)) for name, text in plan.variables)
    variables.update((name, environ[name]) for name in plan.inherited if name in environ)
    leading = (("PYTHONPATH", shim.PATH),) if plan.shim else ()
    variables["PWD"] = variables["AZUREML_CR_EXECUTION_WORKING_DIR_PATH"] = directory
    argv = tuple(fill_tokens(part, around.tokens) for part in plan.argv)
    own_python = argv[0] == "python" and not python
    if argv[0] == "python" and python:
        argv = (python, *argv[1:])
    user = environ.get("USER") or "localrun"
    fallbacks = dict(plan.fallbacks) | {"USER": user, "LOGNAME": user}
    return Start(
        argv=argv,
        variables=tuple(variables.items()),
        fallbacks=tuple(fallbacks.items()),
        leading=(*leading, *((("PATH", ":".join(path)),) if path else ())),
        directory=directory,
        own_python=own_python,
    )


def _lay_over(artifact: Artifact, folder: str) -> str:
    """Give the programs of a node's own packages, which are made unless they are there."""
    if os.path.isdir(folder):
        return os.path.join(folder, "bin")
    from localrun.targets.overlay import make_overlay

    return make_overlay(artifact, folder)


def _make_home(folder: str, node: int) -> str:
    home = os.path.join(folder, f"node-{node}", "home")
    os.makedirs(home, exist_ok=True)
    return home
