"""The whole run on one screen: resolve, materialize, launch, supervise, record.

The first two happen before anything of the run exists; a warm run has their results at hand and begins with the third.
The last two happen in the supervisor (`localrun.supervise.supervisor`), a process of the run's own, while this one
watches.
"""

from __future__ import annotations

import os
import time

from localrun.errors import LocalrunError, RunNotFound
from localrun.launch import launch
from localrun.values import replace, value
from localrun.workspace import active, locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from typing import Any

    from localrun.environments.settings import BuildSettings, Progress
    from localrun.plan import Artifact, EnvironmentPlan, Plan
    from localrun.resolve.facts import HostFacts
    from localrun.spec import RunSpec
    from localrun.supervise.charge import Charge

IMAGE_MISSING = "image_missing"
"""The code of the error that tells of an image which is not in the engine any more."""


def run(
    spec: RunSpec,
    facts: HostFacts,
    host: Host,
    settings: BuildSettings,
    progress: Callable[[], AbstractContextManager[Callable[[Progress], None]]],
    remember: Callable[[Plan, Artifact], None],
) -> dict[str, Any]:
    """Run a run configuration and give its record.

    Args:
        spec: The run configuration.
        facts: The facts of this machine that it needs.
        host: Where and for whom.
        settings: How to make its environment.
        progress: Opens what is told how that goes on, closed again before a rank prints and this process forks.
        remember: Given plan and environment once both are there, for the next run of the same.

    Raises:
        LocalrunError: the run could not be started; nothing of it is left.
    """
    from localrun.resolve.credentials import hide_in_plan

    began = time.monotonic()
    plan = resolve_run(spec, facts, host)
    resolved = time.monotonic()
    with progress() as report:
        whole = settle_environment(spec, plan, host, settings, report)
        artifact, holds = materialize_held(whole, host, settings, report)
    timings = (("resolve", resolved - began), ("materialize", time.monotonic() - resolved))
    plan = hide_in_plan(whole)  # from here on nobody fetches anything
    remember(plan, artifact)
    try:
        return run_plan(plan, artifact, host, holds, timings)
    except LocalrunError as error:
        if error.code != IMAGE_MISSING:
            raise
        host.say(f"{error.message}: it is looked for anew")  # it went since it was found; nothing of the run is left
    with progress() as report:
        artifact, holds = materialize_held(whole, host, settings, report)
    return run_plan(plan, artifact, host, holds, timings)


def run_plan(
    plan: Plan, artifact: Artifact, host: Host, holds: tuple[int, ...], timings: tuple[tuple[str, float], ...] = ()
) -> dict[str, Any]:
    """Run a plan whose environment is there and held, and give its record.

    Raises:
        LocalrunError: the run could not be started; nothing of it is left.
    """
    run_id = host.run_id or make_run_id(plan.experiment)
    if plan.withheld:
        plan, host = _withhold(plan, host)
    charge = launch(plan, artifact, host, run_id=run_id, holds=holds, timings=timings)
    from localrun.supervise.supervisor import fork_supervisor  # not before a container has been asked for

    control, wake = fork_supervisor(charge)
    _watch(charge, host, control, wake)
    return read_record(host, run_id)


def _watch(charge: Charge, host: Host, control: int, wake: int) -> None:
    """Show a run until its record is closed; a detached one, until it has one."""
    from localrun.supervise.front import await_record, watch
    from localrun.supervise.view import View, make_prefixes

    if host.detached:
        os.close(control)
        await_record(wake)
        return
    plan = charge.plan
    shown, relay = charge.processes, None
    if plan.terminal_rank >= 0:
        from localrun.supervise.terminal import take_over

        shown = (charge.processes[plan.terminal_rank],)
        relay = take_over(plan, shown[0])
    logs = [process.log if process.unmasked < 0 else process.unmasked for process in shown]
    view = View(logs, make_prefixes(len(logs), coloured=host.coloured), host.target, stamped=plan.timestamps)
    hold = None if plan.on_failure != "hold" else lambda: host.on_hold(charge.identity.run_id)
    watch(control, wake, view, host.say, hold, relay)


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
