"""Ranks that hang: no output and no processor time for too long. Pure but for how processor time is measured."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CHECKS = 4
"""A silent rank is looked at so often in the time that it may be silent."""
IDLE = 0.01
"""Less than this share of one processor is no work: a thread that wakes up now and then uses as much."""


class Silence:
    """Who has been silent for how long."""

    __slots__ = ("_due", "_heard", "_limit_s", "_measure", "_step_s", "_used")

    def __init__(self, ranks: Sequence[int], limit_s: float, measure: Callable[[int], float | None]) -> None:
        """Begin to listen at time 0.

        Args:
            ranks: The ranks.
            limit_s: How long a rank may be silent.
            measure: Gives the processor seconds that a rank has used so far; None when it cannot be said, or when the
                rank is stopped and therefore silent on purpose.
        """
        self._limit_s = limit_s
        self._step_s = limit_s / CHECKS
        self._measure = measure
        self._heard = dict.fromkeys(ranks, 0.0)
        self._due = dict.fromkeys(ranks, self._step_s)
        self._used = dict.fromkeys(ranks, 0.0)

    def hear(self, rank: int, now: float) -> None:
        """A rank has printed something."""
        self._heard[rank] = now
        self._due[rank] = now + self._step_s

    def forget(self, rank: int) -> None:
        """A rank has ended."""
        for kept in (self._heard, self._due, self._used):
            kept.pop(rank, None)

    def shift(self, lost_s: float) -> None:
        """For so long the whole run stood still."""
        for rank in self._heard:
            self._heard[rank] += lost_s
            self._due[rank] += lost_s

    def next_due(self) -> float | None:
        """Give when `find_hung` is to be called; None: never."""
        return min(self._due.values(), default=None)

    def find_hung(self, now: float) -> int | None:
        """Look at the ranks that are due, and give the one that has been silent for longest and too long, if any."""
        for rank, due in self._due.items():
            if due > now:
                continue
            used = self._measure(rank)
            if used is None or abs(used - self._used[rank]) > self._step_s * IDLE:
                self._heard[rank] = now
            self._used[rank] = self._used[rank] if used is None else used
            self._due[rank] = now + self._step_s
        silent = [rank for rank, heard in self._heard.items() if now - heard >= self._limit_s]
        return min(silent, key=self._heard.__getitem__, default=None)
