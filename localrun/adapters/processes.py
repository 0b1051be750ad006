"""Other processes: who they are, and ending them without ever meeting a stranger.

A pid alone names nobody: it is handed out again. Here a process is its pid and its start time, valid for one boot of
the machine. Signals go through a pidfd (Linux 5.3) where the system has them: it is opened first and the start time
compared after, so that a signal reaches the process that was meant, or none.

psutil is asked for what needs a walk over all processes, and for everything on systems without /proc.
"""

from __future__ import annotations

import os

from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KILL_WAIT_S = 5.0
"""How long a killed process may take to go; longer is a process that the kernel cannot end now."""
NAMING = ("AZUREML_PROCESS_NAME", "AZUREML_CR_NODE_RANK")
"""The variables whose values together name a rank of a run: without a distribution each node has a `main`."""
_POLL_S = 0.02
_GROUP = 4  # PIDFD_SIGNAL_PROCESS_GROUP of linux/pidfd.h, Linux 6.9


@value
class Process:
    """One process of this boot.

    Attributes:
        pid: Its process id.
        start: Its start time: clock ticks since boot (field 22 of /proc/PID/stat), elsewhere psutil's create_time.
    """

    pid: int
    start: str


def boot_id() -> str:
    """Give a text that changes with every boot of the machine."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return file.read().decode().strip()  # a file opened as ASCII text would import a codec
    except OSError:
        import psutil

        return str(int(psutil.boot_time()))


def identify(pid: int) -> Process | None:
    """Give the process that has this pid now, a zombie included; None when there is none."""
    start = _status(pid)[2]
    return Process(pid=pid, start=start) if start else None


def is_alive(process: Process) -> bool:
    """Tell whether the process still runs; a zombie does not."""
    state, _, start = _status(process.pid)
    return start == process.start and state not in ("Z", "X")


def _status(pid: int) -> tuple[str, int, str]:
    """Give state letter, parent's pid and start time; empty texts when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            words = file.read().rpartition(b")")[2].split()
        return words[0].decode(), int(words[1]), words[19].decode()
    except (FileNotFoundError, ProcessLookupError):
        return ("", 0, "") if os.path.exists("/proc/self/stat") else _asked_status(pid)
    except (OSError, IndexError):
        return "", 0, ""


def _asked_status(pid: int) -> tuple[str, int, str]:
    import psutil

    try:
        process = psutil.Process(pid)
        state = "Z" if process.status() == psutil.STATUS_ZOMBIE else "R"
        return state, process.ppid(), repr(process.create_time())
    except psutil.Error:
        return "", 0, ""


def look_into(process: Process) -> tuple[dict[str, str], str] | None:
    """Give the environment variables that a process was started with and the folder that it works in now.

    Returns:
        None when it is gone or belongs to somebody else.
    """
    import psutil

    try:
        seen = psutil.Process(process.pid)
        found = seen.environ(), seen.cwd()
    except (psutil.Error, OSError):
        return None
    return found if is_alive(process) else None


def send(process: Process, number: int) -> bool:
    """Send a signal to exactly this process; False when it is gone or may not be signalled."""
    return _send(process, number, group=False)


def send_group(process: Process, number: int) -> bool:
    """Send a signal to the process group that this process leads, or to it alone when it leads none.

    Returns:
        False when the process is gone or may not be signalled.
    """
    try:
        leads = os.getpgid(process.pid) == process.pid
    except OSError:
        return False
    return _send(process, number, group=leads)


