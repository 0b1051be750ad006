"""Snapshots: a run works in a copy of its source folder, and the record keeps it by content (`snapshot_store`)."""

from __future__ import annotations

import os
import stat
import time

from localrun.adapters.ignore_rules import read_ignore_rules
from localrun.errors import BadInput, StoreFailed
from localrun.values import value
from localrun.workspace.home import tell
from localrun.workspace.memory import keep, locate, recall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from localrun.adapters.ignore_rules import IgnoreRules
    from localrun.plan import SourcePlan

MOST_FILES = 20_000
"""More files than this in a source folder are taken for a mistake (Azure ML's own limit was 2,000 for long)."""
MOST_BYTES = 300 * 1024 * 1024
"""Azure ML's limit for a snapshot."""
SCRIPTS = (".sh", ".bash")
"""Endings of shell scripts."""
MOST_SCRIPT_BYTES = 1024 * 1024
"""Shell scripts up to this size are searched for the bootstrap marker."""
CHUNK_BYTES = MOST_SCRIPT_BYTES
"""So much of a file is in memory at a time."""
BLOCK_BYTES = 512
"""The unit of `st_blocks`, whatever the file system; source: stat(2)."""
REPORT_EVERY_S = 2.0
PART = 4096
"""So many entries are listed between two looks at the limits."""
LEAVE_OUT = "leave it out with .amlignore"


@value
class Entry:
    """One thing in a source folder, or in a snapshot of it.

    Attributes:
        path: Relative to the folder.
        kind: `folder`, `file`, `link` or `skipped`.
        size: Of a file, in bytes.
        mode: Of a file.
        mtime_ns: Of a file, as `ctime_ns` and `inode` are.
        ctime_ns: 0 where it comes from a snapshot.
        inode: 0 where it comes from a snapshot.
        digest: Of a file in the store, its SHA-256 in hex; of a link there, what it says; else empty.
    """

    path: str
    kind: str
    size: int = 0
    mode: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0
    digest: str = ""


@value
class Kept:
    """A snapshot in the store.

    Attributes:
        home: The workspace that has it.
        hashes: For each entry's path its hash; of a link, what it says; else empty.
    """

    home: str
    hashes: dict[str, str]


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
        from localrun.workspace.snapshot_store import read_manifest

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
    files = total = 0
    largest = Entry(path="", kind="file")
    for part in found:
        entries += part
        files += sum([entry.kind == "file" for entry in part])
        total += sum([entry.size for entry in part])
        largest = max((largest, *part), key=_get_size)
        if source.limited and (files > MOST_FILES or total > MOST_BYTES):
            raise _too_large(source.directory, total, largest)
    return tuple(entries)


def _get_size(entry: Entry) -> int:
    return entry.size


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
    put_path, put_kind, put_size, put_mode, put_mtime, put_ctime, put_inode, put_digest = _PUT
    put_path(entry, path)
    put_kind(entry, "file" if stat.S_ISREG(facts.st_mode) else "skipped")
    put_size(entry, facts.st_size)
    put_mode(entry, facts.st_mode)
    put_mtime(entry, facts.st_mtime_ns)
    put_ctime(entry, facts.st_ctime_ns)
    put_inode(entry, facts.st_ino)
    put_digest(entry, "")
    return entry


def _entry_of_link(root: str, path: str, absolute: str) -> Entry:
    if not (os.path.realpath(absolute) + "/").startswith(root.rstrip("/") + "/"):
        message = f"{path} in the folder {root} is a link to {os.readlink(absolute)}, which lies outside"
        hint = f"copy what it points to, {LEAVE_OUT}, or use --in-place"
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if os.path.lexists(os.path.join(root, folder, "pyvenv.cfg")):
                hint = f"{folder} is a virtual environment: write the line {folder}/ into .amlignore"
        raise BadInput(message, hint=hint)
    return Entry(path=path, kind="link")


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
            if (facts.st_ino, facts.st_ctime_ns, facts.st_size) == (entry.inode, entry.ctime_ns, entry.size):
                return old
            os.close(old)
    from localrun.workspace.snapshot_objects import open_object

    return open_object(kept.home, entry.path, kept.hashes[entry.path])


def read_link_inside(root: str, path: str) -> str:
    """Give what a link says, so that it leads into the copy: absolute goals, and ways out and back, are rewritten."""
    goal = os.readlink(path)
    way = os.path.normpath(os.path.join(os.path.dirname(os.path.relpath(path, root)), goal))
    if not os.path.isabs(goal) and way.partition("/")[0] != "..":
        return goal
    folder = os.path.realpath(os.path.dirname(path))
    return os.path.relpath(os.path.realpath(os.path.join(folder, goal)), folder)


def _copy_file(old: int, new: str, entry: Entry, rewrite: tuple[bytes, bytes] | None) -> None:
    """Copy what a descriptor reads into a new file, and close it."""
    try:
        facts = os.fstat(old)
        mode = stat.S_IMODE(entry.mode) & 0o777 | 0o600
        out = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            if facts.st_size < CHUNK_BYTES:
                data = os.read(old, facts.st_size + BLOCK_BYTES)
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


def seek_data(file: int, start: int) -> int | None:
    """Give where the next byte of a file is that lies in no hole; None when only a hole is left."""
    import errno

    if not hasattr(os, "SEEK_DATA"):
        return start
    try:
        return os.lseek(file, start, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return None
        raise


def write_all(file: int, data: bytes) -> None:
    """Write all of some bytes.

    Raises:
        OSError: there is no room.
    """
    while data:
        data = data[os.write(file, data) :]


def translate_error(error: OSError, path: str, target: str) -> Exception:
    """Give the error for what the system said when a file of the source was copied."""
    import errno

    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        hint = "free some space, or set LOCALRUN_HOME to a folder on a larger disk"
        return StoreFailed(f"no room in {target} for a copy of {path}: {error.strerror}", hint=hint, code="store_full")
    hint = f"make it readable, or {LEAVE_OUT}"
    return BadInput(f"{path} of the source cannot be copied: {error.strerror}", hint=hint)
