"""The supervisor's loop: starts the processes of a run, carries their output, ends them, and says how it ended.

One loop, no polling: it sleeps until a rank prints or ends, somebody asks for something, or a time limit is due.
"""

from __future__ import annotations

import os
import select
import time

from localrun.adapters import signals
from localrun.supervise.course import SIGKILL, Course
from localrun.supervise.hands import Asked
from localrun.supervise.outcome import Outcome, RankOutcome, conclude
from localrun.supervise.pump import ROOM_BYTES, make_pumps
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from localrun.supervise.hands import Begun, Ended, Hands
    from localrun.supervise.process import Process
    from localrun.supervise.pump import Pump
    from localrun.supervise.sampling import Sampler
    from localrun.supervise.times import Times

SIGNALLED = {signals.SIGTERM: "terminated", signals.SIGINT: "interrupted", signals.SIGHUP: "hung_up"}
"""What a signal to the supervisor asks for."""
WORDS = {signals.SIGTERM: b"t", signals.SIGINT: b"i", signals.SIGHUP: b"h"}
"""What the front end writes into the control pipe when it gets such a signal."""
RELEASE = b"e"
"""What it writes when ranks that are held need not be held any more."""
ASKED = {WORDS[number]: reason for number, reason in SIGNALLED.items()} | {b"": "front_end_lost", RELEASE: "released"}
"""What each of these asks for; the end of the pipe is the front end's end."""
STAND_STILL, GO_ON = b"z", b"c"
"""What it writes when it is stopped by Ctrl-Z, and when it goes on."""
GROWN, HELD = b".", b"h"
"""What the front end reads when a log has grown, and when the ranks are held after a failure."""
QUIET_S = 0.05
"""After so long without a sign of life from the ranks, nobody waits for what they print."""
QUIET_AT_LAST_S = 0.25
"""Ranks that never stop printing count as quiet after so long."""
BOOTED_AT_LAST_S = 2.0
"""What starts for the ranks, such as a container, has the machine for itself for so long."""
LONGEST_WAIT_S = 86_400.0
"""poll counts milliseconds in 32 bits, so a time limit of weeks is waited for a day at a time."""
CLOSE_AFTER_S = 2.0
"""A log whose pipe is held open by somebody outside of the run is closed after so long."""


