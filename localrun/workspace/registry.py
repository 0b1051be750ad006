"""Registered environments: immutable versions under names, with labels and a history.

What is registered is the document of an environment: the nested dict with the keys of azureml_environment.json. Its
content hash leaves out what only says which one it is (`name`, `version`, `assetId`). A definition that equals the
latest version of its name is that version; any other becomes the next one.

Secrets are not stored: `${NAME}` stands in their place (`formats.v1_environment.hide_secrets`).

A run registers its environment anonymously: not listed, found by its version, which begins with `Autosave_`.
"""

from __future__ import annotations

import re

from localrun.errors import BadInput, EnvironmentNotFound
from localrun.values import value
from localrun.workspace import registry_file
from localrun.workspace.sqlite_file import can_hold

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping
    from typing import Any

    Document = dict[str, Any]
    """An environment: what JSON can say, by the keys of azureml_environment.json."""

LATEST = "latest"
"""The label of the version that was registered last; it moves by itself."""
NAME_LENGTH = 255
LARGEST_DOCUMENT = 4 << 20
"""In bytes of JSON."""
_IDENTITY = ("name", "version", "assetId")


@value
class Registered:
    """One registered version of an environment.

    Attributes:
        name: Its name.
        version: A whole number as text unless the user chose another.
        digest: SHA-256 of its definition, 64 hex digits; name and version do not count.
        registered_at: UTC, ISO 8601 with milliseconds and Z.
        anonymous: Registered by a run: not listed.
        labels: In alphabetical order, `latest` included.
    """

    name: str
    version: str
    digest: str
    registered_at: str
    anonymous: bool = False
    labels: tuple[str, ...] = ()


def check_name(name: str, what: str = "environment name") -> str:
    """Give a name, version or label after a look at its signs: letters, digits, `.`, `_` and `-`, 255 at most.

    Raises:
        BadInput: it cannot be one.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name) or ".." in name:
        hint = "use letters, digits, '.', '_' and '-'; begin with a letter or a digit; no '..'"
        raise BadInput(
            f"{name!r} cannot be an {what}" if what[0] in "aeiou" else f"{name!r} cannot be a {what}", hint=hint
        )
    if len(name) > NAME_LENGTH:
        raise BadInput(f"the {what} {name[:40]}... has {len(name)} characters", hint=f"{NAME_LENGTH} are allowed")
    return name


def canonical_text(document: Mapping[str, object]) -> str:
    """Give the definition of an environment as one text: JSON with sorted keys, without what only names it.

    Raises:
        BadInput: the document holds what JSON cannot say, or is nested too deeply, or too large.
    """
    return _dump({key: item for key, item in document.items() if key not in _IDENTITY}, sort=True)


def content_digest(document: Mapping[str, object]) -> str:
    """Give the SHA-256 of `canonical_text`, 64 hex digits.

    Raises:
        BadInput: as there.
    """
    import hashlib

    return hashlib.sha256(canonical_text(document).encode()).hexdigest()


def _dump(document: object, *, sort: bool) -> str:
    import json

    try:
        text = json.dumps(document, sort_keys=sort, separators=(",", ":"), allow_nan=False)
    except RecursionError:
        raise BadInput("the environment is nested too deeply to be registered") from None
    except (TypeError, ValueError) as error:
        hint = "an environment holds text, numbers, true, false, null, lists and mappings"
        raise BadInput(f"the environment cannot be registered: {error}", hint=hint) from None
    if len(text) > LARGEST_DOCUMENT:
        raise BadInput(f"the environment has {len(text):,} bytes", hint=f"at most {LARGEST_DOCUMENT:,} are registered")
    return text


def register(home: str, name: str, document: Mapping[str, object], *, version: str = "") -> Registered:
    """Register a definition under a name.

    Args:
        home: The workspace folder.
        name: Its name; the document's own does not count.
        document: The definition.
        version: The version that it is to have; empty: the latest one when that is the same, else the next number.

    Returns:
        The version that holds the definition now.

    Raises:
        BadInput: name, version or document cannot be used, or the version is there with another definition.
        StoreFailed: the workspace cannot hold it; nothing was changed.
    """
    entry = _Entry(name, document)
    if version:
        check_name(version, "version")
    return registry_file.write(home, lambda connection: _register(connection, entry, version))


def register_anonymously(home: str, name: str, document: Mapping[str, object]) -> Registered:
    """Register the environment of a run: as the version that has its definition, else as one that is not listed.

    Raises:
        BadInput: name or document cannot be used.
        StoreFailed: the workspace cannot hold it; nothing was changed.
    """
    entry = _Entry(name, document)
    return registry_file.write(home, lambda connection: _register_anonymously(connection, entry))


class _Entry:
    """What is to be registered, worked out before anybody has to wait for it."""

    def __init__(self, name: str, document: Mapping[str, object]) -> None:
        import time

        from localrun.formats.v1_environment import hide_secrets
        from localrun.workspace.records import timestamp

        self.name = check_name(name)
        canonical_text(document)  # says what cannot be registered, before anything walks through it
        hidden, _ = hide_secrets(document)
        self.digest = content_digest(hidden)
        rest = {key: item for key, item in hidden.items() if key not in {"name", "version"}}
        self.text = _dump(rest | ({"assetId": None} if "assetId" in rest else {}), sort=False)
        self.registered_at = timestamp(time.time())


def _register(connection: sqlite3.Connection, entry: _Entry, version: str) -> Registered:
    where = "SELECT version, digest, registered_at FROM versions WHERE name = ? AND "
    if version:
        found = connection.execute(where + "version = ?", (entry.name, version)).fetchone()
    else:
        newest = where + "anonymous = 0 ORDER BY seq DESC LIMIT 1"
        found = connection.execute(newest, (entry.name,)).fetchone()
        if found and found[1] != entry.digest:
            found = None
    if found and found[1] != entry.digest:
        hint = "versions are immutable: leave the version out to get the next one, or choose another"
        raise BadInput(f"environment {entry.name} has a version {version} with another definition", hint=hint)
    if found:
        return _registered(connection, entry.name, *found)
    version = version or _next_version(connection, entry.name)
    _insert(connection, entry, version, anonymous=False)
    statement = """INSERT INTO latest (name, version, versions, registered_at) VALUES (?, ?, 1, ?)
        ON CONFLICT (name) DO UPDATE SET version = excluded.version, versions = versions + 1,
        registered_at = excluded.registered_at"""
    connection.execute(statement, (entry.name, version, entry.registered_at))
    return _registered(connection, entry.name, version, entry.digest, entry.registered_at)


def _register_anonymously(connection: sqlite3.Connection, entry: _Entry) -> Registered:
    same = """SELECT version, digest, registered_at, anonymous FROM versions WHERE name = ? AND digest = ?
        ORDER BY anonymous, seq DESC LIMIT 1"""
    found = connection.execute(same, (entry.name, entry.digest)).fetchone()
    if found:
        return _registered(connection, entry.name, *found)
    stamp = entry.registered_at[:19].replace(":", "-")
    version = f"Autosave_{stamp}Z_{entry.digest[:16]}"
    _insert(connection, entry, version, anonymous=True)
    return _registered(connection, entry.name, version, entry.digest, entry.registered_at, anonymous=True)


def _next_version(connection: sqlite3.Connection, name: str) -> str:
    """Give the number after the largest; versions that are no numbers, or longer than SQLite's, do not count."""
    statement = """SELECT MAX(CAST(version AS INTEGER)) FROM versions
        WHERE name = ? AND version NOT GLOB '*[^0-9]*' AND length(version) < 18"""
    (largest,) = connection.execute(statement, (name,)).fetchone()
    return str((largest or 0) + 1)


