"""How a run ended."""

from __future__ import annotations

from localrun.values import value


@value
class Cause:
    """Why a run was ended before all of its ranks had ended by themselves; the first cause counts.

    Attributes:
        reason: `rank_failed`, `rank_hung`, `bootstrap_failed`, `barrier_timeout`, `time_limit`, `interrupted`,
            `terminated`, `hung_up`, `front_end_lost`, `mpirun_failed`, or what befell a container.
        at: Seconds since the run's start.
        rank: The rank whose fault it was; -1 when it was nobody's.
        code: Its exit code (with `mpirun_failed` that of `mpirun`), minus n for signal n.
        out_of_memory: The kernel ended it for want of memory.
    """

    reason: str
    at: float
    rank: int = -1
    code: int = 0
    out_of_memory: bool = False


@value
class RankOutcome:
    """How one rank ended.

    Attributes:
        rank: Global rank.
        pid: Its process id.
        status: `completed`, `failed`, `stopped` (localrun ended it) or `not_started` (it waited for the bootstrap).
        code: Exit code, minus n for signal n; None when it could not be ended or was never started.
        started_at: Seconds since the run's start.
        ended_at: Seconds since the run's start.
        cpu_s: Processor seconds, user and system, of it and of the children that it waited for.
        peak_memory_bytes: Peak resident memory of the largest process among them; in containers as it was when they
            were last looked at. None when nobody knows: they ended before the first look, or are on another machine.
        dropped_bytes: Output that could not be stored.
    """

    rank: int
    pid: int
    status: str
    code: int | None
    started_at: float
    ended_at: float
    cpu_s: float = 0
    peak_memory_bytes: int | None = None
    dropped_bytes: int = 0


@value
class Outcome:
    """How the run ended.

    Attributes:
        status: `completed`, `failed` or `canceled`.
        exit_code: What localrun exits with.
        origin: `script` when the code is the script's own, else `localrun`.
        kind: The stable kind when localrun is the origin; empty otherwise.
        cause: The first cause of its end; None when all ranks ended by themselves with 0.
        ranks: One a rank, ordered by rank.
        notes: What was found on the way (processes left behind, bytes not stored), one line each.
        duration_s: From the first spawn to the end of the last process.
    """

    status: str
    exit_code: int
    origin: str
    kind: str
    cause: Cause | None
    ranks: tuple[RankOutcome, ...]
    notes: tuple[str, ...]
    duration_s: float


CONCLUSIONS = {
    "time_limit": ("canceled", 124, "localrun", "time_limit"),
    "interrupted": ("canceled", 130, "localrun", "interrupted"),
    "terminated": ("canceled", 143, "localrun", "terminated"),
    "hung_up": ("canceled", 129, "localrun", "hung_up"),
    "front_end_lost": ("canceled", 125, "localrun", "front_end_lost"),
    "container_stopped": ("canceled", 143, "localrun", "container_stopped"),
    "container_removed": ("failed", 125, "localrun", "container_removed"),
    "container_failed": ("failed", 125, "localrun", "container_failed"),
    "daemon_lost": ("failed", 125, "localrun", "daemon_lost"),
    "rank_hung": ("failed", 124, "localrun", "rank_hung"),
    "barrier_timeout": ("failed", 125, "localrun", "barrier_timeout"),
}
"""Status, exit code, origin and kind for each cause but the failures of ranks, which bring their own code."""


def conclude(cause: Cause | None) -> tuple[str, int, str, str]:
    """Give status, exit code, origin and kind of a run that ended for a cause; None: all ranks ended with 0."""
    if cause is None:
        return ("completed", 0, "script", "")
    if cause.reason in CONCLUSIONS:
        return CONCLUSIONS[cause.reason]
    return ("failed", exit_code_of(cause.code), "script", "")


def exit_code_of(code: int) -> int:
    """Give the exit code of a shell for a process: 128+n for signal n, told as -n."""
    return 128 - code if code < 0 else code
