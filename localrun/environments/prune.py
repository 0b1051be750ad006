"""Removing cached environments and packages: all of it can be made again, and nothing that is in use is touched."""

from __future__ import annotations

import contextlib
import fcntl
import os

from localrun.environments.places import CACHE_TAG, cache_lock, find_places
from localrun.environments.removal import remove_environment, remove_tree
from localrun.errors import StoreFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from localrun.environments.settings import Progress

SIGNATURE = CACHE_TAG.split(b"\n", 1)[0]


def check_tag(folder: str) -> None:
    """Refuse a folder that is not marked as a cache: nothing is removed from what may be somebody's own.

    Raises:
        StoreFailed: it has no CACHEDIR.TAG, or another one.
    """
    tag = os.path.join(folder, "CACHEDIR.TAG")
    try:
        with open(tag, "rb") as file:
            marked = file.read(len(SIGNATURE)) == SIGNATURE
    except FileNotFoundError:
        marked = False
    except OSError as error:
        raise StoreFailed(f"{tag} cannot be read: {error.strerror}", code="store_corrupt") from error
    if not marked:
        message = f"{folder} is not marked as a cache of localrun's, so that nothing is removed from it"
        raise StoreFailed(message, hint="is LOCALRUN_HOME the right folder? Else remove it by hand", code="store_owner")


def list_environments(home: str) -> list[str]:
    """Give the names of the cached environments.

    Raises:
        StoreFailed: their folder is not marked as a cache.
    """
    folder = os.path.join(home, "environments")
    if not os.path.isdir(folder):
        return []
    check_tag(folder)
    with os.scandir(folder) as found:
        return sorted(item.name for item in found if item.name.startswith("azureml_") and "." not in item.name)


def get_time(home: str, name: str) -> float:
    """Give when an environment was made, in Unix seconds; 0 when it is not whole."""
    try:
        return os.stat(find_places(home, name).record).st_mtime
    except OSError:
        return 0


def is_used(home: str, name: str) -> bool:
    """Tell whether a run or a builder holds an environment."""
    with hold_alone(find_places(home, name).lock) as held:
        return not held


def remove_unused(home: str, name: str) -> bool:
    """Remove a cached environment unless somebody uses it; tell whether it was removed.

    What it was resolved to stays: made again, it gets the same versions.

    Raises:
        StoreFailed: it cannot be removed.
    """
    places = find_places(home, name)
    with hold_alone(places.lock) as held:
        if held:
            remove_environment(places, _silent, "pruned")
        return held


def empty_caches(home: str) -> bool:
    """Remove every cached package unless somebody makes an environment just now; tell whether they were removed.

    Raises:
        StoreFailed: the folder is not marked as a cache, or something cannot be removed.
    """
    folder = os.path.join(home, "cache")
    if not os.path.isdir(folder):
        return False
    check_tag(folder)
    with hold_alone(cache_lock(home)) as held:
        if held:
            for name in ("conda", "uv", "repodata", "bytecode", "verified"):
                remove_tree(os.path.join(folder, name))
        return held


@contextlib.contextmanager
def hold_alone(lock: str) -> Iterator[bool]:
    """Hold a lock alone while a block runs, if nobody else has it; the block gets whether it does."""
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        message = f"the workspace cannot be written: {lock}: {error.strerror}"
        raise StoreFailed(message, hint="make it writable", code="store_read_only") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _silent(_: Progress) -> None:
    pass
