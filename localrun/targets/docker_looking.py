"""A rank in a container with the user's terminal or standard input, or one that waits for a debugger.

The terminal is one of this machine. Its slave side is mounted into the container over the pipe that the rank's output
would take, and `launcher.sh` has the rank lead a session that opens it: so what is printed, the keys, Ctrl-C and the
size of the window are the kernel's business here as for a rank without a container.

Standard input goes through a pipe, into which a process beside this one passes it on.

The debugger's files are mounted where they are on this machine, and the port where it listens is published on the
loopback interface; in a container that has this machine's network it listens there itself.
"""

from __future__ import annotations

import os

from localrun.errors import BadInput
from localrun.supervise import terminal
from localrun.values import replace, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.plan import ContainerPlan, Plan
    from localrun.supervise.process import Process
    from localrun.targets.docker_request import Node
    from localrun.targets.docker_script import Start

LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104 - in a network that is the container's own


@value
class Debugging:
    """A debugger for one rank.

    Attributes:
        port: Where the rank waits, on the loopback interface of this machine.
        starter: The folder that goes in front of the rank's PYTHONPATH.
        debugpy: A folder with debugpy, for an image that has none; empty when it has.
    """

    port: int
    starter: str
    debugpy: str = ""


class Looking:
    """What is different about the ranks that somebody looks into."""

    def __init__(self, plan: Plan, container: ContainerPlan, debugging: Debugging | None) -> None:
        """Take what the ranks get.

        Args:
            plan: The plan; it says which ranks.
            container: What is asked of the containers.
            debugging: The debugger; None for none.

        Raises:
            BadInput: a container cannot have it.
        """
        self._plan = plan
        self._debugging = debugging
        self._address = LOOPBACK if container.network == "host" else EVERYWHERE
        self._terminal = _open_terminal(container) if plan.terminal_rank >= 0 and plan.terminal else None
        self._input = -1
        self._mode = 0o600 if _is_ours(container) else 0o666

    def change_node(self, node: Node) -> Node:
        """Give a node with what its ranks need of its container; in its folder is made what they need there."""
        if self._terminal is not None and self._plan.terminal_rank in node.ranks:
            node = replace(node, terminal=(os.ttyname(self._terminal[1]), self._plan.terminal_rank))
        elif self._plan.terminal_rank in node.ranks:
            self._input = _make_input(os.path.join(node.folder, f"in-{self._plan.terminal_rank}"), self._mode)
        if self._debugging is None or self._plan.debug_rank not in node.ranks:
            return node
        folders = [folder for folder in (self._debugging.starter, self._debugging.debugpy) if folder]
        ports = () if self._address == LOOPBACK else (f"{LOOPBACK}:{self._debugging.port}:{self._debugging.port}",)
        return replace(node, mounts=(*((folder, True) for folder in folders), *node.mounts), ports=ports)

    def change_start(self, rank: int, start: Start) -> Start:
        """Give how a rank is started."""
        if self._debugging is None or rank != self._plan.debug_rank:
            return start
        told = {
            "LOCALRUN_DEBUG_PORT": str(self._debugging.port),
            "LOCALRUN_DEBUG_ADDRESS": self._address,
            "LOCALRUN_DEBUGPY": self._debugging.debugpy,
        }
        # what stands last comes first in the variable
        leading = (*start.leading, ("PYTHONPATH", self._debugging.starter))
        return replace(start, variables=(*start.variables, *told.items()), leading=leading)

    def change_process(self, process: Process) -> Process:
        """Give a rank with its terminal, or with the pipe for what it reads."""
        if process.rank != self._plan.terminal_rank:
            return process
        return replace(process, terminal=self._terminal, input=self._input)


def _is_ours(container: ContainerPlan) -> bool:
    """Tell whether what only this user may open can be opened in a container."""
    return container.user.partition(":")[0] in {str(os.geteuid()), "0", "root"}


def _make_input(path: str, mode: int) -> int:
    os.mkfifo(path, mode)
    os.chmod(path, mode)
    return os.open(path, os.O_RDWR | os.O_CLOEXEC)


def _open_terminal(container: ContainerPlan) -> tuple[int, int]:
    if not _is_ours(container):
        message = f"a terminal of this machine is not for {container.user or 'the user that the image names'}"
        hint = "leave --user out, or go into a container that runs: localrun exec -it RUN bash"
        raise BadInput(message, key="-t", hint=hint)
    return terminal.open_terminal()


def check_network(network: str) -> None:
    """Make sure that a debugger of this machine reaches a container.

    Raises:
        BadInput: it does not, in this network.
    """
    if network == "none" or network.startswith("container:"):
        hint = "leave --network out, or give --network host"
        raise BadInput(f"no debugger reaches a container with the network {network}", key="--debug", hint=hint)
