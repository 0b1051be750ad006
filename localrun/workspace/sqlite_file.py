"""Files of SQLite in a workspace: opened, made whole beside their place, moved aside; `database` and `registry_file`.

WAL journal, rollback journal on network file systems (https://sqlite.org/wal.html, "WAL does not work over a network
filesystem"). A new file is made beside its place and then renamed into it, because switching a live one to WAL does not
wait for others.
"""

from __future__ import annotations

import os

from localrun.errors import StoreFailed
from localrun.workspace.home import failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")
    Explain = Callable[[sqlite3.Error, str], Exception]
    """Gives the error that says what SQLite says of the file with this path."""

BUSY_TIMEOUT_S = 60.0
_NETWORK = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "gluster", "lustre", "fuse", "vboxsf", "prl_fs")


def use_file(path: str, work: Callable[[sqlite3.Connection], T], explain: Explain) -> T:
    """Do `work` on an open file; there is none made when it is not there.

    Args:
        path: The file.
        work: What to do.
        explain: Gives the error to raise for one of SQLite's.
    """
    import sqlite3

    uri = f"file:{quote_path(path)}?mode=rw"
    try:
        connection = sqlite3.connect(uri, timeout=BUSY_TIMEOUT_S, isolation_level=None, uri=True)
    except sqlite3.Error as error:
        raise explain(error, path) from error
    try:
        return work(connection)
    except sqlite3.Error as error:
        raise explain(error, path) from error
    finally:
        connection.close()


def make_file(path: str, fill: Callable[[sqlite3.Connection], T], explain: Explain) -> T:
    """Make a file beside its place, let `fill` fill it, and rename it into its place.

    Args:
        path: The place.
        fill: Fills the empty file.
        explain: Gives the error to raise for one of SQLite's.
    """
    import sqlite3

    new = _begin_file(path)
    try:
        connection = sqlite3.connect(new, isolation_level=None)
        try:
            filled = fill(connection)
            connection.execute(f"PRAGMA journal_mode = {journal_mode(path, _read_mounts())}")
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise explain(error, path) from error
    os.rename(new, path)
    return filled


def _begin_file(path: str) -> str:
    """Give the path of a new, empty file for a database, beside the place where it is to be renamed to."""
    new = f"{path}.new"
    for ending in ("", "-wal", "-shm", "-journal"):
        if os.path.lexists(new + ending):
            os.unlink(new + ending)
    descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    os.fchmod(descriptor, 0o600)  # SQLite gives its journals the mode of the database
    os.close(descriptor)
    return new


def move_aside(path: str) -> str:
    """Rename the database and its journals; give the new name, empty when there was none."""
    import time

    if not os.path.lexists(path):
        return ""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    aside, number = f"{path}.corrupt-{stamp}", 1
    while os.path.lexists(aside):
        number += 1
        aside = f"{path}.corrupt-{stamp}-{number}"
    for ending in ("-wal", "-shm", "-journal", ""):
        if os.path.lexists(path + ending):
            os.rename(path + ending, aside + ending)
    return aside


def hold(path: str) -> int:
    """Keep other processes that ask for it from a file as long as the descriptor that this gives is open."""
    import fcntl

    lock = f"{path}.lock"
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        os.fchmod(descriptor, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        raise failed(error, lock) from error
    return descriptor


def can_hold(text: str) -> bool:
    """Tell whether SQLite can hold a text, or find it: what is no UTF-8 is in no file."""
    return text.isprintable() or not any("\ud800" <= sign <= "\udfff" for sign in text)


def quote_path(path: str) -> str:
    """Give a path as it stands in a `file:` URI of SQLite."""
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def explain_refusal(said: str, path: str, what: str) -> StoreFailed | None:
    """Give the error for what the system refuses; None when the fault is in the file itself.

    Args:
        said: SQLite's words.
        path: The file.
        what: What is in it, in the words of an error.
    """
    hint = "Free space there (localrun rm, localrun prune), or set LOCALRUN_HOME to a folder on another disk."
    if "full" in said:
        return StoreFailed(f"no space left for {path}: {said}", hint=hint, code="store_full")
    if "readonly" in said or "unable to open" in said:
        hint = "Make the folder writable, or set LOCALRUN_HOME to a folder of your own."
        return StoreFailed(f"{what} cannot be opened or written: {said}", hint=hint, code="store_read_only")
    if "locked" in said:
        return StoreFailed(
            f"{what} is busy: {said}", hint="Another command writes to it; try again.", code="store_locks"
        )
    return None


def _read_mounts() -> str:
    """Give the text of /proc/self/mounts; empty where there is none."""
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def journal_mode(path: str, mounts: str) -> str:
    """Give `WAL`, or `DELETE` when the file system of `path` may be shared with other machines.

    Args:
        path: An absolute path.
        mounts: The text of /proc/self/mounts; empty where there is none.
    """
    best, kind = "", ""
    for line in mounts.splitlines():
        point, name = line.split(" ")[1:3]
        point = point.replace("\\040", " ").rstrip("/") + "/"
        if path.startswith(point) and len(point) >= len(best):
            best, kind = point, name
    return "DELETE" if kind.startswith(_NETWORK) else "WAL"
