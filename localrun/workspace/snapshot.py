"""Snapshots: a run works in a copy of its source folder, and the record keeps it by content (`snapshot_store`)."""

from __future__ import annotations

import os
import stat
import time

from localrun.adapters.ignore_rules import read_ignore_rules
from localrun.errors import BadInput
from localrun.workspace.home import tell
from localrun.workspace.memory import keep, locate, recall
from localrun.workspace.snapshot_objects import (
    BLOCK_BYTES,
    CHUNK_BYTES,
    LEAVE_OUT,
    open_object,
    read_link_inside,
    seek_data,
    translate_error,
    write_all,
)
from localrun.workspace.snapshot_store import Entry, read_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from localrun.adapters.ignore_rules import IgnoreRules
    from localrun.plan import SourcePlan
    from localrun.workspace.snapshot_store import Kept

MOST_FILES = 20_000
"""More files than this in a source folder are taken for a mistake (Azure ML's own limit was 2,000 for long)."""
MOST_BYTES = 300 * 1024 * 1024
"""Azure ML's limit for a snapshot."""
SCRIPTS = (".sh", ".bash")
"""Endings of shell scripts."""
MOST_SCRIPT_BYTES = 1024 * 1024
"""Shell scripts up to this size are searched for the bootstrap marker."""
REPORT_EVERY_S = 2.0
PART = 4096
"""So many entries are listed between two looks at the limits."""


def list_source(source: SourcePlan, *, home: str = "") -> tuple[Entry, ...]:
    """List what belongs to a snapshot: kinds `folder`, `file`, `link`, and `skipped` for fifos, sockets and devices.

    A folder stands before what is in it.

    Args:
        source: The folder; ignore rules come from its root.
        home: The workspace, which never belongs; what its ignore rules say is remembered in it. Empty: there is none.

    Raises:
        BadInput: a link leads out of the folder, a file cannot be read, or the limits are exceeded.
    """
    if source.snapshot:
        return read_manifest(home, source.snapshot)
    if source.file:
        return (_entry_of_file(os.path.basename(source.file), os.stat(source.file)),)
    if not source.directory:
        return ()
    root = os.path.realpath(source.directory)
    exclude = {_locate_workspace(root, home), _locate_inside(root, source.leave_out)}
    rules = read_ignore_rules(source.directory) if source.ignoring else None
    note = locate(home, f"ignored {root}") if home and rules else ""
    if rules and note:
        kept = recall(note)
        rules.known = kept[2] if kept is not None and kept[:2] == (root, rules.text) else {}
    entries = _take_within_limits(source, _walk(root, rules, exclude))
    if rules and note and rules.asked.keys() - rules.known.keys():
        keep(note, (root, rules.text, rules.asked))
    return entries


def _locate_workspace(root: str, home: str) -> str:
    """Give the workspace relative to the source folder when it lies inside, else an empty text."""
    place = os.path.realpath(home) if home else ""
    if place and root in {place, os.path.join(place, "runs")}:
        message = f"the source folder {root} is localrun's own workspace"
        raise BadInput(message, hint="name the folder of your script with --source")
    return _locate_inside(root, home)


def _locate_inside(root: str, path: str) -> str:
    """Give a path relative to the source folder when it lies inside, else an empty text."""
    place = os.path.realpath(path) if path else ""
    return os.path.relpath(place, root) if place.startswith(root.rstrip("/") + "/") else ""


def _take_within_limits(source: SourcePlan, found: Iterator[list[Entry]]) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    total = 0
    for part in found:
        entries += part
        total += sum([entry.facts[0] for entry in part])
        if source.limited and (total > MOST_BYTES or _has_too_many(entries)):
            raise _too_large(source.directory, total, max(entries, key=lambda entry: entry.size))
    return tuple(entries)


def _has_too_many(entries: list[Entry]) -> bool:
    return len(entries) > MOST_FILES and sum([entry.kind == "file" for entry in entries]) > MOST_FILES


