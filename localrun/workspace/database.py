"""The index of the runs: `<home>/localrun.db`, SQLite, one row a run.

It holds nothing that the run folders do not hold. A database that cannot be used (damaged, emptied, of another version)
is moved aside as `localrun.db.corrupt-<time>` and made again from `runs/*/run.json`; `repair` looks at all of it.

Writers begin with BEGIN IMMEDIATE: a transaction that reads first and writes later is refused at once, whatever the
time-out, when another one wrote in between.
"""

from __future__ import annotations

import os

from localrun.errors import StoreFailed
from localrun.workspace.home import failed, make_folder
from localrun.workspace.run_files import read_all
from localrun.workspace.sqlite_file import (
    BUSY_TIMEOUT_S,
    can_hold,
    explain_refusal,
    hold,
    make_file,
    move_aside,
    quote_path,
    use_file,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from typing import TypeVar

    from localrun.workspace.run_files import Record

    T = TypeVar("T")
    Row = tuple[str, str, int | None, str, str, str, float | None, str]
    """run_id, status, exit_code, experiment, target, started_at, duration_s, display_name."""

VERSION = 1
"""PRAGMA user_version of the databases that this version reads and writes."""
REPAIR = "localrun doctor --repair"
"""What to do about what no command mends by itself."""
_NUMBERS = ("exit_code", "duration_s")
_COLUMNS = "run_id, status, exit_code, experiment, target, started_at, duration_s, display_name"
_NAMES = (*_COLUMNS.split(", "), "folder")
_SCHEMA = f"""
CREATE TABLE runs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL UNIQUE, experiment TEXT NOT NULL,
    display_name TEXT NOT NULL, status TEXT NOT NULL, exit_code INTEGER, target TEXT NOT NULL,
    started_at TEXT NOT NULL, duration_s REAL, folder TEXT NOT NULL);
CREATE INDEX running ON runs (status) WHERE status = 'running';
CREATE INDEX named ON runs (display_name);
PRAGMA user_version = {VERSION};
"""
_PUT = """
INSERT INTO runs (run_id, experiment, display_name, status, exit_code, target, started_at, duration_s, folder) VALUES
(:run_id, :experiment, :display_name, :status, :exit_code, :target, :started_at, :duration_s, :folder)
ON CONFLICT (run_id) DO UPDATE SET experiment = excluded.experiment, display_name = excluded.display_name,
    status = excluded.status, exit_code = excluded.exit_code, target = excluded.target,
    started_at = excluded.started_at, duration_s = excluded.duration_s, folder = excluded.folder
"""


def path_of(home: str) -> str:
    """Give the absolute path of the database of a workspace."""
    return os.path.join(home, "localrun.db")


class _UnusableError(Exception):
    """The database is not what this version can read."""


def put(home: str, record: Record, say: Callable[[str], None]) -> None:
    """Insert or replace the row of a record."""
    _use(home, say, lambda connection: _in_transaction(connection, _PUT, [_values(record)]))


def add_missing(home: str, found: list[Record], say: Callable[[str], None]) -> None:
    """Insert the rows of records that have none; a row that is there stays as it is."""
    statement = _PUT.partition("ON CONFLICT")[0] + "ON CONFLICT (run_id) DO NOTHING"
    _use(home, say, lambda connection: _in_transaction(connection, statement, [_values(item) for item in found]))


def delete(home: str, run_id: str, say: Callable[[str], None]) -> None:
    """Delete the row of a run."""
    statement = "DELETE FROM runs WHERE run_id = :run_id"
    _use(home, say, lambda connection: _in_transaction(connection, statement, [{"run_id": run_id}]))


def rows(home: str, *, limit: int | None, live_only: bool, say: Callable[[str], None]) -> list[Row]:
    """Give the rows, newest first."""
    where = "WHERE status = 'running'" if live_only else ""
    statement = f"SELECT {_COLUMNS} FROM runs {where} ORDER BY seq DESC LIMIT ?"  # noqa: S608 - two constants
    count = -1 if limit is None else limit
    found: list[Row] = _use(home, say, lambda connection: connection.execute(statement, (count,)).fetchall())
    return found


def row(home: str, run_id: str, say: Callable[[str], None]) -> Record | None:
    """Give the row of a run whose folder is gone, as a record with status `missing`; None when it has no row."""
    statement = f"SELECT {_COLUMNS}, folder FROM runs WHERE run_id = ?"  # noqa: S608 - a constant
    found = _use(home, say, lambda connection: connection.execute(statement, (run_id,)).fetchone())
    if found is None:
        return None
    return {**dict(zip(_NAMES, found, strict=True)), "status": "missing"}


def find(home: str, text: str, say: Callable[[str], None]) -> list[str]:
    """Give the ids of the runs that `text` may mean, at most five; more than one only for the beginning of an id."""

    def work(connection: sqlite3.Connection) -> list[str]:
        steps: list[tuple[str, tuple[str, ...]]] = [
            ("WHERE run_id = ?", (text,)),
            ("WHERE display_name = ? ORDER BY seq DESC LIMIT 1", (text,)),
            ("WHERE run_id >= ? AND run_id < ? ORDER BY run_id LIMIT 5", (text, text + "\U0010ffff")),
        ]
        if text == "latest":
            steps.insert(0, ("ORDER BY seq DESC LIMIT 1", ()))
        for clause, values in steps:
            found = connection.execute(f"SELECT run_id FROM runs {clause}", values).fetchall()  # noqa: S608 - constants
            if found:
                return [run_id for (run_id,) in found]
        return []

    if not text or not can_hold(text):
        return []
    return _use(home, say, work)


def newest_names(home: str, limit: int, say: Callable[[str], None]) -> list[tuple[str, str]]:
    """Give run id and display name (empty for none) of the newest runs."""

    def work(connection: sqlite3.Connection) -> list[tuple[str, str]]:
        query = "SELECT run_id, display_name FROM runs ORDER BY seq DESC LIMIT ?"
        return [(run_id, name or "") for run_id, name in connection.execute(query, (limit,))]

    return _use(home, say, work)


def _values(record: Record) -> dict[str, object]:
    return {name: record.get(name) if name in _NUMBERS else _clean(record.get(name)) for name in _NAMES}


def _clean(text: object) -> str:
    return str(text or "").encode(errors="backslashreplace").decode()


def _in_transaction(connection: sqlite3.Connection, statement: str, values: list[dict[str, object]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        connection.executemany(statement, values)


def _use(home: str, say: Callable[[str], None], work: Callable[[sqlite3.Connection], T]) -> T:
    """Do `work` on the open database; make the database, or make it again, when there is no usable one."""
    path = path_of(home)
    try:
        return _try(path, work)
    except _UnusableError:
        _restore(home, path, say)
    try:
        return _try(path, work)
    except _UnusableError as error:
        message = f"the database {path} cannot be used: {error}"
        raise StoreFailed(message, hint=f"Make it again: {REPAIR}", code="store_corrupt") from error


def _try(path: str, work: Callable[[sqlite3.Connection], T]) -> T:
    def check_and_work(connection: sqlite3.Connection) -> T:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            raise _UnusableError(f"its schema is {version}, not {VERSION}")
        connection.execute("PRAGMA synchronous = FULL")
        return work(connection)

    if not os.path.exists(path):
        raise _UnusableError("it is not there")
    return use_file(path, check_and_work, _translated)


def _translated(error: sqlite3.Error, path: str) -> Exception:
    """Tell a damaged database, which is made again, from a system that refuses, which is reported."""
    import sqlite3

    said = str(error)
    if not isinstance(error, sqlite3.OperationalError):
        return _UnusableError(said)
    if "no such" in said or "has no column" in said or "unsupported file format" in said or "malformed" in said:
        return _UnusableError(said)
    if refusal := explain_refusal(said, path, f"the database {path}"):
        return refusal
    message = f"the database {path} cannot be used: {said}"
    return StoreFailed(message, hint=f"Make it again: {REPAIR}", code="store_corrupt")


def find_damage(home: str) -> str:
    """Say why the database cannot be used, after looking at every page of it; empty when it is whole.

    Raises:
        StoreFailed: the system refuses.
    """
    path = path_of(home)
    if os.path.lexists(path) and (os.path.islink(path) or not os.path.isfile(path)):
        return "it is not a file"
    try:
        _try(path, lambda connection: _check(connection, "integrity_check"))
    except _UnusableError as error:
        return str(error)
    return ""


def _check(connection: sqlite3.Connection, pragma: str) -> None:
    (said,) = connection.execute(f"PRAGMA {pragma}(1)").fetchone()
    if said != "ok":
        raise _UnusableError(said.replace("\n", " "))
    connection.execute(f"SELECT {_COLUMNS}, folder, seq FROM runs LIMIT 0")  # noqa: S608 - a constant


def salvage(home: str) -> list[Record]:
    """Give what can still be read of the rows, oldest first, however damaged the database is."""
    import contextlib
    import sqlite3

    path = path_of(home)
    found: list[Record] = []
    with contextlib.suppress(sqlite3.Error):
        connection = sqlite3.connect(f"file:{quote_path(path)}?mode=ro", timeout=BUSY_TIMEOUT_S, uri=True)
        with contextlib.closing(connection):
            for values in connection.execute(f"SELECT {_COLUMNS}, folder FROM runs ORDER BY seq"):  # noqa: S608 - constants
                found.append(dict(zip(_NAMES, values, strict=True)))  # noqa: PERF401 - what came before an error stays
    return found


def make_again(home: str, say: Callable[[str], None]) -> str:
    """Move the database aside, whatever it is, and make it from the run folders; give its new name, empty for none.

    Raises:
        StoreFailed: the system refuses.
    """
    path = path_of(home)
    lock = hold(path)
    try:
        aside = move_aside(path)
        _make(home, path, say)
    except OSError as error:
        raise failed(error, path) from error
    finally:
        os.close(lock)
    return aside


def _restore(home: str, path: str, say: Callable[[str], None]) -> None:
    """Make the database from the run folders; one process at a time, the others find it made."""
    told: list[str] = []
    lock = hold(path)
    try:
        _try(path, lambda connection: _check(connection, "quick_check"))
    except _UnusableError as error:
        try:
            aside = move_aside(path)
            count = _make(home, path, told.append)
        except OSError as refusal:
            raise failed(refusal, path) from refusal
        if aside:
            say(f"the database could not be used ({error}); it is kept as {aside}, and {count} runs were read again")
    finally:
        os.close(lock)
    for line in told:
        say(line)
    if told:
        say(f"what is left of such a run is made a record by: {REPAIR}")


def _make(home: str, path: str, say: Callable[[str], None]) -> int:
    folder = os.path.join(home, "runs")
    make_folder(folder)
    found = read_all(home, sorted(os.listdir(folder)), say)

    def fill(connection: sqlite3.Connection) -> None:
        connection.executescript(_SCHEMA)
        _in_transaction(connection, _PUT, [_values(record) for record in found])

    make_file(path, fill, _translated)
    return len(found)
