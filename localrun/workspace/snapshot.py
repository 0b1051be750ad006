"""Snapshots: a run works in a copy of its source folder, and the record keeps another."""

from __future__ import annotations

import os
import stat

from localrun.adapters.ignore_rules import read_ignore_rules
from localrun.errors import BadInput, StoreFailed
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from localrun.plan import SourcePlan

MOST_FILES = 20_000
"""More files than this in a source folder are taken for a mistake (Azure ML's own limit was 2,000 for long)."""
MOST_BYTES = 300 * 1024 * 1024
"""Azure ML's limit for a snapshot."""
SCRIPTS = (".sh", ".bash")
"""Endings of shell scripts."""
MOST_SCRIPT_BYTES = 1024 * 1024
"""Shell scripts up to this size are searched for the bootstrap marker."""


@value
class Entry:
    """One thing in a source folder: its path relative to it, what it is, and how large."""

    path: str
    kind: str
    size: int = 0
    mode: int = 0


def list_source(source: SourcePlan, *, exclude: str = "") -> tuple[Entry, ...]:
    """List what belongs to a snapshot: kinds `folder`, `file`, `link`, and `skipped` for fifos, sockets and devices.

    Args:
        source: The folder; ignore rules come from its root.
        exclude: An absolute path that never belongs (the workspace itself).

    Raises:
        BadInput: a link leads out of the folder, a file cannot be read, or the limits are exceeded.
    """
    if source.file:
        facts = os.stat(source.file)
        return (Entry(path=os.path.basename(source.file), kind="file", size=facts.st_size, mode=facts.st_mode),)
    if not source.directory:
        return ()
    ignored = read_ignore_rules(source.directory)
    entries = []
    files = total = 0
    for entry in _walk(source.directory, "", ignored, exclude):
        entries.append(entry)
        files += entry.kind == "file"
        total += entry.size
        if source.limited and (files > MOST_FILES or total > MOST_BYTES):
            raise _too_large(source.directory, files, total)
    return tuple(entries)


def _walk(root: str, below: str, ignored: Callable[[str], bool] | None, exclude: str) -> Iterator[Entry]:
    try:
        with os.scandir(os.path.join(root, below) if below else root) as found:
            items = sorted(found, key=lambda item: item.name)
    except OSError as error:
        message = f"the folder {error.filename} of the source cannot be read: {error.strerror}"
        raise BadInput(message, hint="make it readable, or leave it out with .amlignore") from None
    for item in items:
        path = f"{below}/{item.name}" if below else item.name
        if item.is_symlink():
            if not (ignored and ignored(path)):
                yield _entry_of_link(root, path, item.path)
        elif item.is_dir(follow_symlinks=False):
            if item.path != exclude:
                yield Entry(path=path, kind="folder")
                yield from _walk(root, path, ignored, exclude)
        elif not (ignored and ignored(path)):
            facts = item.stat(follow_symlinks=False)
            kind = "file" if stat.S_ISREG(facts.st_mode) else "skipped"
            yield Entry(path=path, kind=kind, size=facts.st_size, mode=facts.st_mode)


def _entry_of_link(root: str, path: str, absolute: str) -> Entry:
    base = os.path.realpath(root)
    if not (os.path.realpath(absolute) + "/").startswith(base + "/"):
        message = f"{path} in the source folder is a link to {os.readlink(absolute)}, which lies outside"
        raise BadInput(message, hint="copy what it points to, leave it out with .amlignore, or use --in-place")
    return Entry(path=path, kind="link")


def _too_large(directory: str, files: int, total: int) -> BadInput:
    limits = f"{MOST_FILES:,} files and {MOST_BYTES // 1_048_576} MiB"
    found = f"more than {files - 1:,} files" if files > MOST_FILES else f"more than {total // 1_048_576:,} MiB"
    hint = "leave files out with .amlignore, name a smaller folder with --source, use --in-place or --no-snapshot-limit"
    return BadInput(f"the source folder {directory} holds {found}; a snapshot takes {limits}", hint=hint)


def copy_entries(
    root: str, entries: tuple[Entry, ...], target: str, rewrite: tuple[bytes, bytes] | None = None
) -> None:
    """Copy entries of one folder into another that exists, modes and modification times kept.

    Args:
        root: The folder that the entries are relative to.
        entries: From `list_source`.
        target: The new folder.
        rewrite: In shell scripts, replace the first of these by the second (the bootstrap marker of a node).

    Raises:
        StoreFailed: there is no room.
        BadInput: a file of the source cannot be read.
    """
    for entry in entries:
        path = os.path.join(root, entry.path)
        new = os.path.join(target, entry.path)
        try:
            if entry.kind == "folder":
                os.mkdir(new)
            elif entry.kind == "link":
                os.symlink(_link_inside(root, path), new)
            elif entry.kind == "file":
                _copy_file(path, new, entry.mode, rewrite if entry.path.endswith(SCRIPTS) else None)
        except OSError as error:
            raise _translate(error, path, target) from None


def _link_inside(root: str, path: str) -> str:
    goal = os.readlink(path)
    if not os.path.isabs(goal):
        return goal
    return os.path.relpath(
        os.path.realpath(goal), os.path.dirname(os.path.join(os.path.realpath(root), os.path.relpath(path, root)))
    )


def _copy_file(path: str, new: str, mode: int, rewrite: tuple[bytes, bytes] | None) -> None:
    old = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        facts = os.fstat(old)
        out = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, stat.S_IMODE(mode) & 0o777 | 0o600)
        try:
            if rewrite is not None and facts.st_size < MOST_SCRIPT_BYTES:
                _write_all(out, os.read(old, MOST_SCRIPT_BYTES).replace(*rewrite))
            while chunk := os.read(old, 1 << 20):
                _write_all(out, chunk)
            os.utime(out, ns=(facts.st_mtime_ns, facts.st_mtime_ns))
        finally:
            os.close(out)
    finally:
        os.close(old)


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _translate(error: OSError, path: str, target: str) -> Exception:
    import errno

    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        hint = "free some space, or set LOCALRUN_HOME to a folder on a larger disk"
        return StoreFailed(f"no room in {target} for a copy of {path}: {error.strerror}", hint=hint, code="store_full")
    hint = "make it readable, or leave it out with .amlignore"
    return BadInput(f"{path} of the source cannot be copied: {error.strerror}", hint=hint)
