"""One lock per environment: shared while a run uses it, exclusive while it is made or removed.

Both kinds are `flock` on the same file, so they exclude one another; the kernel releases them when the holder dies.
Lock files are never deleted: a second holder could slip in between the name and the file.
"""

from __future__ import annotations

import fcntl
import os
import time

from localrun.errors import LockTimeout
from localrun.workspace.home import failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST_MESSAGE_S = 1.0
_NEXT_MESSAGE_S = 30.0


def hold_shared(path: str) -> int | None:
    """Take the shared lock of a lock file, at once or not at all.

    What the lock protects may have gone just before: look at it again while holding the lock.

    Returns:
        The descriptor that holds the lock until it is closed; None when somebody makes or removes it just now.

    Raises:
        StoreFailed: the file system has no working locks.
    """
    descriptor = _open_for_reading(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as error:
        os.close(descriptor)
        raise failed(error, path) from error
    return descriptor


def is_locked(path: str) -> bool:
    """Tell whether a living process holds the exclusive lock of a file; false when there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _open_for_reading(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        pass
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        # A read-only workspace without the lock file: nobody can build or remove there, so any lock will do.
        return os.open(os.path.dirname(path), os.O_RDONLY | os.O_CLOEXEC)


class exclusive:  # noqa: N801 - used as a function: `with exclusive(…) as descriptor`
    """Hold the exclusive lock of a lock file while a block runs.

    The block gets the descriptor that holds the lock. A child that inherits it keeps the lock until it has ended, so
    that nobody takes over while a child of a dead holder still writes.

    Args:
        path: The lock file, made when it is missing; its folder exists.
        timeout_s: How long to wait for the present holder.
        who: The holder as waiters are to see it, such as `run train_1700000000_ab12cd34`; empty for a process only.
        report: Told whom it waits for, after one second and then every half minute.

    Raises:
        LockTimeout: it was held for longer than `timeout_s`.
        StoreFailed: the folder is read-only, or has no working locks.
    """

    # A class, because contextlib costs more to import than a warm run has to spend on all of this module.

    def __init__(self, path: str, *, timeout_s: float, who: str, report: Callable[[str], None]) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._who = who
        self._report = report
        self._descriptor = -1

    def __enter__(self) -> int:
        """Wait for the lock and take it."""
        self._descriptor = _open_for_locking(self._path)
        try:
            _wait(self._descriptor, self._path, self._timeout_s, self._report)
        except BaseException:
            os.close(self._descriptor)
            raise
        _write_holder(self._path, self._who)
        return self._descriptor

    def __exit__(self, *_: object) -> None:
        """Give the lock back."""
        _forget_holder(self._path)
        os.close(self._descriptor)


def _open_for_locking(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise failed(error, path) from error


def _wait(descriptor: int, path: str, timeout_s: float, report: Callable[[str], None]) -> None:
    begin = time.monotonic()
    next_message = begin + _FIRST_MESSAGE_S
    pause = 0.002
    while not _try(descriptor, path):
        now = time.monotonic()
        if now - begin >= timeout_s:
            message = f"waited {timeout_s:g} s for {read_holder(path)}, which still holds {path}"
            raise LockTimeout(message, hint="wait for it or end it, then try again")
        if now >= next_message:
            report(f"waiting for {read_holder(path)}")
            next_message = now + _NEXT_MESSAGE_S
        time.sleep(min(pause, max(0.0, timeout_s - (now - begin))))
        pause = min(pause * 1.5, 0.1)


def _try(descriptor: int, path: str) -> bool:
    # What filelock's lock_descriptor does; its import costs as much as all other start-up together.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise failed(error, path) from error
    return True


def _write_holder(path: str, who: str) -> None:
    # Only for the eyes of those who wait: when it cannot be written (a full disk), the lock holds all the same.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(path + ".holder", flags, 0o600)
    except OSError:
        return
    try:
        os.write(descriptor, f"{os.getpid()}\n{who}\n".encode("utf-8", "replace"))
    except OSError:
        return
    finally:
        os.close(descriptor)


def _forget_holder(path: str) -> None:
    try:
        os.unlink(path + ".holder")
    except OSError:
        return


def read_holder(path: str) -> str:
    """Give the last holder of the exclusive lock in words, such as `process 4711 (run train_1700000000_ab12cd34)`."""
    try:
        with open(path + ".holder", encoding="utf-8", errors="replace") as file:
            pid, _, who = file.read(1000).strip().partition("\n")
    except OSError:
        return "a run that uses it"
    if not pid.isdigit():
        return "another process"
    return f"process {pid}" + (f" ({who})" if who else "")
