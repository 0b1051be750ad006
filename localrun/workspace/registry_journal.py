"""What was registered, line by line: `<home>/environments.log`, from which a damaged `environments.db` is made again.

A line is a JSON object: a version with its definition, or a label. Lines are only added, before the transaction that
they tell of is completed: none that was completed is missing. A line that was torn by a crash is passed over. The first
write to a workspace without this file fills it with what its database holds.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from typing import Any

    Line = dict[str, Any]

NAME = "environments.log"
_VERSION = ("name", "version", "digest", "registered_at", "anonymous", "document")
_LABEL = ("name", "label", "version")


def path_beside(database: str) -> str:
    """Give the absolute path of the journal of a database."""
    return os.path.join(os.path.dirname(database), NAME)


def last_change(connection: sqlite3.Connection) -> tuple[int, set[tuple[str, ...]]]:
    """Give what `list_changes` compares with: the number of the last version, and all labels."""
    (number,) = connection.execute("SELECT coalesce(max(seq), 0) FROM versions").fetchone()
    return number, set(connection.execute("SELECT name, label, version FROM labels"))


def list_changes(connection: sqlite3.Connection, before: tuple[int, set[tuple[str, ...]]]) -> list[Line]:
    """Give a line for each version and each label that came after `before`."""
    number, labels = before
    statement = """SELECT name, version, versions.digest, registered_at, anonymous, document FROM versions
        JOIN contents ON contents.digest = versions.digest WHERE seq > ? ORDER BY seq"""
    lines = [dict(zip(_VERSION, row, strict=True)) for row in connection.execute(statement, (number,))]
    now = connection.execute("SELECT name, label, version FROM labels ORDER BY name, label")
    return lines + [dict(zip(_LABEL, row, strict=True)) for row in now if row not in labels]


def append(path: str, lines: Iterable[Line]) -> None:
    """Add lines, on the disk when this returns. A line that a crash tore is ended first.

    Raises:
        OSError: the system refuses.
    """
    import json

    data = "".join([f"{json.dumps(line)}\n" for line in lines]).encode()
    if not data:
        return
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            data = b"\n" + data
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        os.fsync(file)
    finally:
        os.close(file)


def read(path: str) -> tuple[list[Line], int]:
    """Give the lines that can be read, in their order, and how many cannot.

    Raises:
        OSError: there is no journal, or the system refuses.
    """
    import json

    lines, torn = [], 0
    with open(path, "rb") as file:
        for text in file:
            try:
                line = json.loads(text)
            except (ValueError, RecursionError):
                line = None
            if isinstance(line, dict) and all(isinstance(item, str | int) for item in line.values()):
                lines.append(line)
            else:
                torn += 1
    return lines, torn


def replay(connection: sqlite3.Connection, lines: Iterable[Line]) -> int:
    """Put lines into an empty database; give the number of versions.

    Of two lines about one version the last counts: the first one's transaction was never completed.
    """
    for line in lines:
        if line.keys() == set(_VERSION):
            connection.execute("INSERT OR IGNORE INTO contents VALUES (:digest, :document)", line)
            add = """INSERT OR REPLACE INTO versions (name, version, digest, registered_at, anonymous)
                VALUES (:name, :version, :digest, :registered_at, :anonymous)"""
            connection.execute(add, line)
        elif line.keys() == set(_LABEL):
            connection.execute(
                "INSERT OR REPLACE INTO labels (name, label, version) VALUES (:name, :label, :version)", line
            )
    connection.execute("""INSERT INTO latest (name, version, versions, registered_at)
        SELECT versions.name, version, count, registered_at FROM versions JOIN
        (SELECT name, max(seq) AS last, count(*) AS count FROM versions WHERE anonymous = 0 GROUP BY name) ON seq = last
        """)
    (count,) = connection.execute("SELECT count(*) FROM versions").fetchone()
    return int(count)
