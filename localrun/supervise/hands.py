"""What the loop needs done and cannot do itself: start ranks, say who has ended, signal, release, tidy up.

The loop decides, hands do. There is one kind for processes of this machine (`local_hands`) and one for containers
(`localrun.targets.docker_hands`); the loop knows neither.
"""

from __future__ import annotations

from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    from collections.abc import Mapping, Sequence
    from typing import Any, Protocol, TypeAlias

    from localrun.supervise.process import Process


@value
class Begun:
    """A rank that has been started, or stands ready behind its node's gate.

    Attributes:
        source: The descriptor to read its output from, not blocking; whoever is given it closes it.
        pid: The process that it began with; 0 when it is none of this machine's.
        at: When, on the monotonic clock.
    """

    source: int
    pid: int
    at: float


@value
class Ended:
    """A rank, or the bootstrap script of a node, that has ended.

    Attributes:
        number: The rank; for a bootstrap script its node.
        code: Exit code, minus n for signal n.
        bootstrap: It was a bootstrap script.
        out_of_memory: The kernel ended it for want of memory.
        started_at: When it was started, on the monotonic clock; 0: as it was begun.
        cpu_s: As in `localrun.supervise.outcome.RankOutcome`.
        peak_memory_bytes: As there.
    """

    number: int
    code: int
    bootstrap: bool = False
    out_of_memory: bool = False
    started_at: float = 0
    cpu_s: float = 0
    peak_memory_bytes: int | None = None


@value
class Asked:
    """Somebody outside of localrun ends the run, or has ended a part of it.

    Attributes:
        reason: The cause, as in `localrun.supervise.outcome.Cause`.
        note: One line for the record and the user; empty for none.
        code: The exit code that it brings, where it brings one.
    """

    reason: str
    note: str = ""
    code: int = 0


if TYPE_CHECKING:
    News: TypeAlias = Ended | Asked

    class Hands(Protocol):
        """Starts the ranks of one run and knows what becomes of them."""

        def begin(self, processes: Sequence[Process], bootstraps: Sequence[Process]) -> Sequence[Begun]:
            """Start every process; ranks of a node that has a bootstrap script wait until they are released.

            Args:
                processes: One a rank, ordered by rank.
                bootstraps: One for each node that has a bootstrap script.

            Returns:
                One a rank, ordered by rank.

            Raises:
                OSError: the system has no room for another process, pipe or file.
                LocalrunError: they cannot be started.
            """

        def attend(self, poll: select.poll) -> None:
            """Prepare to be asked for news, once the ranks run; register what the loop is to wake up for.

            SIGCHLD wakes the loop by itself.
            """

        def collect(self) -> Sequence[News]:
            """Give what has happened since the last call; called whenever the loop wakes up for it."""

        def next_due(self) -> float | None:
            """Give when `collect` is to be called although nothing woke the loop, on the monotonic clock."""

        def release(self, node: int) -> None:
            """Let the ranks of a node go on: its bootstrap script has ended well."""

        def refuse(self, node: int) -> None:
            """End the waiting ranks of a node: its bootstrap script has failed, or the run is being ended."""

        def signal(self, number: int) -> None:
            """Send a signal to everything of the run that is alive."""

        def measure(self, rank: int) -> float | None:
            """Give the processor seconds that a rank has used so far.

            None when nobody knows, or when it stands still and can use none. Asked for `--rank-timeout` only.
            """

        def list_leftovers(self) -> Sequence[str]:
            """Describe what the ranks, which have all ended, have left running; empty when there is nothing."""

        def list_notes(self) -> Sequence[str]:
            """Give what the record should say at the end, one line each: ranks that cannot be ended, for one."""

        @property
        def booting(self) -> bool:
            """Whether what the ranks run in has still to start; what can wait would take its time away."""

        @property
        def gone(self) -> bool:
            """Whether nothing of the run is left on its target."""

        def abandon(self, timeout_s: float) -> None:
            """Kill everything at once and wait so long for its end: localrun itself has failed."""

        def fetch(self) -> Sequence[str]:
            """Bring what the ranks wrote elsewhere into the run's folder; give notes for the record.

            Called once, when everything of the run has ended, before the record is closed.

            Raises:
                LocalrunError: it cannot be had.
            """

        def describe(self) -> Mapping[str, Any]:
            """Give what the record says of where the ranks run."""

        def close(self) -> bool:
            """Put away what the ranks ran in; called once, when the record is closed.

            Returns:
                False when something is left that a later command has to put away.
            """
