"""What ranks in containers of this machine use: looked at from outside, for nobody in the image could tell.

The peak of a rank's memory is the kernel's own, but it has to be read while the rank lives. So it is read now and then,
less and less often, and before the ranks are told to end.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_S = 0.25
"""The first look, so long after the ranks have begun: most have what they need by then, or have only begun."""
LONGEST_S = 5.0
SHARE = 0.1
"""Between two looks goes this share of the time so far."""
TRIES = 3
"""After so many looks that found nobody the processes are not on this machine."""


class Watch:
    """Who looks at the ranks of a run.

    Attributes:
        due: When to look next, on the monotonic clock; None: never.
    """

    def __init__(self, containers: Mapping[int, str]) -> None:
        """Begin; `containers` has the id of the container of each rank."""
        self._containers = containers
        self._pids: dict[int, int] = {}
        self._peaks: dict[int, int] = {}
        self._failures = 0
        self._began = time.monotonic()
        self.due: float | None = self._began + FIRST_S

    def look(self, targets: Mapping[int, str]) -> None:
        """Note the peaks of the ranks that run.

        Args:
            targets: What signals are sent to, for each rank that runs: its process id, or minus that.
        """
        from localrun.adapters.contained_processes import measure_peak

        for container in {self._containers[rank] for rank in targets if rank not in self._pids}:
            self._search(container, targets)
        for rank in targets:
            if rank in self._pids:
                peak = max(self._peaks.get(rank, 0), measure_peak(self._pids[rank]))
                if peak:  # it still runs
                    self._peaks[rank] = peak
        now = time.monotonic()
        step = min(max(FIRST_S, SHARE * (now - self._began)), LONGEST_S)
        self._failures = 0 if self._peaks else self._failures + bool(targets)
        self.due = None if self._failures >= TRIES else now + step

    def find(self, rank: int, targets: Mapping[int, str]) -> int | None:
        """Give the process id on this machine of a rank that runs; None when it is not known."""
        if rank not in self._pids and rank in targets:
            self._search(self._containers[rank], targets)
        return self._pids.get(rank)

    def _search(self, container: str, targets: Mapping[int, str]) -> None:
        from localrun.adapters.contained_processes import find_inside

        inside = find_inside(container)
        for rank, target in targets.items():
            pid = inside.get(abs(int(target)))
            if pid is not None and self._containers[rank] == container:
                self._pids[rank] = pid

    def peak(self, rank: int) -> int | None:
        """Give the peak of a rank's memory, in bytes, as it was when it was last looked at; None when it never was."""
        return self._peaks.get(rank)
