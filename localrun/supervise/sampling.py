"""What the ranks of a run use, once a second, into `<run folder>/usage.jsonl`: only where somebody has asked for it."""

from __future__ import annotations

import os
import time

from localrun.adapters import processes, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from localrun.plan import RankPlan

NAME = "usage.jsonl"
PERIOD_S = 1.0


class Meter:
    """What ranks use between two looks at them."""

    def __init__(self, nodes: Mapping[int, int]) -> None:
        """Begin; `nodes` has the node of each rank."""
        self._nodes = nodes
        self._before: dict[int, tuple[float, float]] = {}

    def measure(self, pids: Mapping[int, int]) -> list[dict[str, Any]]:
        """Give what each rank uses now, one object a rank that lives.

        Args:
            pids: The first process of each rank.

        Returns:
            With `rank`, `node`, `cpu_percent` (of one processor, since the last look; null at the first), `cpu_s`,
            `memory_bytes`, `threads`, `processes`, `gpu_memory_bytes` (null where nvidia-smi does not answer) and
            `stopped`.
        """
        gpus = dict(usage.ask_gpus())
        rows = []
        for rank, pid in sorted(pids.items()):
            found = usage.measure_tree(pid)
            if found is None:
                continue
            now = time.monotonic()
            before = self._before.get(rank)
            self._before[rank] = (now, found.cpu_s)
            rows.append(
                {
                    "rank": rank,
                    "node": self._nodes.get(rank, 0),
                    "cpu_percent": None if before is None else _share(before, now, found.cpu_s),
                    "cpu_s": round(found.cpu_s, 2),
                    "memory_bytes": found.memory_bytes,
                    "threads": found.threads,
                    "processes": found.processes,
                    "gpu_memory_bytes": sum(gpus.get(pid, 0) for pid in found.pids) if gpus else None,
                    "stopped": found.stopped,
                }
            )
        return rows


def _share(before: tuple[float, float], now: float, cpu_s: float) -> float:
    passed = now - before[0]
    return round(max(0.0, (cpu_s - before[1]) / passed * 100), 1) if passed > 0 else 0.0


def store(folder: str, rows: list[dict[str, Any]]) -> None:
    """Add a sample to the series of a run; a full disk loses it."""
    import json

    from localrun.workspace.records import timestamp

    line = json.dumps({"at": timestamp(time.time()), "ranks": rows}) + "\n"
    try:
        file = os.open(os.path.join(folder, NAME), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)
    except OSError:
        return


class Sampler:
    """The series, written by the run's supervisor.

    Attributes:
        due: When the next sample is to be taken, on the monotonic clock.
    """

    def __init__(self, folder: str, run_id: str, ranks: Sequence[RankPlan]) -> None:
        """Begin: the first sample is taken at once."""
        self._folder = folder
        names = {processes.name_rank(dict(one.variables)): one.rank for one in ranks}
        self._finder = Finder(run_id, names)
        self._meter = Meter({one.rank: one.node for one in ranks})
        self.due = time.monotonic()

    def sample(self) -> None:
        """Take a sample if it is due."""
        now = time.monotonic()
        if now < self.due:
            return
        self.due = now + PERIOD_S
        store(self._folder, self._meter.measure(self._finder.find()))


class Finder:
    """The first processes of a run's ranks on this machine, in containers too, told by their environment variables."""

    def __init__(self, run_id: str, names: Mapping[tuple[str, ...], int]) -> None:
        """Begin; `names` has the rank for each name that `localrun.adapters.processes.name_rank` gives."""
        self._run_id = run_id
        self._names = names
        self._found: dict[int, processes.Process] = {}
        self._unseen = set(names.values())

    def find(self) -> dict[int, int]:
        """Give the process id of each rank that lives.

        All processes are looked at while a rank has not begun yet, and once after one has ended.
        """
        living = {rank: process for rank, process in self._found.items() if processes.is_alive(process)}
        if self._unseen or len(living) < len(self._found):
            living = processes.first_of_ranks(self._run_id, self._names)
            self._unseen -= set(living)
        self._found = living
        return {rank: process.pid for rank, process in living.items()}
