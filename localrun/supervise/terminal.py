"""The user's terminal, or standard input, in the hands of one rank.

The rank has a terminal of its own, a pseudo-terminal: what it prints there goes to its log like that of any rank, and
is shown from there; the keys that are pressed go straight to it. Ctrl-C is such a key: the rank's terminal makes the
signal.
"""

from __future__ import annotations

import fcntl
import os
import select
import termios

from localrun.adapters import signals
from localrun.adapters.prctl import PR_SET_PDEATHSIG, prctl
from localrun.errors import BadInput
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.plan import Plan
    from localrun.supervise.process import Process

WRITE_WAIT_MS = 1000


def check_terminal(plan: Plan, *, detached: bool) -> None:
    """Make sure that somebody is there to use the terminal, or the standard input, that a rank is to have.

    Raises:
        BadInput: nobody is.
    """
    if detached:
        raise BadInput("a detached run cannot have this terminal", key="-i, -t", hint="leave -d out")
    if plan.terminal and not os.isatty(0):
        raise BadInput("standard input is not a terminal", key="-t", hint="leave -t out, -i alone passes it on")
    if not plan.terminal and os.isatty(0):
        raise BadInput("standard input is a terminal", key="-i", hint="give -it: the rank then has a terminal")


def equip(plan: Plan, processes: tuple[Process, ...]) -> tuple[Process, ...]:
    """Give the processes, one of them with a terminal of its own or with this process's standard input."""
    rank = plan.terminal_rank
    if not plan.terminal:
        changed = replace(processes[rank], input=os.dup(0))
    else:
        changed = replace(processes[rank], terminal=open_terminal())
    return (*processes[:rank], changed, *processes[rank + 1 :])


def open_terminal() -> tuple[int, int]:
    """Open a terminal that is as large as this process's; give its master and its slave."""
    pair = os.openpty()
    copy_size(0, pair[0])
    return pair


def copy_size(source: int, target: int) -> None:
    """Give one terminal the size of another; what is no terminal is passed over."""
    try:
        size = fcntl.ioctl(source, termios.TIOCGWINSZ, b"\0" * 8)
        fcntl.ioctl(target, termios.TIOCSWINSZ, size)
    except OSError:
        return


def take_over(plan: Plan, process: Process) -> Relay | None:
    """Take over the user's terminal, or standard input, for the rank that has it, once the rank has been started."""
    if process.terminal is not None:
        os.close(process.terminal[1])  # so that it ends with the last process of the rank
        return Relay(process.terminal[0])
    if plan.target == "docker":
        _feed(process.input)
    return None


def _feed(pipe: int) -> None:
    """Have standard input passed on into a pipe by a process of its own, which ends with this one or with its reader.

    Args:
        pipe: A descriptor of the pipe for both directions; it is closed.
    """
    parent = os.getpid()
    if os.fork() == 0:
        try:
            prctl(PR_SET_PDEATHSIG, signals.SIGKILL)
            os.dup2(os.open(f"/dev/fd/{pipe}", os.O_WRONLY), 1)
            os.closerange(2, os.sysconf("SC_OPEN_MAX"))  # another end of the supervisor's pipe, and of this one
            while os.getppid() == parent and (data := os.read(0, 65_536)):
                while data:
                    data = data[os.write(1, data) :]
        finally:
            os._exit(0)
    os.close(pipe)


class Relay:
    """The keys on their way from the user's terminal to the rank's.

    Attributes:
        open: False once there are no more keys to come, or nobody to take them.
    """

    __slots__ = ("_before", "_master", "_previous", "open")

    def __init__(self, master: int) -> None:
        """Take over the terminal of standard input: every key goes to the rank as it is, and its size with it."""
        import tty

        self._master = master
        self._before = termios.tcgetattr(0)
        tty.setraw(0, termios.TCSANOW)  # what was typed until now is for the rank
        self._previous = signals.signal(signals.SIGWINCH, lambda *_: copy_size(0, master))
        copy_size(0, master)
        self.open = True

    def forward(self) -> None:
        """Pass on what has been pressed."""
        try:
            keys = os.read(0, 4096)
            self.open = bool(keys)
            while keys:
                keys = keys[self._write(keys) :]
        except OSError:
            self.open = False  # the rank has ended, or the terminal is gone

    def _write(self, keys: bytes) -> int:
        try:
            return os.write(self._master, keys)
        except BlockingIOError:  # the rank does not read
            poll = select.poll()
            poll.register(self._master, select.POLLOUT)
            return 0 if poll.poll(WRITE_WAIT_MS) else len(keys)

    def close(self) -> None:
        """Give the terminal back as it was."""
        termios.tcsetattr(0, termios.TCSADRAIN, self._before)
        signals.signal(signals.SIGWINCH, self._previous)
