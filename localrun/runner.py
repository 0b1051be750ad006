"""The whole run on one screen: resolve, materialize, launch, supervise, record.

The first two happen before anything of the run exists; a warm run has their results at hand and begins with the third.
The last two happen in the supervisor (`localrun.supervise.supervisor`), a process of the run's own, while this one
watches.
"""

from __future__ import annotations

import os
import time

from localrun.errors import LocalrunError, RunNotFound
from localrun.plan import count_ports
from localrun.supervise.charge import Charge, Identity
from localrun.values import replace, value
from localrun.workspace import active, locks
from localrun.workspace.home import make_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from localrun.environments.settings import BuildSettings, Progress
    from localrun.plan import Artifact, EnvironmentPlan, Plan
    from localrun.resolve.facts import HostFacts
    from localrun.spec import RunSpec
    from localrun.supervise.hands import Hands
    from localrun.supervise.process import Process
    from localrun.targets.working import Ready


@value
class Host:
    """Where and for whom a run happens.

    Attributes:
        home: The workspace folder.
        environ: The caller's environment variables.
        target: The descriptor that shows what the ranks print.
        coloured: Whether that is a terminal that shows colours.
        detached: Return as soon as the run has started.
        unmasked: Show secrets as the ranks print them; the logs never hold them.
        run_id: The run's id when it was promised before; empty for a new one.
        say: Gets each line for the user.
        on_hold: Called with the run's id when its ranks are held after a failure.
    """

    home: str
    environ: Mapping[str, str]
    target: int = 1
    coloured: bool = False
    detached: bool = False
    unmasked: bool = False
    run_id: str = ""
    say: Callable[[str], None]
    on_hold: Callable[[str], object] = str


def run(
    spec: RunSpec,
    facts: HostFacts,
    host: Host,
    settings: BuildSettings,
    report: Callable[[Progress], None],
    remember: Callable[[Plan, Artifact], None],
) -> dict[str, Any]:
    """Run a run configuration and give its record.

    Args:
        spec: The run configuration.
        facts: The facts of this machine that it needs.
        host: Where and for whom.
        settings: How to make its environment.
        report: Told how that goes on.
        remember: Given plan and environment once both are there, for the next run of the same.

    Raises:
        LocalrunError: the run could not be started; nothing of it is left.
    """
    from localrun.resolve.credentials import hide_in_plan

    began = time.monotonic()
    plan = resolve_run(spec, facts, host)
    resolved = time.monotonic()
    whole = settle_environment(spec, plan, host, settings, report)
    artifact, holds = materialize_held(whole, host, settings, report)
    timings = (("resolve", resolved - began), ("materialize", time.monotonic() - resolved))
    plan = hide_in_plan(whole)  # from here on nobody fetches anything
    remember(plan, artifact)
    try:
        return run_plan(plan, artifact, host, holds, timings)
    except LocalrunError as error:
        if error.code != "image_missing":
            raise
        host.say(f"{error.message}: it is looked for anew")  # it went since it was found; nothing of the run is left
    artifact, holds = materialize_held(whole, host, settings, report)
    return run_plan(plan, artifact, host, holds, timings)


def resolve_run(spec: RunSpec, facts: HostFacts, host: Host) -> Plan:
    """Resolve a run configuration, and tell what cannot be copied or is not known before an environment is made.

    Raises:
        LocalrunError: it cannot be run here.
    """
    from localrun.resolve import resolve
    from localrun.workspace.snapshot import list_source

    plan = resolve(spec, facts)
    if not plan.source.in_place:
        list_source(plan.source, home=host.home)
    if plan.secrets:
        from localrun.secrets.launch import check_secrets

        check_secrets(plan, host.home, host.environ)
    return plan


def settle_environment(
    spec: RunSpec, plan: Plan, host: Host, settings: BuildSettings, report: Callable[[Progress], None]
) -> Plan:
    """Register the environment of a run without listing it, and fetch the base image that its image's name needs.

    Raises:
        LocalrunError: its name is a curated one's, the registry cannot be written, or the image cannot be fetched.
    """
    from localrun.catalogue.of_runs import name_environment
    from localrun.environments import settle
    from localrun.resolve.locks import settle_lock

    environment = plan.environment
    if spec.environment is not None:
        asked = settle_lock(spec.environment, environment)
        environment = replace(environment, registered=name_environment(host.home, asked, host.say))
    return replace(plan, environment=settle(environment, settings=settings, report=report))


def materialize_held(
    plan: Plan, host: Host, settings: BuildSettings, report: Callable[[Progress], None]
) -> tuple[Artifact, tuple[int, ...]]:
    """Give the environment of a plan, made now if it is not there, and the descriptors that hold it.

    Raises:
        LocalrunError: it cannot be made or held.
    """
    from localrun.environments import materialize

    fetched = _without_fetching(plan.environment)
    while True:  # somebody may rebuild it between the two steps
        artifact = materialize(fetched, home=host.home, settings=settings, report=report)
        holds = hold_artifact(plan, artifact, host.home)
        if holds is not None:
            return artifact, holds