def _walk(root: str, rules: IgnoreRules | None, exclude: set[str]) -> Iterator[list[Entry]]:
    """Give the entries of one folder after another, in parts; a folder stands before what is in it."""
    made = {""}
    folders = [""]
    while folders:
        below = folders.pop()
        inner: list[str] = []
        found: list[Entry] = []
        start = f"{below}/" if below else ""
        for item in _scan(root, below):
            path = start + item.name
            if item.is_dir(follow_symlinks=False):
                left_out = rules is not None and rules.leave_out(f"{path}/")
                if path in exclude or (left_out and rules is not None and not rules.reincludes):
                    continue
                inner.append(path)
                if not left_out:
                    found += _make_parents(path, made)
            elif not (rules and rules.leave_out(path)) and (entry := _describe(root, path, item)):
                if below not in made:
                    found += _make_parents(below, made)
                found.append(entry)
                if len(found) >= PART:  # so that a folder of millions is refused before all of it is looked at
                    yield found
                    found = []
        yield found
        folders += reversed(inner)


def _make_parents(path: str, made: set[str]) -> Iterator[Entry]:
    """Give a folder and the folders above it, each once: those that are left out are made for what is taken back in."""
    missing = []
    while path not in made:
        missing.append(path)
        made.add(path)
        path = path.rpartition("/")[0]
    for folder in reversed(missing):
        yield Entry(path=folder, kind="folder")


