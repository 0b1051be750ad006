"""Processes of a run: started, reaped, signalled. On the hot path, so it imports next to nothing."""

from __future__ import annotations

import os
import sys

from localrun.adapters import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> None:
    """Make this process the parent of every orphan among its descendants (Linux; elsewhere nothing happens)."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, argument: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, argument, 0, 0, 0)


def find_program(name: str, path: str) -> str:
    """Give the absolute path of a program as a shell would find it, or the name itself when it is not there."""
    if "/" in name:
        return name
    for folder in path.split(":"):
        candidate = os.path.join(folder or ".", name)
        if os.access(candidate, os.X_OK) and os.path.isfile(candidate):
            return candidate
    return name


def spawn(
    argv: Sequence[str], variables: Mapping[str, str], *, directory: str, output: int, gate: int = -1, keep: int = -1
) -> int:
    """Start a process in a session of its own, reading nothing, writing both streams to one descriptor.

    Args:
        argv: The command; the program is looked up in `variables["PATH"]`.
        variables: Its whole environment.
        directory: Its working directory.
        output: The descriptor for standard output and standard error.
        gate: When given, the process waits before it executes until one byte can be read here, and ends with 125 when
            the other end is closed instead.
        keep: A descriptor of the caller's that the waiting process must not hold open.

    Returns:
        Its process id, which is also its process group. A program that cannot be executed shows as exit code 126 or
        127 of that process, with the reason in its output.
    """
    program = find_program(argv[0], variables.get("PATH", os.defpath))
    pid = os.fork()
    if pid:
        return pid
    try:
        _execute(program, argv, variables, directory, output, gate, keep)
    finally:
        os._exit(125)


def _execute(
    program: str, argv: Sequence[str], variables: Mapping[str, str], directory: str, output: int, gate: int, keep: int
) -> NoReturn:
    os.setsid()
    _prctl(PR_SET_PDEATHSIG, signals.SIGKILL)
    for number in (signals.SIGINT, signals.SIGPIPE, signals.SIGXFSZ):
        signals.signal(number, signals.SIG_DFL)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if gate >= 0:
        if keep >= 0:
            os.close(keep)
        if not os.read(gate, 1):
            os._exit(125)
    try:
        os.chdir(directory)  # the child's own, between fork and exec
        os.execve(  # noqa: S606 - no shell is wanted
            program, list(argv), dict(variables)
        )
    except OSError as error:
        _explain(argv, directory, error)


def _explain(argv: Sequence[str], directory: str, error: OSError) -> NoReturn:
    import errno

    reason = error.strerror or str(error)
    if error.errno == errno.E2BIG:
        reason = "the arguments and environment variables are too long together"
    elif error.errno == errno.ENOENT and os.path.exists(argv[0]):
        reason = "its first line names an interpreter that is not there (or ends in a Windows line ending)"
    os.write(2, f"localrun: cannot start {argv[0]} in {directory}: {reason}\n".encode(errors="surrogateescape"))
    os._exit(127 if error.errno in {errno.ENOENT, errno.ENOTDIR} else 126)


def reap() -> list[tuple[int, int, float, int]]:
    """Collect every child that has ended: process id, exit code (minus n for signal n), CPU seconds, peak bytes.

    Returns:
        In the order of their end as the system tells it; empty when none has ended.

    Raises:
        ChildProcessError: there is no child at all.
    """
    ended: list[tuple[int, int, float, int]] = []
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            if ended:
                return ended
            raise
        if not pid:
            return ended
        scale = 1 if sys.platform == "darwin" else 1024
        cpu_s = usage.ru_utime + usage.ru_stime
        ended.append((pid, os.waitstatus_to_exitcode(status), cpu_s, usage.ru_maxrss * scale))


def signal_group(group: int, number: int) -> None:
    """Send a signal to a process group; one that is gone is passed over."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def signal_process(pid: int, number: int) -> None:
    """Send a signal to a process of ours; one that is gone is passed over."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def list_descendants(root: int) -> list[int]:
    """List all descendants of a process, children before their own children (Linux; elsewhere the list is empty)."""
    found: list[int] = []
    todo = [root]
    while todo:
        pid = todo.pop()
        children = _list_children(pid)
        found += children
        todo += children
    return found


def _list_children(pid: int) -> list[int]:
    children: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return children
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                children += map(int, file.read().split())
        except OSError:
            continue
    return children


def describe_process(pid: int) -> str:
    """Give a process's command line for a message, at most 80 characters; empty when it is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read(400).replace(b"\0", b" ").decode(errors="replace").strip()[:80]
    except OSError:
        return ""


def count_out_of_memory() -> int:
    """Count the processes that the kernel has ended for want of memory since boot; 0 when unknown."""
    try:
        with open("/proc/vmstat", "rb") as file:
            _, _, rest = file.read().partition(b"oom_kill ")
            return int(rest.split(None, 1)[0])
    except (OSError, IndexError, ValueError):
        return 0
