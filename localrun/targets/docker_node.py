"""One node's container, as its run's supervisor sees it."""

from __future__ import annotations

import time

from localrun.adapters.engine_containers import begin_remove, begin_start, begin_wait
from localrun.adapters.engine_errors import CLASH, GONE, EngineRefused
from localrun.errors import LocalrunError
from localrun.supervise.hands import Asked, Ended
from localrun.targets.docker_pipes import Pipes
from localrun.targets.docker_request import JOINER
from localrun.workspace.contained import note_target

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    from collections.abc import Iterator, Mapping

    from localrun.adapters.engine import Engine
    from localrun.adapters.engine_containers import Pending
    from localrun.supervise.hands import News
    from localrun.supervise.process import Process
    from localrun.targets.docker_request import Container

TICKS_PER_S = 100
"""What proc(5) counts processor time in, on every machine that runs containers."""
KILLED = 137
BOOTSTRAP = "bootstrap"
JOINED_WITHIN_S = 5.0
"""So long may the process that joins the nodes take to end when all ranks have."""


class NodeHands:
    """One launcher, and what is known of the ranks behind it.

    Attributes:
        container: The container.
        alive: Ranks that have not ended.
        scripted: The bootstrap script has not ended.
        ready: The launcher runs.
        dead: The container has ended.
        explained: Why is known, or there is nothing to explain.
        died_at: When that was seen, on the monotonic clock.
        asked_at: When somebody else asked the container to stop; 0: nobody.
        look_again_at: When to look again at why it ended; 0: not at all.
        leaving: Its ranks have ended and left nothing running; the engine has been asked to remove it.
        removed: The engine has removed it.
        end_joiner_at: When the process that joins the nodes is ended; 0: it need not be, for now.
        join_code: The exit code of that process, once it has ended; minus n for signal n.
    """

    def __init__(self, container: Container, engine: Engine, *, alone: bool) -> None:
        self.container = container
        self.alive = set(container.ranks)
        self.scripted = False
        self.ready = self.dead = self.explained = self.removed = self.leaving = False
        self.died_at = self.asked_at = self.look_again_at = 0.0
        self._engine = engine
        self._alone = alone
        self._poll: select.poll | None = None
        self._pipes = Pipes(container.folder)
        self._begin: Pending | None = None
        self._wait: Pending | None = None
        self._removal: Pending | None = None
        self._processes: dict[str, str] = {}
        self._started: dict[int, float] = {}
        self._signals: list[int] = []
        self._released = self._bare = False
        self._look = ""  # "", looking, left, sweeping, clean
        self._left: list[str] = []
        self._joiner = ""
        self.end_joiner_at, self.join_code = 0.0, 0

    @property
    def is_busy(self) -> bool:
        """Whether a rank or the bootstrap script has not ended."""
        return bool(self.alive) or self.scripted

    def list_targets(self) -> dict[int, str]:
        """Give what signals are sent to, for each rank that runs: its process id there, minus that for its group."""
        return {int(who): target for who, target in self._processes.items() if who != BOOTSTRAP}

    def begin(self, processes: Mapping[int, Process], *, scripted: bool) -> Iterator[tuple[int, int]]:
        """Open the pipes and see to the container's start; give each rank and where its output comes from.

        `scripted`: a bootstrap script comes first.
        """
        self.scripted = scripted
        self._released = not scripted
        yield from self._pipes.open(self.container.ranks, processes)
        self.start()

    def start(self) -> None:
        """Ask for the container's start, unless that has been done; its launcher waits until its pipes are opened."""
        if self._begin is None:
            self._wait = begin_wait(self._engine, self.container.id)
            self._begin = begin_start(self._engine, self.container.id)

    def attend(self, poll: select.poll) -> None:
        """Have the loop woken for what comes in."""
        import select as flags

        self._poll = poll
        self._pipes.attend(poll)
        for pending in (self._begin, self._wait):
            if pending is not None:
                poll.register(pending, flags.POLLIN)

    def hear(self) -> list[News]:
        """Give what has happened since the last call.

        Raises:
            LocalrunError: the container could not be started.
        """
        news: list[News] = []
        self._hear_engine()
        lines = self._pipes.read_lines()
        if lines is None and self.ready:
            self._pipes.hang_up()
            self._die()
        for line in lines or ():
            news += self._understand(line)
        return news

    def _hear_engine(self) -> None:
        if self._begin is not None and self._begin.is_complete():
            begin, self._begin = self._forget(self._begin), None
            try:
                begin.take()
            except EngineRefused as error:
                from localrun.targets.docker_refusals import explain_refusal

                raise explain_refusal(self._engine, error) from None
            except LocalrunError:
                pass  # the engine went away in between; the launcher tells whether it has started
        if self._wait is not None and self._wait.is_complete():
            wait, self._wait = self._forget(self._wait), None
            try:
                wait.take()
            except LocalrunError:
                return  # it says nothing of the container: the pipe of its launcher does
            self._die()
        if self._removal is not None and self._removal.is_complete():
            self._take_removal(60)

    def _take_removal(self, timeout_s: float) -> None:
        assert self._removal is not None  # noqa: S101 - the callers have looked
        removal, self._removal = self._forget(self._removal), None
        try:
            removal.take(timeout_s)
            self.removed = True
        except EngineRefused as error:
            self.removed = error.status in {GONE, CLASH}
        except LocalrunError:
            return
        if self.removed:
            self._die()

    def _forget(self, pending: Pending) -> Pending:
        if self._poll is not None:
            self._poll.unregister(pending)
        return pending

    def _die(self) -> None:
        """The container has ended; what it still had to say is in the pipe."""
        if not self.dead:
            self.dead = True
            self.died_at = time.monotonic()

    def _understand(self, line: str) -> list[News]:
        match line.split(" "):
            case ["ready"]:
                self.ready = True
            case ["started", who, target]:
                return self._start(who, target)
            case ["ended", who, code, kills, ticks]:
                return self._end(who, int(code), int(kills), int(ticks))
            case ["asked"]:
                return self._ask()
            case ["left", pid, *words]:
                self._left.append(f"{pid} in {self.container.name} ({' '.join(words)})")
            case ["looked"]:
                self._look = "left" if self._left else "clean"
                self._bare = not self._left
            case ["swept"]:
                self._look = "clean"
        return []

    def _start(self, who: str, target: str) -> list[News]:
        if who == JOINER:
            self._joiner = target
        else:
            self._processes[who] = target
        if who not in {BOOTSTRAP, JOINER}:
            self._started[int(who)] = time.monotonic()
            note_target(self.container.folder, int(who), target)
        self._pipes.start(who)
        for number in self._signals if who != JOINER else ():
            self._pipes.tell(f"signal {number} {target}")
        return []

    def _end(self, who: str, code: int, kills: int, ticks: int) -> list[News]:
        self._processes.pop(who, None)
        if who == BOOTSTRAP:
            self.scripted = False
            return [Ended(number=self.container.node, code=code, bootstrap=True)]
        if who == JOINER:
            self._joiner, self.join_code, self.end_joiner_at = "", code, 0.0
            return []
        rank = int(who)
        if rank not in self.alive:
            return []
        self.alive.discard(rank)
        self._pipes.end(rank)
        note_target(self.container.folder, rank, "")
        return [
            Ended(
                number=rank,
                code=code,
                out_of_memory=code == KILLED and kills > 0,
                started_at=self._started.get(rank, 0),
                cpu_s=ticks / TICKS_PER_S,
            )
        ]

    def _ask(self) -> list[News]:
        first = self.asked_at == 0
        self.asked_at = time.monotonic()
        if not first or not self.is_busy:
            return []
        note = f"the container {self.container.name} was asked to stop from outside (docker stop, or the engine's end)"
        return [Asked(reason="container_stopped", note=note)]

    def release(self) -> None:
        """Let the ranks start."""
        self._released = True
        self._pipes.tell("go")

    def refuse(self, code: int) -> list[News]:
        """Give the ranks that wait for the bootstrap script as ended."""
        if self._released:
            return []
        self._released = True
        return self.end_all(code)

    def end_all(self, code: int, *, out_of_memory: bool = False) -> list[News]:
        """Give everything that has not ended as ended."""
        news: list[News] = []
        if self.scripted:
            self.scripted = False
            news.append(Ended(number=self.container.node, code=code, bootstrap=True))
        for rank in sorted(self.alive):
            self._pipes.end(rank)
            news.append(
                Ended(number=rank, code=code, out_of_memory=out_of_memory, started_at=self._started.get(rank, 0))
            )
        self.alive.clear()
        return news

    def signal(self, number: int) -> list[News]:
        """Pass a signal on; give the ranks that had not started as ended by it."""
        if self.dead:
            return []
        if self._look == "left" and number != KILLED - 128:
            self._look = "sweeping"
            self._pipes.tell("sweep")
        targets = " ".join(self._processes.values())
        if targets:
            self._pipes.tell(f"signal {number} {targets}")
        if self._released and len(self._started) < len(self.container.ranks):
            self._signals.append(number)  # for those that are just being started
        if self._released:
            return []
        waiting, self._released = sorted(self.alive), True
        self.alive.clear()
        for rank in waiting:
            self._pipes.end(rank)
        if BOOTSTRAP not in self._processes:
            self._signals.append(number)
        return [Ended(number=rank, code=-number) for rank in waiting]

    def look(self, *, keep: bool) -> list[str]:
        """Find out what the ranks have left running; when it is nothing, the container is ended."""
        if self.dead or self.is_busy or self._awaits_joiner():
            return []
        if not self._look:
            self._look = "looking" if self._alone and self._started else "clean"
            if self._look == "looking":
                self._pipes.tell("look")
        if self._look == "clean":
            self.remove(keep=keep)
            self.leaving = self._bare and self._removal is not None
        return self._left if self._look in {"left", "sweeping"} else []

    def _awaits_joiner(self) -> bool:
        """Tell whether the process that joins the nodes has still to end; it is ended when that takes long."""
        if not self._joiner:
            return False
        now = time.monotonic()
        self.end_joiner_at = self.end_joiner_at or now + JOINED_WITHIN_S
        if now >= self.end_joiner_at:
            self._pipes.tell(f"signal 9 {self._joiner}")
            self.end_joiner_at = now + JOINED_WITHIN_S
        return True

    def remove(self, *, keep: bool) -> None:
        """End the container; `keep`: and leave it there."""
        if self._removal is not None or self.removed:
            return
        if keep:
            self._pipes.tell("end")
            return
        try:
            self._removal = begin_remove(self._engine, self.container.id)
        except LocalrunError:
            self._pipes.tell("end")
            return
        if self._poll is not None:
            import select as flags

            self._poll.register(self._removal, flags.POLLIN)

    def await_removal(self, deadline: float) -> None:
        """Wait for the engine to have removed it."""
        if self._removal is not None:
            self._take_removal(max(deadline - time.monotonic(), 0.01))

    def kill_all(self) -> None:
        """Have the launcher go, and with it everything in the container, whether or not the engine answers."""
        self._pipes.leave()

    def close(self) -> None:
        """Close the pipes."""
        for pending in (self._begin, self._wait):
            if pending is not None:
                pending.close()
        self._pipes.close()
