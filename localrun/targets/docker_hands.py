"""Ranks in containers: started, heard and signalled through the pipes of `launcher.sh`, not through the engine.

The engine is asked to start the containers and to remove them. In between a run needs it only to learn why a container
ended that was not told to, so that an engine that is stopped or restarted ends nothing by itself.
"""

from __future__ import annotations

import os
import time

from localrun.adapters.engine_containers import inspect_container, remove_container, remove_network
from localrun.adapters.engine_errors import GONE, EngineLost, EngineRefused, EngineUnavailable
from localrun.errors import LocalrunError
from localrun.supervise.hands import Asked, Begun, Ended
from localrun.supervise.mpirun_hands import BLAME_AFTER_S, describe_failure
from localrun.targets.docker_node import NodeHands
from localrun.targets.docker_request import JOINER
from localrun.targets.docker_usage import Watch
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    from collections.abc import Callable, Mapping, Sequence

    from localrun.adapters.engine import Engine
    from localrun.supervise.hands import News
    from localrun.supervise.process import Process
    from localrun.targets.docker_request import Container

SIGKILL, SIGTERM = 9, 15
KILLED = 128 + SIGKILL
RECONNECT_S = 60.0
"""So long is an engine that has gone awaited, to learn from it how a container ended."""
RETRY_S = 0.25
REMOVED_WITHIN_S = 1.0
"""`docker rm -f` kills a container this long, at most, before it says that it removes it."""
NOTICED_WITHIN_S = 10.0
"""The pipe of a launcher ends with its container; the engine notices a moment later."""
FORCE_AFTER_S = 1.0
"""A container whose launcher does not pass SIGKILL on within this time is killed as a whole."""
REMOVE_S = 20.0
"""So long may the engine take to remove a container before somebody else has to."""