def _send(process: Process, number: int, *, group: bool) -> bool:
    descriptor = _open_pidfd(process.pid)
    try:
        if not is_alive(process):
            return False
        if descriptor >= 0 and _send_by_pidfd(descriptor, number, group=group):
            return True
        # a group is addressed right after its leader was seen alive; a single process without a pidfd likewise
        os.killpg(process.pid, number) if group else os.kill(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    return True


def _open_pidfd(pid: int) -> int:
    """Give a pidfd, or -1 when there is no such process or the system has none."""
    if not hasattr(os, "pidfd_open"):
        return -1
    try:
        return os.pidfd_open(pid)
    except OSError:
        return -1


def _send_by_pidfd(descriptor: int, number: int, *, group: bool) -> bool:
    """Send by pidfd; False when this kernel cannot (no group flag, no such call)."""
    import signal

    try:
        signal.pidfd_send_signal(descriptor, number, None, _GROUP if group else 0)
    except (ProcessLookupError, PermissionError):
        raise
    except OSError:
        return False
    return True


def tagged(name: str, text: str) -> tuple[Process, ...]:
    """Give the living processes that were started with the environment variable `name` set to `text`.

    The caller itself is left out, and processes whose environment the user may not read.
    """
    import psutil

    found = []
    for pid in psutil.pids():
        before = identify(pid)
        if before is None or pid == os.getpid():
            continue
        try:
            matches = psutil.Process(pid).environ().get(name) == text
        except (psutil.Error, OSError):
            continue
        if matches and is_alive(before):
            found.append(before)
    return tuple(found)


def name_rank(variables: Mapping[str, str]) -> tuple[str, ...]:
    """Give what tells a rank from the others of its run, by its environment variables."""
    return tuple([variables.get(name, "") for name in NAMING])


def first_of_ranks(run_id: str, named: Mapping[tuple[str, ...], int]) -> dict[int, Process]:
    """Find the first living process of each rank of a run by its environment variables, in containers too.

    Args:
        run_id: The run.
        named: For each name that `name_rank` gives the rank.
    """
    import psutil

    found: dict[int, Process] = {}
    for process in sorted(tagged("AZUREML_RUN_ID", run_id), key=lambda one: float(one.start)):
        try:
            name = name_rank(psutil.Process(process.pid).environ())
        except (psutil.Error, OSError):
            continue
        if name in named:
            found.setdefault(named[name], process)
    return found


def descendants(processes: Iterable[Process]) -> tuple[Process, ...]:
    """Give the living processes with their living children, children's children and so on, each once."""
    import psutil

    children: dict[int, list[int]] = {}
    for other in psutil.process_iter(["ppid"]):
        children.setdefault(other.info["ppid"], []).append(other.pid)
    found: dict[int, Process] = {}
    waiting = [process for process in processes if is_alive(process)]
    while waiting:
        process = waiting.pop()
        if process.pid in found or process.pid == os.getpid():
            continue
        found[process.pid] = process
        for pid in children.get(process.pid, ()):
            _, parent, start = _status(pid)  # asked again: the pid may be another's by now
            child = Process(pid=pid, start=start)
            if parent == process.pid and is_alive(child):
                waiting.append(child)
    return tuple(found.values())


def end_all(processes: Iterable[Process], grace_s: float) -> tuple[Process, ...]:
    """End processes: SIGTERM, `grace_s` seconds for them to go, SIGKILL, a bounded wait.

    Returns:
        Those that are still there; empty as a rule.
    """
    import signal

    asked = tuple(processes)
    for process in asked:
        send(process, signal.SIGTERM)
        send(process, signal.SIGCONT)  # a stopped process acts on SIGTERM only when it goes on
    left = wait_all(asked, grace_s)
    for process in left:
        send(process, signal.SIGKILL)
    return wait_all(left, KILL_WAIT_S)


def wait_all(processes: Iterable[Process], timeout_s: float) -> tuple[Process, ...]:
    """Wait until the processes are gone, but not longer than `timeout_s` seconds; give those that are not."""
    import time

    end = time.monotonic() + timeout_s
    return tuple([process for process in processes if not _wait_one(process, end)])


def _wait_one(process: Process, end: float) -> bool:
    import time

    descriptor = _open_pidfd(process.pid)
    try:
        while is_alive(process):
            rest = end - time.monotonic()
            if rest <= 0:
                return False
            if descriptor >= 0:
                _wait_readable(descriptor, rest)
            else:
                time.sleep(min(rest, _POLL_S))
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    return True


def _wait_readable(descriptor: int, timeout_s: float) -> None:
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.poll(max(1, int(timeout_s * 1000)))
