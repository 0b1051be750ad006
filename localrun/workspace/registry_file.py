"""The file of the registered environments: `<home>/environments.db`, SQLite.

It is opened like the index of the runs (`database`), with two differences. Writers take a lock file first, so that
hundreds of them wait in the kernel's queue instead of SQLite's polling. And every transaction is told to a journal
(`registry_journal`), from which a file that cannot be read is made again; the damaged one is kept beside it.
"""

from __future__ import annotations

import contextlib
import os

from localrun.errors import StoreFailed
from localrun.workspace import registry_journal
from localrun.workspace.home import failed, tell
from localrun.workspace.sqlite_file import explain_refusal, hold, make_file, move_aside, use_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator
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
_CHECK = "PRAGMA quick_check(1)"
_GLANCE = "SELECT 1 FROM latest, versions, labels, contents LIMIT 0"


def path_of(home: str) -> str:
    """Give the absolute path of the file of a workspace."""
    return os.path.join(home, "environments.db")


def read(home: str, work: Callable[[sqlite3.Connection], T]) -> T | None:
    """Do `work` on the open file; None when nothing was ever registered, and then nothing is made.

    Raises:
        StoreFailed: it cannot be read.
    """
    path = path_of(home)
    try:
        if os.path.exists(path):
            return _use(path, work)
        if not os.path.exists(registry_journal.path_beside(path)):
            return None
    except _DamagedError:
        pass
    with _locked(path):
        _restore(path, thorough=True)
    return _use(path, work)


def write(home: str, work: Callable[[sqlite3.Connection], T]) -> T:
    """Do `work` in one transaction, alone; what it raises leaves the file as it was.

    Raises:
        StoreFailed: it cannot be written; then nothing of it is.
    """
    path = path_of(home)

    def transact(connection: sqlite3.Connection) -> T:
        return _in_transaction(connection, path, work)

    try:
        with _locked(path):
            if not os.path.exists(path) and not os.path.exists(registry_journal.path_beside(path)):
                _make(path)
            else:
                _restore(path)
            try:
                return _use(path, transact)
            except _DamagedError:
                _restore(path, thorough=True)
                return _use(path, transact)
    except OSError as error:
        raise failed(error, path) from error


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    lock = hold(path)
    try:
        yield
    finally:
        os.close(lock)


def _in_transaction(connection: sqlite3.Connection, path: str, work: Callable[[sqlite3.Connection], T]) -> T:
    journal = registry_journal.path_beside(path)
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        begun = os.path.exists(journal)
        before = registry_journal.last_change(connection) if begun else (0, set[tuple[str, ...]]())
        done = work(connection)
        registry_journal.append(journal, registry_journal.list_changes(connection, before))
        return done


def _restore(path: str, *, thorough: bool = False) -> None:
    """Make a file that cannot be read, or is gone, again from the journal; one that can be read stays.

    Args:
        path: The file.
        thorough: Look at all of it, not at its beginning alone.

    Raises:
        StoreFailed: there is no journal, or the system refuses.
    """
    try:
        if os.path.exists(path):
            found = _use(path, lambda connection: connection.execute(_CHECK if thorough else _GLANCE).fetchone())
            if not thorough or found == ("ok",):
                return
        why = "it is gone" if not os.path.exists(path) else str(found[0])
    except _DamagedError as error:
        why = error.why
    try:
        lines, torn = registry_journal.read(registry_journal.path_beside(path))
    except OSError:
        raise _unreadable(path, why) from None
    try:
        aside = move_aside(path)
        count = _make(path, lines)
    except OSError as error:
        raise failed(error, path) from error
    kept = f", and the damaged file is kept as {aside}" if aside else ""
    lost = f"; {torn} lines of their journal could not be read" if torn else ""
    tell(f"the registered environments could not be read ({why}): {count} versions were made again{lost}{kept}")


def _use(path: str, work: Callable[[sqlite3.Connection], T]) -> T:
    def check_and_work(connection: sqlite3.Connection) -> T:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise _unreadable(path, f"its schema is {version}, this version of localrun knows {VERSION}")
        if version < VERSION:
            raise _DamagedError(path, f"its schema is {version}")
        connection.execute("PRAGMA synchronous = FULL")
        return work(connection)

    return use_file(path, check_and_work, _translated)


def _make(path: str, lines: Iterable[registry_journal.Line] = ()) -> int:
    """Make the file; give the number of versions in it."""

    def fill(connection: sqlite3.Connection) -> int:
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            return registry_journal.replay(connection, lines)

    return make_file(path, fill, _translated)


class _DamagedError(StoreFailed):
    """The file is none that this version can read, and none of a newer version either."""

    def __init__(self, path: str, why: str) -> None:
        hint = "Nothing was changed. Put a copy of the file back, or move it away to begin without them."
        message = f"the registered environments in {path} cannot be read: {why}"
        super().__init__(message, hint=hint, code="store_corrupt")
        self.why = why


def _translated(error: sqlite3.Error, path: str) -> StoreFailed:
    return explain_refusal(str(error), path, f"the file {path} of registered environments") or _DamagedError(
        path, str(error)
    )


def _unreadable(path: str, why: str) -> StoreFailed:
    error = _DamagedError(path, why)
    return StoreFailed(error.message, hint=error.hint, code=error.code)
