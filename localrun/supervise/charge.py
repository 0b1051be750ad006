"""What the front end hands to the supervisor: a run that is ready."""

from __future__ import annotations

from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.plan import Artifact, Plan
    from localrun.supervise.hands import Hands
    from localrun.supervise.process import Process


@value
class Identity:
    """What names one run and its beginning.

    Attributes:
        run_id: The run's id.
        folder: Its folder.
        started_at: Unix seconds of its start.
        detached: Nobody watches it.
        port: The port of rank 0; 0 for none.
        timings: Seconds of the stages before the launch, by name.
        notes: What came up while its folder was made.
    """

    run_id: str
    folder: str
    started_at: float
    detached: bool = False
    port: int = 0
    timings: tuple[tuple[str, float], ...] = ()
    notes: tuple[str, ...] = ()


@value
class Charge:
    """What a supervisor is charged with: a run whose folder is complete.

    Attributes:
        plan: The plan.
        artifact: Its environment.
        identity: The run.
        home: The workspace.
        entry: The descriptor of the run's locked entry among the live runs.
        holds: Descriptors of locks to keep until the run has ended.
        processes: One a rank, ordered by rank.
        bootstraps: One for each node that has a bootstrap script.
        hands: What starts and ends them; None for processes of this machine.
    """

    plan: Plan
    artifact: Artifact
    identity: Identity
    home: str
    entry: int
    processes: tuple[Process, ...]
    bootstraps: tuple[Process, ...] = ()
    holds: tuple[int, ...] = ()
    hands: Hands | None = None