class Supervisor:
    """A run in the hands of this process.

    Attributes:
        pids: For each rank its process id; 0 when it is no process of this machine.
    """

    def __init__(
        self,
        processes: Sequence[Process],
        bootstraps: Sequence[Process],
        course: Course,
        wake: int,
        hands: Hands,
        *,
        times: Times | None = None,
        sampler: Sampler | None = None,
    ) -> None:
        """Take over the processes.

        Args:
            processes: One a rank, ordered by rank.
            bootstraps: For each node that has one, its bootstrap script; the ranks of that node wait for it.
            course: The course of the run, at its beginning.
            hands: What starts and ends them.
            wake: A descriptor that gets one byte whenever a log has grown; -1 for none.
            times: Where it is noted when the ranks print; None for nowhere.
            sampler: Who writes down what the ranks use; None for nobody.
        """
        self._on_quiet: Callable[[], None] | None = None
        self._on_hold: Callable[[Outcome], None] | None = None
        self._times = times
        self._sampler = sampler
        self._processes = processes
        self._bootstraps = bootstraps
        self._course = course
        self._hands = hands
        self._silence = course.silence
        self._wake = wake
        self._began = time.monotonic()
        self._poll = select.poll()
        self._pumps: list[Pump] = []
        self._open: dict[int, Pump] = {}
        self._begun: Sequence[Begun] = ()
        self._scripts = {process.node for process in bootstraps}
        self._gated = {process.rank for process in processes if process.node in self._scripts}
        self._ended: dict[int, RankOutcome] = {}
        self._notes: list[str] = []
        self.pids: tuple[int, ...] = ()

    def start(self) -> None:
        """Start every process; those that wait for a bootstrap script stand ready behind their node's gate.

        Signals that ask for the run's end should be held until `run`.

        Raises:
            OSError: the system has no room for another process, pipe or file.
            LocalrunError: the target cannot start them.
        """
        room = memoryview(bytearray(ROOM_BYTES))
        self._pumps = make_pumps(self._processes, room)
        self._begun = self._hands.begin(self._processes, self._bootstraps)
        for pump, begun in zip(self._pumps, self._begun, strict=True):
            pump.listen(begun.source)
            self._open[begun.source] = pump
            self._poll.register(begun.source, select.POLLIN)
        self.pids = tuple([begun.pid for begun in self._begun])

    def run(
        self,
        control: int,
        on_bootstrap: Callable[[int, int], None],
        on_quiet: Callable[[], None] | None = None,
        on_hold: Callable[[Outcome], None] | None = None,
    ) -> Outcome:
        """Carry the run to its end.

        Args:
            control: The pipe of the front end; -1 for a detached run.
            on_bootstrap: Called with node and exit code when a bootstrap script has ended, before its ranks go on.
            on_quiet: Called once, as soon as the ranks do not print for a moment; never when the run is over before.
            on_hold: Called once, with the outcome so far, when the ranks are held after a failure.

        Returns:
            The outcome; every process of the run has ended, or a note says which could not be ended.
        """
        self._on_quiet, self._on_hold = on_quiet, on_hold
        heard = _listen_to_signals()
        self._poll.register(heard, select.POLLIN)
        if control >= 0:
            self._poll.register(control, select.POLLIN)
        self._hands.attend(self._poll)
        self._collect(on_bootstrap)
        while not self._finished():
            self._send(self._course.take_signal(self._now()))
            grown, told = 0, False
            ready = self._poll.poll(self._wait_ms(QUIET_S if self._on_quiet else None))
            for source, _ in ready:
                if source in self._open:
                    grown += self._move(source)
                elif source == control:
                    self._hear(control)
                else:
                    self._obey(os.read(heard, 4096) if source == heard else b"")
                    told = True
            if grown:
                self._tell()
            if told or self._is_due():
                self._collect(on_bootstrap)
            self._look_up(idle=not ready)
        self._close()
        return self._conclude()

    def _look_up(self, *, idle: bool) -> None:
        """Do what can wait until nobody waits for this process."""
        if self._sampler is not None:
            self._sampler.sample()
        now = self._now()
        booting = now < BOOTED_AT_LAST_S and self._hands.booting
        if self._on_quiet and not booting and (idle or now > QUIET_AT_LAST_S):
            self._on_quiet()
            self._on_quiet = None
        if self._course.held and self._on_hold and not self._on_quiet:
            self._on_hold(self._conclude())
            self._on_hold = None
            self._tell(HELD)

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _wait_ms(self, most_s: float | None) -> int | None:
        due, hands_due = self._course.next_due(), self._hands.next_due()
        waits = [] if most_s is None else [most_s]
        waits += [] if due is None else [due - self._now()]
        waits += [] if self._sampler is None else [self._sampler.due - time.monotonic()]
        waits += [] if hands_due is None else [hands_due - time.monotonic()]
        return max(0, int(min(*waits, LONGEST_WAIT_S) * 1000) + 1) if waits else None

    def _is_due(self) -> bool:
        due = self._hands.next_due()
        return due is not None and due <= time.monotonic()

    def _finished(self) -> bool:
        if self._course.held:
            return False
        if self._course.alive or self._scripts or not self._hands.gone:
            return self._course.over
        return True

    def _move(self, source: int) -> int:
        pump = self._open[source]
        count = pump.move()
        if count and self._silence is not None:
            self._silence.hear(pump.rank, self._now())
        if self._times is not None:
            self._times.note(pump.rank, pump.stored)
        if self._open[source].source < 0:
            self._poll.unregister(source)
            del self._open[source]
        return count

    def _tell(self, news: bytes = GROWN) -> None:
        if self._wake < 0:
            return
        try:
            if news != GROWN:
                _wait_for_room(self._wake)
            os.write(self._wake, news)
        except BlockingIOError:
            pass  # it has bytes enough to wake up from
        except OSError:
            self._wake = -1

    def _hear(self, control: int) -> None:
        asked = os.read(control, 1)
        if not asked:
            self._poll.unregister(control)
        if asked in (STAND_STILL, GO_ON):
            self._stand_still(still=asked == STAND_STILL)
        elif asked in ASKED and (asked != RELEASE or self._course.held):
            self._ask_to_end(ASKED[asked])

    def _obey(self, numbers: bytes) -> None:
        for number in numbers:
            if number in SIGNALLED:
                self._ask_to_end(SIGNALLED[number])
            elif number in (signals.SIGTSTP, signals.SIGCONT):
                self._stand_still(still=number == signals.SIGTSTP)

    def _ask_to_end(self, reason: str, code: int = 0) -> None:
        self._stand_still(still=False)  # who stands still cannot end
        self._course.ask_to_end(reason, self._now(), code)

    def _stand_still(self, *, still: bool) -> None:
        if still == self._course.paused or (still and self._course.cause is not None):
            return
        self._hands.signal(signals.SIGSTOP if still else signals.SIGCONT)
        if still:
            self._course.pause(self._now())
        else:
            self._course.resume(self._now())

    def _collect(self, on_bootstrap: Callable[[int, int], None]) -> None:
        for news in self._hands.collect():
            if isinstance(news, Asked):
                self._hear_from_outside(news)
            elif news.bootstrap:
                self._end_bootstrap(news, on_bootstrap)
            else:
                self._end_rank(news)
        if self._hands.gone:
            return
        if self._course.killing:  # what was born while the others were killed
            self._send(SIGKILL)
        elif not self._course.alive and not self._scripts and not self._course.held:
            self._look_for_leftovers()

    def _hear_from_outside(self, asked: Asked) -> None:
        if asked.note and self._course.cause is None:
            self._notes.append(asked.note)
        self._ask_to_end(asked.reason, asked.code)

    def _end_rank(self, ended: Ended) -> None:
        rank = ended.number
        now = self._now()
        stopped = self._course.cause is not None
        self._course.end_rank(rank, ended.code, now, out_of_memory=ended.out_of_memory and not stopped)
        status = "completed" if ended.code == 0 else "stopped" if stopped else "failed"
        waited = rank in self._gated
        self._ended[rank] = RankOutcome(
            rank=rank,
            pid=self.pids[rank],
            status="not_started" if waited else status,
            code=None if waited else ended.code,
            started_at=(ended.started_at or self._begun[rank].at) - self._began,
            ended_at=now,
            cpu_s=ended.cpu_s,
            peak_memory_bytes=ended.peak_memory_bytes,
        )

    def _end_bootstrap(self, ended: Ended, on_bootstrap: Callable[[int, int], None]) -> None:
        node = ended.number
        self._scripts.discard(node)
        if self._course.end_bootstrap(node, ended.code, self._now()):
            self._gated -= {process.rank for process in self._processes if process.node == node}
            self._hands.release(node)
            on_bootstrap(node, ended.code)
        else:
            on_bootstrap(node, ended.code)
            self._hands.refuse(node)

    def _look_for_leftovers(self) -> None:
        left = self._hands.list_leftovers()
        if left and self._course.end_leftovers(self._now()):
            known = ", ".join(left[:3])
            self._notes.append(f"the ranks left {len(left)} running process{'es' * (len(left) > 1)}: {known}")

    def _send(self, number: int | None) -> None:
        if number is not None:
            self._hands.signal(number)

    def _close(self) -> None:
        deadline = self._now() + CLOSE_AFTER_S
        for pump in self._pumps:
            pump.drain()
        while self._open_pumps() and self._now() < deadline:
            _wait_for_any([pump.source for pump in self._open_pumps()], deadline - self._now())
            for pump in self._open_pumps():
                pump.move()
        for rank, pump in enumerate(self._pumps):
            if self._times is not None:
                self._times.note(rank, pump.stored)
            if pump.source >= 0:
                pump.close()
                self._notes.append(f"the log of rank {rank} was closed while a process outside of the run held it open")
        self._notes += self._hands.list_notes()
        self._tell()

    def _open_pumps(self) -> list[Pump]:
        return [pump for pump in self._pumps if pump.source >= 0]

    def _conclude(self) -> Outcome:
        cause = self._course.first_cause
        status, exit_code, origin, kind = conclude(cause)
        ended = self._ended | {rank: self._describe_unended(rank) for rank in self._course.alive}
        dropped = sum(pump.dropped for pump in self._pumps)
        lost = [f"{dropped:,} bytes of output could not be stored"] if dropped else []
        return Outcome(
            status=status,
            exit_code=exit_code,
            origin=origin,
            kind=kind,
            cause=cause,
            ranks=tuple(replace(ended[rank], dropped_bytes=self._pumps[rank].dropped) for rank in sorted(ended)),
            notes=(*self._notes, *lost),
            duration_s=self._now(),
        )

    def _describe_unended(self, rank: int) -> RankOutcome:
        begun = self._begun[rank]
        status = "running" if self._course.held else "stopped"
        at = begun.at - self._began
        return RankOutcome(rank=rank, pid=begun.pid, status=status, code=None, started_at=at, ended_at=self._now())


def _wait_for_room(pipe: int) -> None:
    poll = select.poll()
    poll.register(pipe, select.POLLOUT)
    poll.poll(1000)


def _wait_for_any(sources: Sequence[int], timeout_s: float) -> None:
    poll = select.poll()
    for source in sources:
        poll.register(source, select.POLLIN)
    poll.poll(max(1, int(timeout_s * 1000)))


def _listen_to_signals() -> int:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signals.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signals.SIGCHLD, signals.SIGTSTP, signals.SIGCONT, *SIGNALLED):
        signals.signal(number, _pass)
    signals.pthread_sigmask(signals.SIG_SETMASK, ())
    return reader


def _pass(*_: object) -> None:
    """Let the wake-up descriptor tell."""
