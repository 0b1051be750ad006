"""Snapshots by content: each file that runs had is kept once, named by its hash, whatever number of runs had it.

    <home>/snapshots/objects/<2 hex>/<62 hex>    the bytes of a file, or a manifest (`snapshot_objects`)
    <home>/snapshots/known/<8 hex>               what the files of a source folder hash to (`memory`)
    <home>/snapshots/generation                  another text whenever objects have been removed
    <home>/runs/<run_id>/snapshot.json           which manifest is the run's: its hash names the snapshot

A manifest is a JSON list with [path, kind, size, mode, mtime in ns, hash or what a link says] for each entry. It
is written after all that it names, snapshot.json last. Who stores holds `locks/snapshots.lock` shared until
snapshot.json is there; who removes objects holds it alone.

What a file's content hashes to is remembered by its size, times and inode, so that an unchanged file is not read again.
"""

from __future__ import annotations

import os

from localrun.errors import StoreFailed
from localrun.values import value
from localrun.workspace.home import failed, make_folder
from localrun.workspace.memory import keep, locate, recall
from localrun.workspace.snapshot_objects import (
    list_objects,
    locate_object,
    open_object,
    read_link_inside,
    store_bytes,
    store_file,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORM = 1
"""The `form` of a snapshot.json that this version writes."""
JUST_WRITTEN_NS = 100_000_000
"""A file that changed so shortly before it was looked at may change again without its times showing it."""
HASH_DIGITS = 64
SMALL_FILE_BYTES = 4096
"""What a small file takes on most file systems."""
NOTHING = (0, 0, 0, 0, 0)
"""The facts of what is no file."""


@value
class Entry:
    """One thing in a source folder, or in a snapshot of it.

    Attributes:
        path: Relative to the folder.
        kind: `folder`, `file`, `link` or `skipped`.
        facts: Of a file: its size, mode, mtime in ns, and, as 0 where it comes from a snapshot, ctime in ns and inode.
        digest: Of a file in the store, its SHA-256 in hex; of a link there, what it says; else empty.
    """

    path: str
    kind: str
    facts: tuple[int, int, int, int, int] = NOTHING
    digest: str = ""

    @property
    def size(self) -> int:
        """Give the bytes of a file."""
        return self.facts[0]

    @property
    def mode(self) -> int:
        """Give the mode of a file."""
        return self.facts[1]

    @property
    def mtime_ns(self) -> int:
        """Give when a file was written."""
        return self.facts[2]


@value
class Kept:
    """A snapshot in the store.

    Attributes:
        home: The workspace that has it.
        hashes: For each entry's path its hash; of a link, what it says; else empty.
    """

    home: str
    hashes: dict[str, str]


def keep_snapshot(home: str, folder: str, root: str, entries: tuple[Entry, ...]) -> Kept:
    """Keep the entries of a source folder as the snapshot of a run, and say what their hashes are.

    Args:
        home: The workspace.
        folder: The run's folder.
        root: The folder that the entries are relative to.
        entries: From `list_source`; those that have a hash already are in the store.

    Raises:
        BadInput: a file of the source cannot be read.
        StoreFailed: there is no room.
    """
    import time

    lock = _hold(home)
    try:
        found, manifest = _find_or_store(home, root, entries, time.time_ns())
        blocks = sum([-(-entry.facts[0] // SMALL_FILE_BYTES) for entry in entries])
        text = f'{{"form": {FORM}, "manifest": "{manifest}", "blocks": {blocks}}}\n'
        path = os.path.join(folder, "snapshot.json")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(text.encode())
    finally:
        os.close(lock)
    return Kept(home=home, hashes=dict(zip([entry.path for entry in entries], found, strict=True)))


def _hold(home: str) -> int:
    """Take the shared lock of the store; who holds it alone is waited for."""
    import fcntl

    path = os.path.join(home, "locks", "snapshots.lock")
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        try:
            lock = os.open(path, flags, 0o600)
        except FileNotFoundError:
            make_folder(os.path.dirname(path))
            lock = os.open(path, flags, 0o600)
        fcntl.flock(lock, fcntl.LOCK_SH)
    except OSError as error:
        raise failed(error, path) from error
    return lock


def _find_or_store(home: str, root: str, entries: tuple[Entry, ...], now_ns: int) -> tuple[tuple[str, ...], str]:
    """Give the hash of each entry, and that of their manifest."""
    first = next((entry for entry in entries if entry.kind != "folder"), None)
    if first is not None and first.digest:  # of an earlier run's snapshot, as all of them are
        hashes = tuple([entry.digest for entry in entries])
        return hashes, _store_manifest(home, entries, hashes)
    facts = tuple([(entry.path, entry.kind, entry.facts) for entry in entries])
    note = _locate_note(home, root)
    state = (root, _read_generation(home))
    known = recall(note)
    if known is None or known[:2] != state:
        known = (*state, (), (), "")
    if known[4] and known[2] == facts:
        return known[3], known[4]
    earlier = dict(zip(known[2], known[3], strict=True))
    pairs = zip(facts, entries, strict=True)
    found = tuple([earlier[fact] if fact in earlier else _store_entry(home, root, entry) for fact, entry in pairs])
    manifest = _store_manifest(home, entries, found)
    old_ns = now_ns - JUST_WRITTEN_NS
    trusted = tuple([fact if max(fact[2][2:4]) < old_ns else (place,) for place, fact in enumerate(facts)])
    keep(note, (*state, trusted, found, manifest))
    return found, manifest


def count_known(home: str, root: str, entries: tuple[Entry, ...]) -> int:
    """Count the entries of a source folder that the store knows as they are, without reading them."""
    known = recall(_locate_note(home, root))
    if known is None or known[:2] != (root, _read_generation(home)):
        return 0
    return len({*known[2]}.intersection([(entry.path, entry.kind, entry.facts) for entry in entries]))


def _locate_note(home: str, root: str) -> str:
    return os.path.join(home, "snapshots", "known", os.path.basename(locate(home, root)))


def _store_entry(home: str, root: str, entry: Entry) -> str:
    if entry.kind == "link":
        return read_link_inside(root, os.path.join(root, entry.path))
    return store_file(home, os.path.join(root, entry.path)) if entry.kind == "file" else ""


def _store_manifest(home: str, entries: tuple[Entry, ...], hashes: tuple[str, ...]) -> str:
    import json

    listed = [
        [entry.path, entry.kind, entry.size, entry.mode, entry.mtime_ns, digest]
        for entry, digest in zip(entries, hashes, strict=True)
        if entry.kind != "skipped"
    ]
    try:
        return store_bytes(home, json.dumps(listed, separators=(",", ":")).encode())
    except OSError as error:
        raise failed(error, error.filename or home) from error


def _read_generation(home: str) -> str:
    """Give what changes when objects are removed, and when the machine starts: after that nothing is taken for sure."""
    from localrun.adapters.processes import boot_id

    try:
        with open(_locate_generation(home), "rb") as file:
            return f"{boot_id()} {file.read(100)!r}"
    except OSError:
        return f"{boot_id()} "


def read_reference(folder: str) -> str:
    """Give the hash of the manifest of a run's snapshot; empty when it has none in the store.

    Args:
        folder: The run's folder.
    """
    manifest = _read_note(folder).get("manifest")
    return manifest if isinstance(manifest, str) and len(manifest) == HASH_DIGITS else ""


def read_blocks(folder: str) -> int:
    """Give how many blocks of 4 KiB the files of a run's snapshot are; 0 when it has none in the store.

    Args:
        folder: The run's folder.
    """
    blocks = _read_note(folder).get("blocks")
    return blocks if isinstance(blocks, int) else 0


def _read_note(folder: str) -> dict[str, Any]:
    import json

    try:
        with open(os.path.join(folder, "snapshot.json"), "rb") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def read_manifest(home: str, manifest: str) -> tuple[Entry, ...]:
    """Give the entries of a snapshot, in the order of `list_source`.

    Raises:
        StoreFailed: the manifest is gone or damaged.
    """
    import hashlib
    import json

    path = locate_object(home, manifest)
    try:
        with open(path, "rb") as file:
            data = file.read()
        _check(hashlib.sha256(data).hexdigest(), manifest)
        return tuple([_read_entry(item) for item in json.loads(data)])
    except OSError as error:
        raise failed(error, path) from error
    except (ValueError, TypeError) as error:
        hint = "The snapshot is lost; localrun prune removes what belongs to no run."
        message = f"the list of a snapshot, {path}, cannot be used: {error}"
        raise StoreFailed(message, hint=hint, code="store_corrupt") from error


def _check(found: str, name: str) -> None:
    if found != name:
        raise ValueError("its content is not what its name says")


def _read_entry(item: Any) -> Entry:
    path, kind, size, mode, mtime_ns, digest = item
    if not path or path.startswith("/") or ".." in path.split("/") or kind not in {"file", "folder", "link"}:
        raise ValueError(f"{path!r} is no path of a snapshot")
    return Entry(path=path, kind=kind, facts=(size, mode, mtime_ns, 0, 0), digest=digest)


def list_kept(home: str, folder: str) -> tuple[Entry, ...] | None:
    """Give what a run worked in, with hashes; None when no snapshot of it was kept.

    Raises:
        StoreFailed: the snapshot cannot be read.
    """
    manifest = read_reference(folder)
    return read_manifest(home, manifest) if manifest else None


def read_kept(home: str, entry: Entry) -> bytes:
    """Give the content of a file of a snapshot, or what a link says.

    Raises:
        StoreFailed: it is gone or damaged.
    """
    if entry.kind != "file":
        return os.fsencode(entry.digest)
    with open(open_object(home, entry.path, entry.digest), "rb") as file:
        return file.read()


def collect(home: str) -> int:
    """Remove the objects that no run's snapshot needs; give their size in bytes. Runs that start meanwhile wait.

    Raises:
        StoreFailed: the system refuses.
    """
    import fcntl

    lock = _hold(home)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        needed = find_needed(home)
        places = {locate_object(home, digest) for digest in needed}
        waste = [item for item in list_objects(home) if item.path not in places and _is_ours(item)]
        if not waste:
            return 0
        with open(
            os.open(_locate_generation(home), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb"
        ) as file:
            file.write(os.urandom(8).hex().encode())
        return sum([_remove(item) for item in waste])
    except OSError as error:
        raise failed(error, error.filename or home) from error
    finally:
        os.close(lock)


def _is_ours(item: os.DirEntry[str]) -> bool:
    """Tell whether a file has the name of an object, whole or half-written: nothing else is ever removed."""
    name = os.path.basename(os.path.dirname(item.path)) + item.name
    return item.name.endswith(".new") or (len(name) == HASH_DIGITS and set(name) <= set("0123456789abcdef"))


def _locate_generation(home: str) -> str:
    return os.path.join(home, "snapshots", "generation")


def _remove(item: os.DirEntry[str]) -> int:
    size = item.stat(follow_symlinks=False).st_size
    os.unlink(item.path)
    return size


def find_needed(home: str) -> set[str]:
    """Give the hashes of all that the snapshots of runs are made of, their manifests among them.

    Raises:
        StoreFailed: a manifest cannot be read: nobody knows then what is needed.
    """
    runs = os.path.join(home, "runs")
    try:
        names = os.listdir(runs)
    except FileNotFoundError:
        names = []
    manifests = {read_reference(os.path.join(runs, name)) for name in names} - {""}
    needed = set(manifests)
    for manifest in manifests:
        if os.path.exists(locate_object(home, manifest)):
            needed.update(entry.digest for entry in read_manifest(home, manifest) if entry.kind == "file")
    return needed
