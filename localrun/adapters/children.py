"""Child processes with a deadline on silence, that die with the process that started them."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time

from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import IO

_POLL_S = 0.5
_LONGEST_LINE = 1 << 20


@value
class ChildEnding:
    """How a child ended.

    Attributes:
        code: Its exit code; minus the number of the signal that ended it.
        stalled: It was killed because it made no progress.
    """

    code: int
    stalled: bool = False


@value
class Child:
    """A program to start.

    Attributes:
        argv: The program and its arguments.
        environment: Its environment variables; None: those of this process.
        directory: Its working directory; empty: that of this process.
        keep: Descriptors that it inherits.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] | None = None
    directory: str = ""
    keep: tuple[int, ...] = ()


def run_child(
    child: Child,
    *,
    on_line: Callable[[str], None],
    request: bytes = b"",
    log: int | None = None,
    no_progress_s: float = 0,
) -> ChildEnding:
    """Run a child to its end; whatever happens here, no process of it is left.

    Args:
        child: What to start.
        on_line: Called with every line of its standard output, the line's end left out.
        request: Its standard input.
        log: A descriptor for its standard error; None: its lines go to `on_line` too.
        no_progress_s: Kill it when for so long it says nothing, writes nothing and uses no processor time; 0: never.

    Raises:
        OSError: the program cannot be started.
    """
    process = _start(child, subprocess.PIPE, subprocess.PIPE, subprocess.STDOUT if log is None else log)
    try:
        _send(process.stdin, request)
        stalled = _read(process, on_line, no_progress_s)
        if stalled:
            process.kill()
        return ChildEnding(code=process.wait(), stalled=stalled)
    finally:
        end_child(process)


def start_child(child: Child, *, request: IO[bytes], output: int) -> subprocess.Popen[bytes]:
    """Start a child that works beside us; `end_child` is due on every way out.

    Args:
        child: What to start.
        request: A file that is its standard input.
        output: A descriptor for all that it prints.

    Raises:
        OSError: the program cannot be started.
    """
    return _start(child, request, output, output)


def _start(child: Child, stdin: int | IO[bytes], stdout: int, stderr: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        child.argv,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=None if child.environment is None else dict(child.environment),
        cwd=child.directory or None,
        pass_fds=child.keep,
        start_new_session=True,
        preexec_fn=_tie_to_parent(),  # noqa: PLW1509 - one system call; the child must not outlive us
    )


def end_child(process: subprocess.Popen[bytes], *, within_s: float = 0) -> None:
    """Wait so long for a child that leads a session, then kill what there is of its process group, and collect it."""
    _wait(process, within_s)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


def _wait(process: subprocess.Popen[bytes], within_s: float) -> None:
    # A process descriptor (Linux 5.3) tells of the end when it comes; a wait with a limit looks 20 times a second.
    if within_s and process.poll() is None:
        with contextlib.suppress(OSError, AttributeError):
            descriptor = os.pidfd_open(process.pid)
            try:
                waiter = select.poll()
                waiter.register(descriptor, select.POLLIN)
                waiter.poll(1000 * within_s)
                within_s = 0
            finally:
                os.close(descriptor)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(within_s)


def _tie_to_parent() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    import ctypes

    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def tie() -> None:
        libc.prctl(1, int(signal.SIGKILL), 0, 0, 0)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)

    return tie


def _send(stream: IO[bytes] | None, request: bytes) -> None:
    if stream is not None:
        with contextlib.suppress(BrokenPipeError):
            stream.write(request)
            stream.close()


def _read(process: subprocess.Popen[bytes], on_line: Callable[[str], None], no_progress_s: float) -> bool:
    assert process.stdout is not None  # noqa: S101 - for the type checker; it was asked for above
    descriptor = process.stdout.fileno()
    waiter = select.poll()
    waiter.register(descriptor, select.POLLIN)
    pause_ms = 1000 * min(_POLL_S, no_progress_s / 4 or _POLL_S)
    pending = b""
    work, last = _work_done(process.pid), time.monotonic()
    while True:
        if waiter.poll(pause_ms):
            data = os.read(descriptor, 65536)
            if not data:
                break
            last = time.monotonic()
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                on_line(line.decode("utf-8", "replace"))
            pending = pending[-_LONGEST_LINE:]
        elif process.poll() is not None:
            break  # a grandchild keeps the pipe: what the child had to say is read
        elif no_progress_s:
            now = _work_done(process.pid)
            if now != work:
                work, last = now, time.monotonic()
            elif time.monotonic() - last >= no_progress_s:
                return True
    if pending:
        on_line(pending.decode("utf-8", "replace"))
    return False


def _work_done(pid: int) -> tuple[bytes, ...]:
    # Bytes written (a download that goes to disk) and processor ticks (a solver at work). A process that waits for a
    # silent server has neither. Where there is no /proc only lines count.
    try:
        with open(f"/proc/{pid}/io", "rb") as file:
            written = file.read().split(b"\n")[1]
        with open(f"/proc/{pid}/stat", "rb") as file:
            ticks = file.read().rpartition(b")")[2].split()[11:13]
    except (OSError, IndexError):
        return ()
    return (written, *ticks)
