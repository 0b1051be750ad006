"""The file of the registered environments: `<home>/environments.db`, SQLite.

It is opened like the index of the runs (`database`), with two differences. Writers take a lock file first, so that
hundreds of them wait in the kernel's queue instead of SQLite's polling. And nothing else holds what it holds: a file
that cannot be read is left as it is and reported, never made again.
"""

from __future__ import annotations

import os

from localrun.errors import StoreFailed
from localrun.workspace.database import BUSY_TIMEOUT_S, journal_mode
from localrun.workspace.home import failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

VERSION = 1
"""PRAGMA user_version of the files that this version reads and writes."""
_SCHEMA = f"""
CREATE TABLE contents (digest TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE versions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, version TEXT NOT NULL, digest TEXT NOT NULL,
    registered_at TEXT NOT NULL, anonymous INTEGER NOT NULL, UNIQUE (name, version));
CREATE INDEX history ON versions (name, anonymous, seq, version, registered_at, digest);
CREATE TABLE latest (
    name TEXT PRIMARY KEY, version TEXT NOT NULL, versions INTEGER NOT NULL, registered_at TEXT NOT NULL)
    WITHOUT ROWID;
CREATE TABLE labels (
    name TEXT NOT NULL, label TEXT NOT NULL, version TEXT NOT NULL, PRIMARY KEY (name, label)) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""


def path_of(home: str) -> str:
    """Give the absolute path of the file of a workspace."""
    return os.path.join(home, "environments.db")


def read(home: str, work: Callable[[sqlite3.Connection], T]) -> T | None:
    """Do `work` on the open file; None when nothing was ever registered, and then nothing is made.

    Raises:
        StoreFailed: it cannot be read.
    """
    path = path_of(home)
    return _use(path, work) if os.path.exists(path) else None


def write(home: str, work: Callable[[sqlite3.Connection], T]) -> T:
    """Do `work` in one transaction, alone; what it raises leaves the file as it was.

    Raises:
        StoreFailed: it cannot be written; then nothing of it is.
    """
    import fcntl

    path = path_of(home)
    try:
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise failed(error, path) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            _make(path)
        return _use(path, lambda connection: _in_transaction(connection, work))
    except OSError as error:
        raise failed(error, path) from error
    finally:
        os.close(lock)


def _in_transaction(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        return work(connection)


def _use(path: str, work: Callable[[sqlite3.Connection], T]) -> T:
    import sqlite3

    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    try:
        connection = sqlite3.connect(f"file:{quoted}?mode=rw", BUSY_TIMEOUT_S, isolation_level=None, uri=True)
    except sqlite3.Error as error:
        raise _translated(error, path) from error
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            raise _unreadable(path, f"its schema is {version}, this version of localrun knows {VERSION}")
        connection.execute("PRAGMA synchronous = FULL")
        return work(connection)
    except sqlite3.Error as error:
        raise _translated(error, path) from error
    finally:
        connection.close()


def _make(path: str) -> None:
    """Make an empty file beside its place and rename it: switching a live file to WAL does not wait for readers."""
    import sqlite3

    new = f"{path}.new"
    for ending in ("", "-wal", "-shm", "-journal"):
        if os.path.lexists(new + ending):
            os.unlink(new + ending)
    descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    os.fchmod(descriptor, 0o600)  # SQLite gives its journals the mode of the file
    os.close(descriptor)
    try:
        connection = sqlite3.connect(new, isolation_level=None)
        try:
            connection.executescript(_SCHEMA)
            connection.execute(f"PRAGMA journal_mode = {journal_mode(path, _mounts())}")
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise _translated(error, path) from error
    os.rename(new, path)


def _mounts() -> str:
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def _translated(error: sqlite3.Error, path: str) -> StoreFailed:
    said = str(error)
    if "full" in said:
        hint = "Free space there (localrun rm, localrun prune), or set LOCALRUN_HOME to a folder on another disk."
        return StoreFailed(f"no space left for {path}: {said}", hint=hint, code="store_full")
    if "readonly" in said or "unable to open" in said:
        hint = "Make the folder writable, or set LOCALRUN_HOME to a folder of your own."
        return StoreFailed(f"the registered environments in {path} cannot be opened: {said}", hint=hint,
                           code="store_read_only")  # fmt: skip
    if "locked" in said:
        hint = "Another command writes to it; try again."
        return StoreFailed(f"the registered environments in {path} are busy: {said}", hint=hint, code="store_locks")
    return _unreadable(path, said)


def _unreadable(path: str, why: str) -> StoreFailed:
    hint = "Nothing was changed. Put a copy of the file back, or move it away to begin without registered environments."
    return StoreFailed(f"the registered environments in {path} cannot be read: {why}", hint=hint, code="store_corrupt")
