"""Removing what is half-made, damaged or left over."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import time

from localrun.environments.places import cache_lock
from localrun.environments.settings import Progress
from localrun.errors import StoreFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from localrun.environments.places import Places

_TRIES = 50


def remove_environment(
    places: Places, report: Callable[[Progress], None], purpose: str, *, asked: bool = False
) -> None:
    """Remove whatever there is of an environment; the caller holds its lock.

    The commit record goes first, so that a death in between leaves nothing that looks whole.

    Args:
        places: Where it is.
        report: Told what is removed, and for what purpose.
        purpose: In a word.
        asked: The user wants it anew, with the versions of today; else what was resolved stays.

    Raises:
        StoreFailed: it cannot be removed.
    """
    # What was resolved outlives the environment: made anew, here or in an image, it gets the same versions again.
    kept = os.path.lexists(places.versions) and not asked
    resolved = () if kept else (places.conda_lock, places.versions)
    if os.path.lexists(places.prefix) or os.path.lexists(places.record):
        report(Progress(stage="clean", text=_say(places, f"{purpose} as asked" if asked else purpose, asked=asked)))
    for path in (places.record, places.manifest, *resolved):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    remove_tree(places.prefix)
    remove_tree(places.work)


def _say(places: Places, purpose: str, *, asked: bool) -> str:
    complete = os.path.lexists(places.record)
    kind = ("an" if asked else "a changed") if complete else "an incomplete"
    try:
        made = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(os.lstat(places.prefix).st_mtime))
    except OSError:
        return f"found {kind} environment, {purpose}"
    return f"found {kind} environment from {made}, {purpose}"


def remove_tree(path: str) -> None:
    """Remove a folder with all that is in it, read-only folders included; nothing happens when it is not there.

    Raises:
        StoreFailed: something in it cannot be removed.
    """
    for _ in range(_TRIES):
        try:
            shutil.rmtree(path, onerror=_make_writable)
        except FileNotFoundError:
            continue
        except OSError as error:
            # Somebody who is just being killed wrote one more file: once more.
            if error.errno != errno.ENOTEMPTY:
                message = f"{error.filename or path} cannot be removed: {error.strerror}"
                raise StoreFailed(message, hint="remove it by hand", code="store_read_only") from error
            time.sleep(0.02)
        if not os.path.lexists(path):
            return


def _make_writable(function: Callable[[str], Any], path: str, info: Any) -> None:
    if isinstance(info[1], FileNotFoundError):
        return
    if not isinstance(info[1], PermissionError) or os.path.islink(path):
        raise info[1]
    os.chmod(os.path.dirname(path), stat.S_IRWXU)
    if os.path.isdir(path):
        os.chmod(path, stat.S_IRWXU)
        shutil.rmtree(path)
    else:
        function(path)


def share_caches(home: str) -> int:
    """Take the shared lock of the package caches; when nobody else uses them, tidy them first.

    Builders that were killed leave temporary folders behind. They can be told from those of living builders only
    when there is none of the latter.

    Returns:
        The descriptor that holds the lock until it is closed.
    """
    descriptor = os.open(cache_lock(home), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for path in find_leftovers(os.path.join(home, "cache")):
            remove_tree(path) if os.path.isdir(path) else os.unlink(path)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def find_leftovers(cache: str) -> list[str]:
    """Give temporary files and folders in the package caches that a killed builder left behind."""
    found = _starting_with(cache, ".tmp")
    for folder, sign in (("conda", ".pkg"), ("conda", ".tmp"), ("uv", ".tmp"), ("repodata", ".tmp")):
        found += _starting_with(os.path.join(cache, folder), sign)
    for name in ("archive-v0", "builds-v0"):
        found += _starting_with(os.path.join(cache, "uv", name), ".tmp")
    return found


def _starting_with(folder: str, sign: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.path for entry in entries if entry.name.startswith(sign)]
    except OSError:
        return []