def _without_fetching(environment: EnvironmentPlan) -> EnvironmentPlan:
    """Give an environment whose base image has just been fetched: it need not be asked for once more."""
    image = environment.image
    if image is None or image.pull != "always":
        return environment
    return replace(environment, image=replace(image, pull="missing"))


def hold_artifact(plan: Plan, artifact: Artifact, home: str) -> tuple[int, ...] | None:
    """Hold an environment for a run, so that nobody rebuilds or removes it.

    Returns:
        The descriptors that hold it; None when it is being rebuilt, or is not what it was any more.

    Raises:
        StoreFailed: the workspace has no working locks.
    """
    holds: tuple[int, ...] = ()
    if artifact.prefix and artifact.kind != "image":
        lock = locks.hold_shared(os.path.join(home, "locks", f"{plan.environment.name}.lock"))
        if lock is None:
            return None
        holds = (lock,)
    for path, size, mtime_ns, inode in artifact.evidence:
        try:
            facts = os.stat(path)
        except OSError:
            facts = None
        if facts is None or (facts.st_size, facts.st_mtime_ns, facts.st_ino) != (size, mtime_ns, inode):
            for lock in holds:
                os.close(lock)
            return None
    return holds


def run_plan(
    plan: Plan, artifact: Artifact, host: Host, holds: tuple[int, ...], timings: tuple[tuple[str, float], ...] = ()
) -> dict[str, Any]:
    """Run a plan whose environment is there and held, and give its record.

    Raises:
        LocalrunError: the run could not be started; nothing of it is left.
    """
    if plan.withheld:
        plan, host = _withhold(plan, host)
    charge = launch(plan, artifact, host, holds, timings)
    from localrun.supervise.supervisor import fork_supervisor

    control, wake = fork_supervisor(charge)
    from localrun.supervise.front import await_record, watch
    from localrun.supervise.view import View, make_prefixes

    if host.detached:
        os.close(control)
        await_record(wake)
    else:
        hold = None if plan.on_failure != "hold" else lambda: host.on_hold(charge.identity.run_id)
        shown = charge.processes if plan.terminal_rank < 0 else (charge.processes[plan.terminal_rank],)
        logs = [process.log if process.unmasked < 0 else process.unmasked for process in shown]
        relay = None
        if plan.terminal_rank >= 0:
            from localrun.supervise.terminal import take_over

            relay = take_over(plan, shown[0])
        view = View(logs, make_prefixes(len(logs), coloured=host.coloured), host.target, stamped=plan.timestamps)
        watch(control, wake, view, host.say, hold, relay)
    return read_record(host, charge.identity.run_id)


def _withhold(plan: Plan, host: Host) -> tuple[Plan, Host]:
    """Move values that no record may keep from a plan to the environment that the ranks inherit them from."""
    from localrun.resolve.credentials import list_withheld, withhold

    return withhold(plan), replace(host, environ={**host.environ, **list_withheld(plan)})


def read_record(host: Host, run_id: str) -> dict[str, Any]:
    """Read the record of a run whose supervisor has let go of it; one that was killed is recorded as lost.

    Raises:
        StoreFailed: the record cannot be read.
        LocalrunError: the supervisor was killed before there was one.
    """
    from localrun.workspace import records, recover

    try:
        record = records.read(host.home, run_id, host.say)
    except RunNotFound as error:
        active.wait(host.home, run_id)
        recover.close_lost(host.home, run_id, host.say)
        message = f"run {run_id} is lost: its supervisor died before the run had a record"
        raise LocalrunError(message, hint="run it again", code="lost") from error
    if record["status"] == "running" and not host.detached:
        active.wait(host.home, run_id)  # the pipe of a dying supervisor may end a moment before its lock does
        recover.close_lost(host.home, run_id, host.say)
        record = records.read(host.home, run_id, host.say)
    return record


def make_run_id(experiment: str) -> str:
    """Give an id for a new run: `<experiment>_<unix seconds>_<8 hex>`."""
    return f"{experiment}_{int(time.time())}_{os.urandom(4).hex()}"


def launch(
    plan: Plan, artifact: Artifact, host: Host, holds: tuple[int, ...], timings: tuple[tuple[str, float], ...]
) -> Charge:
    """Make a run: its id, its locked entry among the live runs, its folder with all it needs.

    Raises:
        LocalrunError: something is missing or there is no room; nothing of the run is left.
    """
    if plan.terminal_rank >= 0:
        from localrun.supervise.terminal import check_terminal

        check_terminal(plan, detached=host.detached)
    run_id = host.run_id or make_run_id(plan.experiment)
    folder = os.path.join(host.home, "runs", run_id)
    began = time.time()
    environ, needles, notes = _read_secrets(plan, host)
    entry = active.claim(host.home, run_id)
    try:
        make_folder(folder)
        ready, port, more = _prepare(plan, artifact, host, run_id, folder, entry, environ)
    except BaseException:
        from localrun.workspace import records

        records.remove(host.home, run_id)
        active.release(host.home, run_id, entry)
        raise
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