def _insert(connection: sqlite3.Connection, entry: _Entry, version: str, *, anonymous: bool) -> None:
    keep = "INSERT INTO contents (digest, document) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING"
    connection.execute(keep, (entry.digest, entry.text))
    add = "INSERT INTO versions (name, version, digest, registered_at, anonymous) VALUES (?, ?, ?, ?, ?)"
    connection.execute(add, (entry.name, version, entry.digest, entry.registered_at, int(anonymous)))


def _registered(
    connection: sqlite3.Connection, name: str, version: str, digest: str, registered_at: str, anonymous: int = 0
) -> Registered:
    set_by_hand = connection.execute("SELECT label FROM labels WHERE name = ? AND version = ?", (name, version))
    labels = [label for (label,) in set_by_hand]
    newest = connection.execute("SELECT version FROM latest WHERE name = ?", (name,)).fetchone()
    if newest == (version,):
        labels.append(LATEST)
    return Registered(
        name=name,
        version=version,
        digest=digest,
        registered_at=registered_at,
        anonymous=bool(anonymous),
        labels=tuple(sorted(labels)),
    )


def get(home: str, name: str, *, version: str = "", label: str = "") -> tuple[Registered, Document] | None:
    """Give a registered version and its document; None when there is none.

    Args:
        home: The workspace folder.
        name: Its name.
        version: The version; empty: the one of the label.
        label: The label; empty: `latest`.

    Raises:
        StoreFailed: the registry cannot be read.
    """
    return registry_file.read(home, lambda connection: _get(connection, name, version, label or LATEST))


def _get(connection: sqlite3.Connection, name: str, version: str, label: str) -> tuple[Registered, Document] | None:
    import json

    if not can_hold(name + version + label):
        return None
    if not version:
        table, values = ("latest", (name,)) if label == LATEST else ("labels", (name, label))
        where = "name = ?" if label == LATEST else "name = ? AND label = ?"
        found = connection.execute(f"SELECT version FROM {table} WHERE {where}", values).fetchone()  # noqa: S608 - constants
        if found is None:
            return None
        (version,) = found
    statement = """SELECT versions.digest, registered_at, anonymous, document FROM versions
        JOIN contents ON contents.digest = versions.digest WHERE name = ? AND version = ?"""
    row = connection.execute(statement, (name, version)).fetchone()
    if row is None:
        return None
    *facts, text = row
    document = {"name": name, "version": version, **json.loads(text)}
    return _registered(connection, name, version, *facts), document


