"""A process that outlives the one that starts it, and is nobody's child: no zombie is left, no signal reaches it."""

from __future__ import annotations

import os
import subprocess

from localrun.errors import LocalrunError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def start_background(argv: tuple[str, ...], *, request: bytes, log: str) -> None:
    """Start a program that calls `detach`, and wait until it has.

    Args:
        argv: The program and its arguments.
        request: Its standard input.
        log: The absolute path of a file that gets all that it prints.

    Raises:
        LocalrunError: it cannot be started, or ended before it was detached.
    """
    try:
        with open(
            os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "ab"
        ) as file:
            ended = subprocess.run(argv, input=request, stdout=file, stderr=file, cwd="/", check=False)
    except OSError as error:
        message = f"the run cannot be started in the background: {error.strerror or error}"
        raise LocalrunError(message, hint="end other programs, or raise the limits that ulimit -a shows") from error
    if ended.returncode:
        with open(log, "rb") as file:
            said = file.read()[-4000:].decode("utf-8", "replace")
        raise LocalrunError("the run could not be started in the background", detail=said)


def detach(work: Callable[[], None]) -> None:
    """Do `work` in a new process with a session of its own, and give the caller's process back to who started it.

    Descriptors stay open in it, and with them the locks that they hold.
    """
    if os.fork():
        return
    try:
        os.setsid()
        work()
    finally:
        os._exit(0)
