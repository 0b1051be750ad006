"""Ranks that an `mpirun` beside them knows: processes of this machine like all others, and one more process.

`mpirun` starts stand-ins; the ranks get from these what it tells them, and are started, heard, signalled and reaped
here. It ends by itself when the ranks have ended. When it ends before them with a code, it has given the run up.
"""

from __future__ import annotations

import os
import time

from localrun.adapters import signals, spawn
from localrun.supervise.hands import Asked, Ended
from localrun.supervise.local_hands import LocalHands

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    from collections.abc import Sequence

    from localrun.supervise.hands import Begun, News
    from localrun.supervise.process import Process

END_WITHIN_S = 5.0
"""So long may `mpirun` take to end when all ranks have."""
BLAME_AFTER_S = 0.1
"""A rank that called MPI_Abort may end a moment after `mpirun`: then the failure is the rank's."""
ENDED = b"e"
"""What a stand-in says before it ends because its rank has."""
LOST = 1
"""The exit code of a run whose `mpirun` kills a stand-in and does not say why."""
SHOWN_BYTES = 300
"""So much of what it said goes into a note."""


class MpirunHands(LocalHands):
    """The processes of one run, and its `mpirun`."""

    def __init__(self, mpirun: Process) -> None:
        """Begin with none; `mpirun` is started with the first rank."""
        super().__init__()
        self._mpirun = mpirun
        self._pid = 0
        self._code: int | None = None
        self._due: float | None = None
        self._blame_at = 0.0
        self._poll: select.poll | None = None
        self._stand_ins: dict[int, int] = {}
        self._said: dict[int, bytes] = {}

    def begin(self, processes: Sequence[Process], bootstraps: Sequence[Process]) -> Sequence[Begun]:
        """Start `mpirun` and every process."""
        place = os.path.dirname(self._mpirun.argv[1])
        for process in processes:
            path = os.path.join(place, f"{process.rank}.alive")
            self._stand_ins[os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)] = process.rank
        begun = super().begin(processes, bootstraps)
        log = os.open(self._mpirun.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        variables = dict(self._mpirun.variables)
        self._pid = spawn.spawn(self._mpirun.argv, variables, directory=self._mpirun.directory, output=log)
        os.close(log)
        return begun

    def attend(self, poll: select.poll) -> None:
        """Listen to the stand-ins too: when `mpirun` kills one, it means the rank."""
        super().attend(poll)
        self._poll = poll
        for source in self._stand_ins:
            poll.register(source, 1)  # POLLIN

    def collect(self) -> Sequence[News]:
        """Give the ranks and bootstrap scripts that have ended, and whether `mpirun` has given the run up."""
        found: list[News] = [*super().collect()]
        self._look_at_stand_ins()
        if self._pid and not self._ranks and self._due is None:
            self._due = time.monotonic() + END_WITHIN_S
        if self._pid and self._due is not None and time.monotonic() >= self._due:
            self._due = None
            for pid in (self._pid, *spawn.list_descendants(self._pid)):
                spawn.signal_process(pid, signals.SIGKILL)
        if any(isinstance(news, Ended) and news.code for news in found):
            self._code = None  # whose fault it is, is known
        elif self._code and self._ranks and time.monotonic() >= self._blame_at:
            found.append(
                Asked(reason="mpirun_failed", code=self._code, note=describe_failure(self._code, self._mpirun.log))
            )
            self._code = None
        return found

    def next_due(self) -> float | None:
        """Give when `mpirun` should have ended, or the rank for which it has."""
        if self._code and self._ranks:
            return self._blame_at
        return self._due if self._pid else None

    def list_leftovers(self) -> Sequence[str]:
        """Describe the descendants that are left, `mpirun` and its own apart: these go by themselves."""
        own = self._list_own()
        left = [pid for pid in spawn.list_descendants(os.getpid()) if pid not in own]
        return [f"{pid} ({spawn.describe_process(pid)})" for pid in left]

    def close(self) -> bool:
        """Remove the pipes of the ranks and their stand-ins."""
        import shutil

        shutil.rmtree(os.path.dirname(self._mpirun.argv[1]), ignore_errors=True)
        return True

    def _look_at_stand_ins(self) -> None:
        """Find stand-ins that have ended without having said that they do: `mpirun` has killed them for their rank."""
        for source, rank in tuple(self._stand_ins.items()):
            try:
                said = os.read(source, 16)
            except BlockingIOError:
                continue
            self._said[rank] = self._said.get(rank, b"") + said
            if said or not self._said[rank]:
                continue  # it is there, or has not begun yet
            if self._poll is not None:
                self._poll.unregister(source)
            os.close(source)
            del self._stand_ins[source]
            if not self._said[rank].endswith(ENDED) and rank in self._ranks.values() and not self._code:
                self._blame(LOST)

    def _take_other(self, pid: int, code: int) -> None:
        if pid == self._pid:
            self._pid = 0
            self._blame(code)

    def _blame(self, code: int) -> None:
        self._code = code
        self._blame_at = time.monotonic() + BLAME_AFTER_S

    def _list_spared(self, number: int) -> set[int]:
        """Who is asked to end gets it from the end of the ranks; `mpirun` would tell the ranks a second time."""
        return self._list_own() if self._ranks and number in (signals.SIGINT, signals.SIGTERM) else set()

    def _list_own(self) -> set[int]:
        return {self._pid, *spawn.list_descendants(self._pid)} if self._pid else set()


def describe_failure(code: int, log: str) -> str:
    """Say how `mpirun` ended a run: its code (minus n for signal n), and the beginning of its log."""
    how = f"exit code {code}" if code > 0 else f"signal {-code}"
    log = os.path.realpath(log)
    try:
        with open(log, "rb") as file:
            lines = file.read(SHOWN_BYTES).decode(errors="replace").split("\n")
    except OSError:
        lines = []
    said = " ".join(line.strip() for line in lines if line.strip(" -="))
    return f"mpirun ended the run with {how}{': ' * bool(said)}{said} (all of it: {log})"