def names(home: str) -> list[tuple[str, str, int, str]]:
    """Give name, latest version, number of versions and time of the latest, of every name that is listed, by name."""
    statement = "SELECT name, version, versions, registered_at FROM latest ORDER BY name"
    return registry_file.read(home, lambda connection: connection.execute(statement).fetchall()) or []


def documents(home: str) -> dict[str, Document]:
    """Give the latest document of every name that is listed, by name."""
    import json

    statement = """SELECT latest.name, latest.version, document FROM latest
        JOIN versions ON versions.name = latest.name AND versions.version = latest.version
        JOIN contents ON contents.digest = versions.digest ORDER BY latest.name"""
    rows = registry_file.read(home, lambda connection: connection.execute(statement).fetchall()) or []
    return {name: {"name": name, "version": version, **json.loads(text)} for name, version, text in rows}


def contents(home: str) -> list[tuple[Document, tuple[str, ...]]]:
    """Give each definition that is listed under some name, with its `NAME:VERSION`s in the order of their making."""
    import json

    statement = """SELECT versions.digest, name, version, document FROM versions
        JOIN contents ON contents.digest = versions.digest WHERE anonymous = 0 ORDER BY seq"""
    rows = registry_file.read(home, lambda connection: connection.execute(statement).fetchall()) or []
    called: dict[str, list[str]] = {}
    texts = {}
    for digest, name, version, text in rows:
        called.setdefault(digest, []).append(f"{name}:{version}")
        texts[digest] = text
    return [(json.loads(texts[digest]), tuple(names)) for digest, names in called.items()]


def history(home: str, name: str) -> list[Registered]:
    """Give the versions of a name that are listed, newest first.

    Raises:
        EnvironmentNotFound: there is none.
        StoreFailed: the registry cannot be read.
    """
    return [
        Registered(name=name, version=version, digest=digest, registered_at=registered_at, labels=labels)
        for version, registered_at, labels, digest in version_rows(home, name)
    ]


def version_rows(home: str, name: str) -> list[tuple[str, str, tuple[str, ...], str]]:
    """Give what `history` gives as rows of version, time, labels and digest, which ten thousand are listed faster as.

    Raises:
        EnvironmentNotFound: there is none.
        StoreFailed: the registry cannot be read.
    """
    found = registry_file.read(home, lambda connection: _version_rows(connection, name))
    if not found:
        raise not_found(home, name)
    return found


def _version_rows(connection: sqlite3.Connection, name: str) -> list[tuple[str, str, tuple[str, ...], str]]:
    if not can_hold(name):
        return []
    statement = """SELECT version, registered_at, digest FROM versions
        WHERE name = ? AND anonymous = 0 ORDER BY seq DESC"""
    rows = connection.execute(statement, (name,)).fetchall()
    labels: dict[str, tuple[str, ...]] = {rows[0][0]: (LATEST,)} if rows else {}
    for version, label in connection.execute("SELECT version, label FROM labels WHERE name = ?", (name,)):
        labels[version] = tuple(sorted((*labels.get(version, ()), label)))
    return [(version, at, labels.get(version, ()), digest) for version, at, digest in rows]


def set_labels(home: str, name: str, version: str, labels: Iterable[str]) -> None:
    """Put labels on a version; a label that another version of the name had moves to this one.

    Raises:
        BadInput: a label cannot be one, or is `latest`.
        EnvironmentNotFound: there is no such version.
        StoreFailed: the registry cannot be written; nothing was changed.
    """
    wanted = [check_name(label, "label") for label in labels]
    if LATEST in wanted:
        raise BadInput("the label latest moves by itself", hint="choose another label")
    if get(home, name, version=version) is None:
        raise not_found(home, name, version)
    statement = """INSERT INTO labels (name, label, version) VALUES (?, ?, ?)
        ON CONFLICT (name, label) DO UPDATE SET version = excluded.version"""
    rows = [(name, label, version) for label in wanted]
    registry_file.write(home, lambda connection: connection.executemany(statement, rows))


def not_found(home: str, name: str, version: str = "") -> EnvironmentNotFound:
    """Give the error for a name or version that is not registered, with the nearest name that is."""
    import difflib

    known = [row[0] for row in names(home)]
    if version and name in known:
        hint = f"localrun env versions {name} lists its versions"
        return EnvironmentNotFound(f"environment {name} has no version {version}", hint=hint)
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else "localrun env list lists the environments"
    return EnvironmentNotFound(f"there is no environment {name}" + (f":{version}" if version else ""), hint=hint)