def _scan(root: str, below: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(os.path.join(root, below) if below else root) as found:
            return sorted(found, key=lambda item: item.name)
    except OSError as error:
        message = f"the folder {error.filename} of the source cannot be read: {error.strerror}"
        raise BadInput(message, hint=f"make it readable, or {LEAVE_OUT}") from None


def _describe(root: str, path: str, item: os.DirEntry[str]) -> Entry | None:
    if item.is_symlink():
        return _entry_of_link(root, path, item.path)
    try:
        return _entry_of_file(path, item.stat(follow_symlinks=False))
    except FileNotFoundError:  # gone since the folder was listed
        return None


_PUT = tuple([getattr(Entry, name).__set__ for name in Entry.__annotations__])


def _entry_of_file(path: str, facts: os.stat_result) -> Entry:
    """Give the entry of a file, without the checks of `Entry(...)`: there may be twenty thousand of them."""
    entry = object.__new__(Entry)
    put_path, put_kind, put_facts, put_digest = _PUT
    put_path(entry, path)
    put_kind(entry, "file" if stat.S_ISREG(facts.st_mode) else "skipped")
    put_facts(entry, (facts.st_size, facts.st_mode, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino))
    put_digest(entry, "")
    return entry


def _entry_of_link(root: str, path: str, absolute: str) -> Entry | None:
    if not (os.path.realpath(absolute) + "/").startswith(root.rstrip("/") + "/"):
        if _leads_to_the_run(root, path, absolute):
            return None
        message = f"{path} in the folder {root} is a link to {os.readlink(absolute)}, which lies outside"
        hint = f"copy what it points to, {LEAVE_OUT}, or use --in-place"
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if os.path.lexists(os.path.join(root, folder, "pyvenv.cfg")):
                hint = f"{folder} is a virtual environment: write the line {folder}/ into .amlignore"
        raise BadInput(message, hint=hint)
    return Entry(path=path, kind="link")


def _leads_to_the_run(root: str, path: str, absolute: str) -> bool:
    """Tell whether localrun itself has put a link into the working directory of a run, where a script runs localrun."""
    run, name = os.path.split(os.readlink(absolute))
    inside = root.startswith(os.path.realpath(run) + "/") and os.path.basename(root) == "wd"
    return inside and name == path and os.path.lexists(os.path.join(run, "localrun.log"))


def _too_large(directory: str, total: int, largest: Entry) -> BadInput:
    limits = f"{MOST_FILES:,} files and {MOST_BYTES // 1_048_576} MiB"
    found = f"more than {MOST_FILES:,} files"
    if total > MOST_BYTES:
        found = f"more than {MOST_BYTES // 1_048_576} MiB (the largest file: {largest.path})"
    hint = f"{LEAVE_OUT}, name a smaller folder with --source, use --in-place or --no-snapshot-limit"
    return BadInput(f"the source folder {directory} holds {found}; a snapshot takes {limits}", hint=hint)


def copy_entries(
    root: str,
    entries: tuple[Entry, ...],
    target: str,
    rewrite: tuple[bytes, bytes] | None = None,
    say: Callable[[str], None] = tell,
    kept: Kept | None = None,
) -> None:
    """Copy entries of one folder into another that exists, modes and modification times kept.

    A file that is not any more what its entry says is taken from the store.

    Args:
        root: The folder that the entries are relative to.
        entries: From `list_source`.
        target: The new folder.
        rewrite: In shell scripts, replace the first of these by the second (the bootstrap marker of a node).
        say: Told every two seconds how far it has come.
        kept: Their snapshot in the store; None when there is none.

    Raises:
        StoreFailed: there is no room, or a file in the store is damaged.
        BadInput: a file of the source cannot be read.
    """
    due = time.monotonic() + REPORT_EVERY_S
    for done, entry in enumerate(entries):
        if time.monotonic() > due:
            due += REPORT_EVERY_S
            say(f"copying {root}: {done:,} of {len(entries):,} files and folders")
        path = os.path.join(root, entry.path)
        new = os.path.join(target, entry.path)
        try:
            if entry.kind == "folder":
                os.mkdir(new)
            elif entry.kind == "link":
                os.symlink(kept.hashes[entry.path] if kept else read_link_inside(root, path), new)
            elif entry.kind == "file":
                old = _open_entry(path, entry, kept)
                _copy_file(old, new, entry, rewrite if entry.path.endswith(SCRIPTS) else None)
        except OSError as error:
            raise translate_error(error, path, target) from None


def _open_entry(path: str, entry: Entry, kept: Kept | None) -> int:
    """Open a file of the source; when it is not what its entry says any more, what the store has in its place."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    if kept is None:
        return os.open(path, flags)
    if not entry.digest:
        try:
            old = os.open(path, flags)
        except FileNotFoundError:
            pass
        else:
            facts = os.fstat(old)
            if (facts.st_ino, facts.st_ctime_ns, facts.st_size) == (entry.facts[4], entry.facts[3], entry.size):
                return old
            os.close(old)
    return open_object(kept.home, entry.path, kept.hashes[entry.path])


def _copy_file(old: int, new: str, entry: Entry, rewrite: tuple[bytes, bytes] | None) -> None:
    """Copy what a descriptor reads into a new file, and close it."""
    try:
        facts = os.fstat(old)
        mode = stat.S_IMODE(entry.mode) & 0o777 | 0o600
        out = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            if facts.st_size < CHUNK_BYTES:
                data = os.read(old, facts.st_size)
                write_all(out, data.replace(*rewrite) if rewrite is not None else data)
            else:
                _copy_large(old, out, facts)
            written_ns = entry.mtime_ns or facts.st_mtime_ns
            os.utime(out, ns=(written_ns, written_ns))
        finally:
            os.close(out)
    finally:
        os.close(old)


def _copy_large(old: int, out: int, facts: os.stat_result) -> None:
    """Copy what a large file holds; holes stay holes."""
    if facts.st_blocks * BLOCK_BYTES >= facts.st_size or not hasattr(os, "SEEK_HOLE"):
        while chunk := os.read(old, CHUNK_BYTES):
            write_all(out, chunk)
        return
    start = seek_data(old, 0)
    while start is not None:
        end = os.lseek(old, start, os.SEEK_HOLE)
        os.lseek(old, start, os.SEEK_SET)
        os.lseek(out, start, os.SEEK_SET)
        while start < end and (chunk := os.read(old, min(CHUNK_BYTES, end - start))):
            write_all(out, chunk)
            start += len(chunk)
        start = seek_data(old, end)
    os.ftruncate(out, max(facts.st_size, os.fstat(out).st_size))