class DockerHands:
    """The containers of one run."""

    def __init__(  # noqa: PLR0913 - what the containers of a run have
        self,
        engine: Engine,
        containers: tuple[Container, ...],
        *,
        network: str = "",
        disciplines: tuple[tuple[str, ...], ...] = (),
        keep: bool = False,
        memory_bytes: int = 0,
        alone: bool = True,
        joined: str = "",
        take_back: Callable[[], tuple[str, ...]] | None = None,
    ) -> None:
        """Take over containers that have been made.

        Args:
            engine: Where they are.
            containers: One a node, ordered by node.
            network: The network of the run's own, to remove at the end; empty for none.
            disciplines: How slow or lossy what they send is, as `localrun.adapters.traffic` lists it.
            keep: They stay when the run has ended.
            memory_bytes: Their memory limit; 0 for none.
            alone: A container sees its own processes only.
            joined: The folder that `mpirun` and its ranks share, to remove at the end; empty for none.
            take_back: Called when all have ended, to make the files of another user this one's; None for nothing.
        """
        self._engine = engine
        self._joined = joined
        self._take_back = take_back
        self._containers = containers
        self._network = network
        self._disciplines = disciplines
        self._shaped: set[int] = set()
        self._notes: list[str] = []
        self._watch = Watch({rank: one.id for one in containers for rank in one.ranks})
        self._keep = keep
        self._memory_bytes = memory_bytes
        self._nodes = [NodeHands(container, engine, alone=alone) for container in containers]
        self._poll: select.poll | None = None
        self._news: list[News] = []
        self._out_of_memory = False
        self._lost_at = 0.0
        self._kill_at = 0.0
        self._blame_at = 0.0

    def start(self) -> None:
        """Ask the engine to start every container now, so that they boot while the rest is prepared.

        Raises:
            LocalrunError: there is no engine any more.
        """
        for node in self._nodes:
            node.start()

    def begin(self, processes: Sequence[Process], bootstraps: Sequence[Process]) -> Sequence[Begun]:
        """Listen, and ask the engine to start what it has not been asked to."""
        self._engine.close()  # its connection was the front end's
        scripted = {process.node for process in bootstraps}
        known = {process.rank: process for process in processes}
        begun: dict[int, Begun] = {}
        for node in self._nodes:
            now = time.monotonic()
            for rank, source in node.begin(known, scripted=node.container.node in scripted):
                begun[rank] = Begun(source=source, pid=0, at=now)
        return [begun[process.rank] for process in processes]

    def attend(self, poll: select.poll) -> None:
        """Wake up for what the launchers and the engine say."""
        self._poll = poll
        for node in self._nodes:
            node.attend(poll)

    def next_due(self) -> float | None:
        """Give when to look again without being woken."""
        due = [node.look_again_at for node in self._nodes if node.look_again_at]
        due += [0.0] if self._news else []
        due += [node.end_joiner_at for node in self._nodes if node.end_joiner_at]
        due += [self._blame_at] if self._blame_at else []
        due += [self._kill_at] if self._kill_at else []
        due += [self._watch.due] if self._watch.due and any(node.alive for node in self._nodes) else []
        return min(due, default=None)

    def collect(self) -> Sequence[News]:
        """Give what has happened.

        Raises:
            LocalrunError: a container could not be started.
        """
        for node in self._nodes:
            self._news += node.hear()
            if self._disciplines and node.ready and node.container.node not in self._shaped:
                self._shape(node)
            if node.dead and not node.explained:
                self._explain(node)
        self._blame_mpirun()
        if self._kill_at and time.monotonic() >= self._kill_at:
            self._kill_at = 0.0
            for node in self._nodes:
                node.remove(keep=False)
        if self._watch.due and time.monotonic() >= self._watch.due:
            self._watch.look(self._list_targets())
        found = [self._complete(one) for one in self._news]
        self._news = []
        self._out_of_memory = self._out_of_memory or any(isinstance(one, Ended) and one.out_of_memory for one in found)
        return found

    def _list_targets(self) -> dict[int, str]:
        """Give what signals are sent to, for each rank that runs."""
        return {rank: target for node in self._nodes for rank, target in node.list_targets().items()}

    def _complete(self, news: News) -> News:
        """Give the end of a rank with the peak of its memory."""
        if isinstance(news, Asked) or news.bootstrap:
            return news
        return replace(news, peak_memory_bytes=self._watch.peak(news.number))

    def _blame_mpirun(self) -> None:
        """Say so when `mpirun` has given the run up, and no rank has failed that could be the reason."""
        code = self._nodes[0].join_code
        if any(isinstance(news, Ended) and news.code for news in self._news):
            self._nodes[0].join_code, self._blame_at = 0, 0.0
        elif code and any(node.alive for node in self._nodes):
            self._blame_at = self._blame_at or time.monotonic() + BLAME_AFTER_S
            if time.monotonic() >= self._blame_at:
                self._nodes[0].join_code, self._blame_at = 0, 0.0
                note = describe_failure(code, os.path.join(self._nodes[0].container.folder, f"out-{JOINER}"))
                self._news.append(Asked(reason="mpirun_failed", code=code, note=note))

    def release(self, node: int) -> None:
        """Let the launcher of a node start its ranks."""
        self._nodes[node].release()

    def refuse(self, node: int) -> None:
        """Count the ranks of a node as ended that never started."""
        self._news += self._nodes[node].refuse(125)

    def signal(self, number: int) -> None:
        """Send a signal to every rank and script; SIGKILL reaches everything else in the containers as well."""
        if self._watch.due:
            self._watch.look(self._list_targets())
        for node in self._nodes:
            self._news += node.signal(number)
            if number == SIGKILL and not node.is_busy:
                node.remove(keep=self._keep)
        if number == SIGKILL and not self._kill_at and any(not node.dead for node in self._nodes):
            self._kill_at = time.monotonic() + FORCE_AFTER_S

    def list_leftovers(self) -> Sequence[str]:
        """Describe what runs in the containers beside the ranks; a container with nothing else is ended."""
        left: list[str] = []
        for node in self._nodes:
            left += node.look(keep=self._keep)
        return left

    def list_notes(self) -> Sequence[str]:
        """Describe the containers that have not ended, and the limit that a rank ran into."""
        notes = [
            f"the container {node.container.name} could not be ended, rank {rank} was in it"
            for node in self._nodes
            if not node.dead
            for rank in node.alive
        ]
        notes += self._notes
        if self._out_of_memory and self._memory_bytes:
            notes.append(f"the memory limit of each container is {self._memory_bytes // 1024**2:,} MiB (--memory)")
        return notes

    def measure(self, rank: int) -> float | None:
        """Give the processor seconds of a rank; None where the engine is on another machine."""
        from localrun.adapters.usage import measure_cpu

        pid = self._watch.find(rank, self._list_targets())
        return None if pid is None else measure_cpu(pid)

    @property
    def booting(self) -> bool:
        """Whether a container has still to start."""
        return not all(node.ready or node.dead for node in self._nodes)

    @property
    def gone(self) -> bool:
        """Whether all containers have ended, or are being removed with nothing in them but their launcher."""
        return all(node.leaving or (node.dead and node.explained) for node in self._nodes)

    def fetch(self) -> Sequence[str]:
        """Take back what the ranks, who write into the run's folder, have made as another user."""
        return self._take_back() if self._take_back is not None else ()

    def abandon(self, timeout_s: float) -> None:
        """Remove the containers."""
        deadline = time.monotonic() + timeout_s
        for node in self._nodes:
            node.kill_all()
        while time.monotonic() < deadline and not self._try_remove():
            time.sleep(RETRY_S)

    def close(self) -> bool:
        """Wait for the containers' removal, and remove the network; false when they are left to a later command."""
        deadline = time.monotonic() + REMOVE_S
        for node in self._nodes:
            if not self._keep:
                node.remove(keep=False)
        for node in self._nodes:
            node.await_removal(deadline)
            node.close()
        if self._joined and not self._keep:
            import shutil

            shutil.rmtree(self._joined, ignore_errors=True)
        return self._keep or self._try_remove()

    def _try_remove(self) -> bool:
        try:
            for node in self._nodes:
                if not node.removed:
                    remove_container(self._engine, node.container.id)
                    node.removed = True
            if self._network:
                remove_network(self._engine, self._network)
                self._network = ""
        except LocalrunError:
            return False
        return True

    def describe(self) -> dict[str, object]:
        """Give what the record says of the containers."""
        return {
            "containers": [{"node": one.node, "name": one.name, "id": one.id} for one in self._containers],
            "network": self._network,
            "kept": self._keep,
        }

    def _shape(self, node: NodeHands) -> None:
        """Make the network of a node what was asked for; its ranks have just been started."""
        from localrun.adapters.traffic import shape

        self._shaped.add(node.container.node)
        found = inspect_container(self._engine, node.container.id) or {}
        said = shape(int((found.get("State") or {}).get("Pid") or 0), self._disciplines)
        if said:
            self._notes.append(f"the network of {node.container.name} is as it was: {said}")

    def _explain(self, node: NodeHands) -> None:
        """Find out why a container ended that had ranks in it, and count these as ended."""
        if not node.alive and not node.scripted:
            node.explained = True
            return
        try:
            found = inspect_container(self._engine, node.container.id, timeout_s=5)
        except (EngineLost, EngineUnavailable):
            self._wait_for_engine(node)
            return
        except EngineRefused as error:
            found = None if error.status == GONE else {}
        state = (found or {}).get("State") or {}
        now = time.monotonic()
        if found is not None and now < node.died_at + _settles_within(state, asked=node.asked_at > 0):
            node.look_again_at = now + 0.05
            return
        self._conclude(node, found, state)

    def _wait_for_engine(self, node: NodeHands) -> None:
        now = time.monotonic()
        self._lost_at = self._lost_at or now
        if now < self._lost_at + RECONNECT_S:
            node.look_again_at = now + RETRY_S
            return
        note = f"the engine went away and did not come back: how {node.container.name} ended is not known"
        self._end(node, Asked(reason="daemon_lost", note=note), KILLED)

    def _conclude(self, node: NodeHands, found: dict[str, object] | None, state: dict[str, object]) -> None:
        name = node.container.name
        code = state.get("ExitCode")
        code = code if isinstance(code, int) and code else KILLED
        if state.get("OOMKilled"):
            self._end(node, None, KILLED, out_of_memory=True)
        elif found is None or state.get("Dead") or state.get("Status") == "removing":
            note = f"the container {name} was removed from outside"
            self._end(node, Asked(reason="container_removed", note=note), KILLED)
        elif self._lost_at and node.asked_at == 0:
            note = f"the container {name} ended with its engine (exit code {code})"
            self._end(node, Asked(reason="container_stopped", note=note), code)
        elif code in {KILLED, 128 + SIGTERM}:
            note = f"the container {name} was stopped from outside (exit code {code})"
            self._end(node, Asked(reason="container_stopped", note=note), code)
        else:
            reason = str(state.get("Error") or "") or f"its main process ended with exit code {code}"
            note = f"the container {name} ended by itself: {reason}"
            self._end(node, Asked(reason="container_failed", note=note), code)

    def _end(self, node: NodeHands, asked: Asked | None, code: int, *, out_of_memory: bool = False) -> None:
        node.explained = True
        node.look_again_at = 0.0
        if asked is not None:
            self._news.append(asked)
        self._news += node.end_all(code, out_of_memory=out_of_memory)


def _settles_within(state: Mapping[str, object], *, asked: bool) -> float:
    """Give how long after a container's end what the engine says of it may still change."""
    if state.get("Running"):
        return NOTICED_WITHIN_S
    killed = state.get("ExitCode") == KILLED and not state.get("OOMKilled")
    return REMOVED_WITHIN_S if killed and not asked and state.get("Status") != "removing" else 0
