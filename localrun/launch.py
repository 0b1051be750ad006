"""Launching a run: an entry among the live runs, and a folder with all that its supervisor needs."""

from __future__ import annotations

import os
import time

from localrun.plan import count_ports
from localrun.supervise.charge import Charge, Identity
from localrun.values import replace
from localrun.workspace import active
from localrun.workspace.home import folder_of, make_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from localrun.plan import Artifact, Plan
    from localrun.runner import Host
    from localrun.supervise.hands import Hands
    from localrun.supervise.process import Process
    from localrun.targets.ready import Ready


def launch(
    plan: Plan,
    artifact: Artifact,
    host: Host,
    *,
    run_id: str,
    holds: tuple[int, ...],
    timings: tuple[tuple[str, float], ...],
) -> Charge:
    """Make a run: its locked entry among the live runs, its folder with all it needs.

    `holds` are the descriptors that hold the environment, `timings` the seconds of the stages before this one, by name.

    Raises:
        LocalrunError: something is missing or there is no room; nothing of the run is left.
    """
    if plan.terminal_rank >= 0:
        from localrun.supervise.terminal import check_terminal

        check_terminal(plan, detached=host.detached)
    began = time.time()
    environ, needles, notes = _read_secrets(plan, host)
    entry = active.claim(host.home, run_id)
    folder = folder_of(host.home, run_id)
    ready, port, more = _prepare_or_remove(plan, artifact, host, run_id, folder, entry, environ)
    notes += ready.notes
    for note in notes:
        host.say(note)
    identity = Identity(
        run_id=run_id,
        folder=folder,
        started_at=began,
        detached=host.detached,
        port=port,
        timings=(*timings, ("prepare", time.time() - began)),
        notes=notes,
    )
    return Charge(
        plan=plan,
        artifact=artifact,
        identity=identity,
        home=host.home,
        entry=entry,
        processes=_mask(ready.processes, needles, unmasked=host.unmasked and not host.detached),
        bootstraps=ready.bootstraps,
        hands=ready.hands,
        holds=holds + more,
    )


def _prepare_or_remove(
    plan: Plan, artifact: Artifact, host: Host, run_id: str, folder: str, entry: int, environ: Mapping[str, str]
) -> tuple[Ready, int, tuple[int, ...]]:
    """Make the folder of a run, and fill it as `_prepare` does; when that fails nothing of the run is left."""
    try:
        make_folder(folder)
        return _prepare(plan, artifact, host, run_id, folder, entry, environ)
    except BaseException:
        from localrun.workspace import records

        records.remove(host.home, run_id)
        active.release(host.home, run_id, entry)
        raise


def _prepare(
    plan: Plan, artifact: Artifact, host: Host, run_id: str, folder: str, entry: int, environ: Mapping[str, str]
) -> tuple[Ready, int, tuple[int, ...]]:
    """Fill the folder of a run; give what is to be started in it, the port of rank 0, and what holds its ports."""
    port, holds = _reserve_port(plan, host.home)
    equipment = None
    if max(plan.terminal_rank, plan.debug_rank) >= 0:
        from localrun.inside.equipment import Equipment

        equipment = Equipment(plan, artifact, host.home, host.environ)
        holds += equipment.holds
    if plan.target == "docker":
        from localrun.targets import docker

        ready = docker.prepare(
            plan,
            artifact,
            run_id=run_id,
            folder=folder,
            home=host.home,
            entry=entry,
            port=port,
            environ=environ,
            looking=equipment.looking if equipment else None,
        )
    else:
        from localrun.targets import local

        ready = local.prepare(plan, artifact, run_id=run_id, folder=folder, home=host.home, port=port, environ=environ)
    processes = equipment.equip(ready.processes, host.say) if equipment else ready.processes
    processes, hands = _join(plan, processes, ready.hands, folder)
    return replace(ready, processes=processes, hands=hands), port, holds


def _join(
    plan: Plan, processes: tuple[Process, ...], hands: Hands | None, folder: str
) -> tuple[tuple[Process, ...], Hands | None]:
    """Give the processes and what starts them: for MPI on this machine an `mpirun` beside them."""
    if plan.distribution != "mpi" or hands is not None:
        return processes, hands
    from localrun.supervise.mpirun_hands import MpirunHands
    from localrun.targets.mpi import join_ranks

    processes, mpirun = join_ranks(plan, processes, folder)
    return processes, MpirunHands(mpirun)


def _read_secrets(plan: Plan, host: Host) -> tuple[Mapping[str, str], tuple[bytes, ...], tuple[str, ...]]:
    """Give the environment with the plan's secrets in it, what to mask, and notes."""
    if not plan.secrets:
        return host.environ, (), ()
    from localrun.secrets.launch import hand_over

    handed = hand_over(plan, host.home, host.environ, host.say)
    return handed.environ, handed.needles, handed.notes


def _mask(processes: tuple[Process, ...], needles: tuple[bytes, ...], *, unmasked: bool) -> tuple[Process, ...]:
    """Have the output of processes masked; `unmasked`: with the raw bytes in memory for the terminal."""
    if not needles:
        return processes
    memory = [os.memfd_create("localrun") if unmasked and hasattr(os, "memfd_create") else -1 for _ in processes]
    return tuple([replace(one, needles=needles, unmasked=at) for one, at in zip(processes, memory, strict=True)])


def _is_shared(network: str) -> bool:
    """Tell whether containers of other runs may have the same network, and so the same ports."""
    return network == "host" or network.startswith("container:")


def _reserve_port(plan: Plan, home: str) -> tuple[int, tuple[int, ...]]:
    count = count_ports(plan)
    if plan.container is not None and not _is_shared(plan.container.network):
        count = 0  # in a network of its own every port is free
    if not count:
        return 0, ()
    from localrun.adapters.ports import reserve_ports

    return reserve_ports(home, count)
