"""Ranks as processes of this machine, children of this one."""

from __future__ import annotations

import os
import time

from localrun.adapters import signals, spawn
from localrun.supervise.hands import Begun, Ended
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from localrun.supervise.hands import News
    from localrun.supervise.process import Process

KILLED = (-signals.SIGKILL, 128 + signals.SIGKILL)
"""How a killed rank ends, and a shell whose child was killed."""


class LocalHands:
    """The processes of one run."""

    booting = False

    def __init__(self) -> None:
        """Begin with none."""
        self._ranks: dict[int, int] = {}
        self._scripts: dict[int, int] = {}
        self._gates: dict[int, tuple[int, int]] = {}
        self._waiting: dict[int, int] = {}
        self._out_of_memory = 0
        self._count_out_of_memory: Callable[[], int] = int
        self.gone = False

    def begin(self, processes: Sequence[Process], bootstraps: Sequence[Process]) -> Sequence[Begun]:
        """Start every process, as `localrun.supervise.hands.Hands` says."""
        signals.signal(signals.SIGCHLD, signals.SIG_DFL)  # where it is ignored, the ends of children are not told
        scripts = {process.node: process for process in bootstraps}
        begun = []
        for process in processes:
            source, inlet = process.terminal or os.pipe()
            os.set_blocking(source, False)
            node = process.node
            if node in scripts and node not in self._gates:
                self._gates[node] = os.pipe()
                self._scripts[_spawn(replace(scripts[node], terminal=None, input=-1), inlet)] = node
            pid = _spawn(process, inlet, self._gates.get(node, (-1, -1))[0])
            os.close(inlet)  # the pipe ends with the last process that holds it
            self._ranks[pid] = process.rank
            self._waiting[node] = self._waiting.get(node, 0) + 1
            begun.append(Begun(source=source, pid=pid, at=time.monotonic()))
        return begun

    def attend(self, poll: select.poll) -> None:  # noqa: ARG002 - SIGCHLD wakes the loop
        """Note how many processes the kernel has killed for want of memory so far."""
        from localrun.adapters.out_of_memory import count_out_of_memory

        self._count_out_of_memory = count_out_of_memory
        self._out_of_memory = count_out_of_memory()

    def next_due(self) -> float | None:
        """Nothing is due: the kernel tells everything."""
        return None

    def collect(self) -> Sequence[News]:
        """Give the ranks and bootstrap scripts that have ended, in the order of their end."""
        found: list[News] = []
        try:
            while ended := spawn.reap():
                for pid, code, cpu_s, peak in ended:
                    if pid in self._scripts:
                        found.append(Ended(number=self._scripts.pop(pid), code=code, bootstrap=True))
                    elif pid in self._ranks:
                        rank = self._ranks.pop(pid)
                        killed = code in KILLED and self._count_out_of_memory() > self._out_of_memory
                        found.append(
                            Ended(number=rank, code=code, out_of_memory=killed, cpu_s=cpu_s, peak_memory_bytes=peak)
                        )
                    else:
                        self._take_other(pid, code)
        except ChildProcessError:
            self.gone = True
        return found

    def release(self, node: int) -> None:
        """Open the gate of a node."""
        os.write(self._gates[node][1], b"." * self._waiting[node])
        self.refuse(node)

    def refuse(self, node: int) -> None:
        """Close the gate of a node: who still waits there ends."""
        for descriptor in self._gates.pop(node):
            os.close(descriptor)

    def signal(self, number: int) -> None:
        """Send a signal to the groups of all ranks and scripts, and to every other descendant.

        Who is asked to end while it stands still (a node that is paused, a debugger) goes on to do so.
        """
        groups = {*self._ranks, *self._scripts}
        spared = self._list_spared(number)
        others = [pid for pid in spawn.list_descendants(os.getpid()) if pid not in groups and pid not in spared]
        numbers = (number, signals.SIGCONT) if number in (signals.SIGINT, signals.SIGTERM) else (number,)
        for each in numbers:
            for group in groups:
                spawn.signal_group(group, each)
            for pid in others:
                if _group_of(pid) not in groups:
                    spawn.signal_process(pid, each)

    def _take_other(self, pid: int, code: int) -> None:
        """A process has ended that is neither a rank nor a script: an orphan of one of them."""

    def _list_spared(self, number: int) -> set[int]:  # noqa: ARG002 - of others who know better
        """List the processes that a signal is not for."""
        return set()

    def measure(self, rank: int) -> float | None:
        """Give the processor seconds of a rank and all that it has started."""
        from localrun.adapters.usage import measure_cpu

        return next((measure_cpu(pid) for pid, known in self._ranks.items() if known == rank), None)

    def list_leftovers(self) -> Sequence[str]:
        """Describe the descendants that are left."""
        return [f"{pid} ({spawn.describe_process(pid)})" for pid in spawn.list_descendants(os.getpid())]

    def list_notes(self) -> Sequence[str]:
        """Describe the ranks that the kernel does not end, and where they wait."""
        return [f"process {pid} could not be ended ({_describe(pid)})" for pid in self._ranks]

    def fetch(self) -> Sequence[str]:
        """Give nothing: the ranks write here."""
        return ()

    def abandon(self, timeout_s: float) -> None:
        """Kill every descendant."""
        spawn.end_descendants(timeout_s)

    def describe(self) -> Mapping[str, Any]:
        """Give nothing: the record has the ranks themselves."""
        return {}

    def close(self) -> bool:
        """Put nothing away, as there is nothing."""
        return True


def _describe(pid: int) -> str:
    return f"{spawn.describe_process(pid)}{spawn.describe_wait(pid)}"


def _spawn(process: Process, output: int, gate: int = -1) -> int:
    source = process.input if process.terminal is None else output
    variables = dict(process.variables)
    return spawn.spawn(process.argv, variables, directory=process.directory, output=output, gate=gate, source=source)


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return 0
