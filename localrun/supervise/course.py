"""The course of a run: what happened so far, and what follows from it. No clock, no system call: both are arguments."""

from __future__ import annotations

from localrun.supervise.outcome import Cause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from localrun.supervise.silence import Silence

SIGINT, SIGKILL, SIGTERM = 2, 9, 15
LAST_WAIT_S = 5.0
"""After SIGKILL: a process that is still there then cannot be ended by anybody."""
LEFTOVER_WAIT_S = 2.0
"""What a run leaves behind when its ranks have ended gets SIGTERM and so long to go."""
FIRST_SIGNAL = {"terminated": SIGTERM, "hung_up": SIGTERM, "front_end_lost": SIGTERM, "container_stopped": SIGTERM}
"""Every other cause begins with SIGINT: Python scripts leave through their `finally` blocks then."""
INSISTENT = "interrupted"
"""Who asks for this while the run is being ended already wants it ended at once. The others come in pairs by themselves
(a terminal that closes hangs up and ends its front end), or from several places at once (a service manager)."""


class Course:
    """What the supervisor knows of a run.

    Attributes:
        alive: Ranks that have not ended.
        waiting: For each node whose bootstrap still runs, the rank that runs it.
        cause: Why the run is being ended; None as long as it goes on.
        failure: The first rank that failed in a run that is not ended for it; None as long as there is none.
        held: That rank's failure was to stop nothing: the others stay as they are until somebody wants the end.
        paused: The run stands still, and the time of its limits with it.
        killing: SIGKILL has been sent; whatever is found from now on gets it too.
        over: Nothing is left to wait for.
        silence: Who listens for ranks that hang; None for nobody.
    """

    __slots__ = (
        "_barrier_due", "_ladder", "_on_failure", "_paused_at", "_stop_timeout_s", "_sweeping", "_time_due",
        "alive", "cause", "failure", "killing", "over", "silence", "waiting",
    )  # fmt: skip

    def __init__(
        self,
        nodes: Sequence[int],
        *,
        bootstrap: bool,
        stop_timeout_s: float,
        timeout_s: float = 0,
        barrier_timeout_s: float = 0,
        on_failure: str = "stop",
        silence: Silence | None = None,
    ) -> None:
        """Begin at time 0.

        Args:
            nodes: For each rank its node.
            bootstrap: The first rank of each node runs a bootstrap script, and its ranks wait for it.
            stop_timeout_s: From the first signal of the ladder to SIGKILL.
            timeout_s: The run's time limit; 0 for none.
            barrier_timeout_s: How long the ranks wait for a bootstrap script; 0 for as long as it takes.
            on_failure: What the failure of a rank means to the others: `stop`, `continue` or `hold`.
            silence: Who listens for ranks that hang; None for nobody.
        """
        self.alive = set(range(len(nodes)))
        self.waiting = {node: nodes.index(node) for node in dict.fromkeys(nodes)} if bootstrap else {}
        self.cause: Cause | None = None
        self.failure: Cause | None = None
        self.killing = False
        self.over = False
        self._sweeping = False
        self._stop_timeout_s = stop_timeout_s
        self._time_due = timeout_s or None
        self._barrier_due = barrier_timeout_s if bootstrap and barrier_timeout_s else None
        self._ladder: list[tuple[float, int]] = []
        self._on_failure = on_failure
        self.silence = silence
        self._paused_at: float | None = None

    @property
    def first_cause(self) -> Cause | None:
        """What the run's outcome is due to: its first failure, else why it is being ended, else nothing."""
        return self.failure or self.cause

    @property
    def held(self) -> bool:
        """Whether the ranks are kept as they are after a failure, for somebody to look at."""
        return self.failure is not None and self._on_failure == "hold" and self.cause is None

    @property
    def paused(self) -> bool:
        """Whether the run stands still."""
        return self._paused_at is not None

    def end_rank(self, rank: int, code: int, now: float, *, out_of_memory: bool = False) -> None:
        """A rank has ended with an exit code (minus n for signal n)."""
        self.alive.discard(rank)
        if self.silence is not None:
            self.silence.forget(rank)
        if code and self.cause is None:
            self._fail(Cause(reason="rank_failed", at=now, rank=rank, code=code, out_of_memory=out_of_memory))

    def end_bootstrap(self, node: int, code: int, now: float) -> bool:
        """The bootstrap script of a node has ended; true: release the ranks of that node."""
        leader = self.waiting.pop(node)
        if not self.waiting:
            self._barrier_due = None
        if code and self.cause is None:
            self._stop(Cause(reason="bootstrap_failed", at=now, rank=leader, code=code))
        return not code and self.cause is None

    def ask_to_end(self, reason: str, now: float, code: int = 0) -> None:
        """Somebody wants the run to end; who interrupts a run that is being ended gets SIGKILL at once."""
        if self.cause is None:
            self._stop(Cause(reason=reason, at=now, code=code))
        elif reason == INSISTENT and not self.killing:
            self._ladder = _end_by_force(now)

    def pause(self, now: float) -> None:
        """Everything of the run stands still from now on; its time limits do too."""
        if self._paused_at is None and self.cause is None:
            self._paused_at = now

    def resume(self, now: float) -> None:
        """The run goes on: what was due is due so much later."""
        if self._paused_at is None:
            return
        lost = now - self._paused_at
        self._paused_at = None
        self._time_due = None if self._time_due is None else self._time_due + lost
        self._barrier_due = None if self._barrier_due is None else self._barrier_due + lost
        if self.silence is not None:
            self.silence.shift(lost)

    def end_leftovers(self, now: float) -> bool:
        """All ranks have ended, but processes that they started have not: these get a short ladder of their own.

        Returns:
            True the first time, when nobody had asked the run to end.
        """
        if self._sweeping or self.killing:
            return False
        self._sweeping = True
        kill_at = min([now + LEFTOVER_WAIT_S, *(due for due, number in self._ladder if number == SIGKILL)])
        self._ladder = [(now, SIGTERM), *_end_by_force(kill_at)]
        return self.cause is None

    def next_due(self) -> float | None:
        """Give the time at which `take_signal` has something to say if nothing happens before; None: never."""
        due = [time for time, _ in self._ladder[:1]]
        if self._limited:
            silence_due = self.silence.next_due() if self.silence is not None else None
            due += [time for time in (self._time_due, self._barrier_due, silence_due) if time is not None]
        return min(due, default=None)

    @property
    def _limited(self) -> bool:
        return self.cause is None and not self.paused and not self.held

    def take_signal(self, now: float) -> int | None:
        """Give the signal that everything of the run that is alive is to get now; None: nothing to send."""
        if self._limited:
            self._look_at_limits(now)
        if not self._ladder or now < self._ladder[0][0]:
            return None
        _, number = self._ladder.pop(0)
        self.killing = self.killing or number == SIGKILL
        self.over = self.over or not number
        return number or None

    def _look_at_limits(self, now: float) -> None:
        if self._barrier_due is not None and now >= self._barrier_due:
            leader = min(self.waiting.values())
            self._stop(Cause(reason="barrier_timeout", at=now, rank=leader))
        elif self._time_due is not None and now >= self._time_due:
            self._stop(Cause(reason="time_limit", at=now))
        elif self.silence is not None and (silent := self.silence.find_hung(now)) is not None:
            self._fail(Cause(reason="rank_hung", at=now, rank=silent))

    def _fail(self, cause: Cause) -> None:
        """A rank has failed, or hangs: then waiting for the others to end by themselves would take for ever."""
        if self._on_failure == "stop" or (cause.reason == "rank_hung" and self._on_failure == "continue"):
            self._stop(cause)
        elif self.failure is None:
            self.failure = cause

    def _stop(self, cause: Cause) -> None:
        """End the run for a cause: this is the foot of the ladder."""
        self.cause = cause
        kill_at = cause.at + self._stop_timeout_s
        if FIRST_SIGNAL.get(cause.reason, SIGINT) == SIGINT:
            polite_s = min(2.0, self._stop_timeout_s / 5)
            steps = [(cause.at, SIGINT), (cause.at + polite_s, SIGTERM)]
        else:
            steps = [(cause.at, SIGTERM)]
        self._ladder = [*steps, *_end_by_force(kill_at)]


def _end_by_force(at: float) -> list[tuple[float, int]]:
    """Give the last steps of every ladder: SIGKILL, and then no more waiting."""
    return [(at, SIGKILL), (at + LAST_WAIT_S, 0)]
