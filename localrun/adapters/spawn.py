"""Processes of a run: started, reaped, signalled. On the hot path, so it imports next to nothing."""

from __future__ import annotations

import os
import sys

from localrun.adapters import signals
from localrun.adapters.prctl import PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, prctl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn


_ALL = tuple(range(1, 32))
"""Every signal but those of real-time programs."""


def become_subreaper() -> None:
    """Make this process the parent of every orphan among its descendants (Linux; elsewhere nothing happens)."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


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
    argv: Sequence[str], variables: Mapping[str, str], *, directory: str, output: int, gate: int = -1, source: int = -1
) -> int:
    """Start a process in a session of its own, reading nothing, writing both streams to one descriptor.

    No signal is blocked or ignored in it, whatever the caller's caller has set. It ends with the caller.

    Args:
        argv: The command; the program is looked up in `variables["PATH"]`.
        variables: Its whole environment.
        directory: Its working directory.
        output: The descriptor for standard output and standard error.
        gate: When given, the process waits before it executes until one byte can be read here, and ends with 125 when
            the other end is closed instead.
        source: The descriptor for standard input; -1 for an empty one. When it is `output`, it is the terminal that the
            process gets.

    Returns:
        Its process id, which is also its process group. A program that cannot be executed shows as exit code 126 or
        127 of that process, with the reason in its output.
    """
    program = find_program(argv[0], variables.get("PATH", os.defpath))
    parent = os.getpid()
    held = signals.pthread_sigmask(signals.SIG_BLOCK, _ALL)
    pid = -1
    try:
        pid = os.fork()
    finally:
        if pid:
            signals.pthread_sigmask(signals.SIG_SETMASK, held)  # the child lets them through when it is ready
    if pid:
        return pid
    try:
        _detach(parent)
        _connect(output, source)
        if gate >= 0:
            _wait_at(gate)
        _execute(program, argv, variables, directory)
    finally:
        os._exit(125)


def _detach(parent: int) -> None:
    """Give this new process a session of its own, a clean state of signals, and an end with its parent's.

    What it was sent meanwhile was held, for it would have gone to what its parent does about signals. It arrives now.
    """
    os.setsid()
    prctl(PR_SET_PDEATHSIG, signals.SIGKILL)
    if os.getppid() != parent:  # it died before the line above: nobody would end this process
        os._exit(125)
    for number in _ALL:
        if number not in {signals.SIGKILL, signals.SIGSTOP}:
            signals.signal(number, signals.SIG_DFL)
    signals.pthread_sigmask(signals.SIG_SETMASK, ())


def _connect(output: int, source: int) -> None:
    if source < 0:
        source = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(source, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if source == output:
        import fcntl
        import termios

        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # this process leads a session of its own that has no terminal yet


def _wait_at(gate: int) -> None:
    """Wait for the byte that lets this process through; until then it must hold nothing else of its parent's open."""
    for descriptor in _list_open():
        if descriptor != gate:
            _close(descriptor)
    if not os.read(gate, 1):
        os._exit(125)


def _list_open() -> list[int]:
    """List what this process has open besides its standard files."""
    return [descriptor for descriptor in map(int, os.listdir("/dev/fd")) if descriptor not in {0, 1, 2}]


def _close(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:
        return  # it was the one that the list was read from


def close_inherited() -> None:
    """Close what the caller's caller left open for us, such as a lock of its own: a run may outlive it.

    What this program has opened itself is not inheritable, and stays.
    """
    for descriptor in _list_open():
        try:
            if os.get_inheritable(descriptor):
                os.close(descriptor)
        except OSError:
            continue


def become(argv: Sequence[str], variables: Mapping[str, str], *, directory: str) -> NoReturn:
    """Become another program: this process goes on as it, with its standard files and its terminal.

    Raises:
        NotRunnable: it is not there, or cannot be executed.
    """
    from localrun.errors import NotRunnable

    for number in (signals.SIGPIPE, signals.SIGXFSZ):  # the interpreter ignores them, and a program would inherit that
        signals.signal(number, signals.SIG_DFL)
    program = find_program(argv[0], variables.get("PATH", os.defpath))
    try:
        os.chdir(directory)  # of the program: nothing of ours comes after it
        if "/" not in program:
            raise NotRunnable(f"there is no program {argv[0]} on the PATH of the run", hint="check its name")
        os.execve(program, list(argv), dict(variables))  # noqa: S606 - no shell is wanted
    except OSError as error:
        code, reason = _read_reason(argv, error)
        message = f"{argv[0]} cannot be started in {directory}: {reason}"
        raise NotRunnable(message, hint="check that it is a program", exit_code=code) from error
    except ValueError as error:
        message = f"{argv[0]} cannot be started: an argument cannot be passed on: {error}"
        raise NotRunnable(message, hint="leave NUL characters out", exit_code=126) from error


def _execute(program: str, argv: Sequence[str], variables: Mapping[str, str], directory: str) -> NoReturn:
    try:
        os.chdir(directory)  # the child's own, between fork and exec
        if "/" not in program:  # it is not on PATH; the working directory is no part of that
            os._exit(_explain(argv, directory, 127, f"there is no program {program} on PATH"))
        os.execve(  # noqa: S606 - no shell is wanted
            program, list(argv), dict(variables)
        )
    except OSError as error:
        os._exit(_explain(argv, directory, *_read_reason(argv, error)))
    except ValueError as error:
        os._exit(_explain(argv, directory, 126, f"an argument or environment variable cannot be passed on: {error}"))


def _read_reason(argv: Sequence[str], error: OSError) -> tuple[int, str]:
    import errno

    reason = error.strerror or str(error)
    if error.errno == errno.E2BIG:
        reason = "the arguments and environment variables are too long together"
    elif error.errno == errno.ENOENT and os.path.exists(argv[0]):
        reason = "its first line names an interpreter that is not there (or ends in a Windows line ending)"
    return (127 if error.errno in {errno.ENOENT, errno.ENOTDIR} else 126), reason


def _explain(argv: Sequence[str], directory: str, code: int, reason: str) -> int:
    os.write(2, f"localrun: cannot start {argv[0]} in {directory}: {reason}\n".encode(errors="backslashreplace"))
    return code


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
    """Send a signal to the process group that a child leads; one that is gone is passed over.

    A child that was started a moment ago may still be in our own group: it alone gets the signal then.
    """
    try:
        if _is_newborn(group):
            os.kill(group, number)
        else:
            os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def _is_newborn(pid: int) -> bool:
    try:
        return os.getpgid(pid) == os.getpgrp()
    except ProcessLookupError:
        return False  # it is gone; others of its group may be there


def end_descendants(timeout_s: float) -> None:
    """Kill every descendant of this process, those that are born meanwhile too, and collect them; waits so long."""
    import time

    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        for pid in list_descendants(os.getpid()):
            signal_process(pid, signals.SIGKILL)
        try:
            if not reap():
                time.sleep(0.002)
        except ChildProcessError:
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


def describe_wait(pid: int) -> str:
    """Give where in the kernel a process waits, as a piece of a message; empty when that is not known."""
    try:
        with open(f"/proc/{pid}/wchan", encoding="ascii", errors="replace") as file:
            place = file.read().strip()
    except OSError:
        return ""
    return f", waits in {place}" if place not in {"", "0"} else ""


def describe_process(pid: int) -> str:
    """Give a process's command line for a message, at most 80 characters; empty when it is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read(400).replace(b"\0", b" ").decode(errors="replace").strip()[:80]
    except OSError:
        return ""
