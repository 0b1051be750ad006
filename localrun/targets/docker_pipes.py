"""The pipes between one node's launcher and its run's supervisor."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    from collections.abc import Iterator, Mapping

    from localrun.supervise.process import Process


class Pipes:
    """What is said to a launcher, what it says, what its ranks print, and what they read.

    Attributes:
        folder: Where they are.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._control = self._status = -1
        self._keepers: dict[int, int] = {}
        self._inputs: dict[int, int] = {}
        self._rest = b""
        self._poll: select.poll | None = None

    def open(self, ranks: tuple[int, ...], processes: Mapping[int, Process]) -> Iterator[tuple[int, int]]:
        """Open them, and give each rank and where its output comes from.

        What a rank writes into, or reads, is held open from here until it has opened it.
        """
        self._inputs = {rank: processes[rank].input for rank in ranks if processes[rank].input >= 0}
        self._control = os.open(os.path.join(self.folder, "control"), os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._status = os.open(os.path.join(self.folder, "status"), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        for rank in ranks:
            source, self._keepers[rank] = processes[rank].terminal or _open_pipe(f"{self.folder}/out-{rank}")
            os.set_blocking(source, False)
            yield rank, source

    def attend(self, poll: select.poll) -> None:
        """Have a loop woken for what the launcher says."""
        import select as flags

        self._poll = poll
        poll.register(self._status, flags.POLLIN)

    def read_lines(self) -> list[str] | None:
        """Give what the launcher has said since the last call; None when nobody is there to say anything."""
        if self._status < 0:
            return []
        try:
            data = os.read(self._status, 65_536)
        except BlockingIOError:
            return []
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [line.decode("ascii", "replace") for line in lines]

    def hang_up(self) -> None:
        """Listen no more: the launcher has gone."""
        if self._poll is not None:
            self._poll.unregister(self._status)
        os.close(self._status)
        self._status = -1

    def tell(self, line: str) -> None:
        """Say something to the launcher; when the pipe is full it is not there to read, which is noticed elsewhere."""
        try:
            os.write(self._control, f"{line}\n".encode())
        except OSError:
            return

    def leave(self) -> None:
        """Let the launcher see that nobody has more to say: it ends everything in the container, and itself."""
        if self._control >= 0:
            os.close(self._control)
            self._control = -1

    def start(self, who: str) -> None:
        """Let go of what a rank, or a script, which has just started has opened itself, and of what it was told."""
        if who.isdigit() and int(who) in self._inputs:
            os.close(self._inputs.pop(int(who)))
        try:
            os.unlink(os.path.join(self.folder, f"start-{who}"))
        except OSError:
            return  # its folder goes at the end of the run

    def end(self, rank: int) -> None:
        """Let the output of a rank end."""
        keeper = self._keepers.pop(rank, -1)
        if keeper >= 0:
            os.close(keeper)

    def close(self) -> None:
        """Close them."""
        for descriptor in (self._control, self._status, *self._keepers.values(), *self._inputs.values()):
            if descriptor >= 0:
                os.close(descriptor)
        self._control = self._status = -1
        self._keepers.clear()
        self._inputs.clear()


def _open_pipe(path: str) -> tuple[int, int]:
    source = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    return source, os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
