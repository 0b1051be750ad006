"""Outputs of a run, handed out to a folder of the user's."""

from __future__ import annotations

import errno
import os
import shutil

from localrun.workspace.disk import Counter


def copy_outputs(folder: str, target: str) -> None:
    """Copy what a run wrote to `outputs/`, and its named outputs, each below its own name, into a folder.

    Files that are there already are replaced; links are copied as links, never followed.

    Args:
        folder: The run's folder.
        target: An absolute path; it is made when it does not exist.

    Raises:
        OSError: something cannot be read or written, or there is no room for all of it (then nothing is copied).
    """
    outputs = os.path.realpath(os.path.join(folder, "outputs"))
    named = os.path.join(folder, "named-outputs")
    os.makedirs(target, exist_ok=True)
    room = os.statvfs(target)
    counter = Counter()
    if counter.count(outputs)[0] + counter.count(named)[0] > room.f_bavail * room.f_frsize:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), target)
    _merge(outputs, target)
    for name in sorted(os.listdir(named)):
        path = os.path.join(named, name)
        if os.path.isdir(path):
            _merge(path, os.path.join(target, name))
        else:
            _copy(path, os.path.join(target, name))


def _merge(source: str, target: str) -> None:
    os.makedirs(target, exist_ok=True)
    inside = os.path.realpath(target)
    with os.scandir(source) as found:
        entries = list(found)
    for entry in entries:
        new = os.path.join(target, entry.name)
        if os.path.realpath(entry.path) == inside:
            continue  # the folder that is copied to lies in the one that is copied
        if entry.is_dir(follow_symlinks=False):
            _merge(entry.path, new)
        elif entry.is_symlink() or entry.is_file(follow_symlinks=False):
            _copy(entry.path, new)


def _copy(source: str, target: str) -> None:
    temporary = f"{target}.localrun-new"
    shutil.copy2(source, temporary, follow_symlinks=False)
    os.replace(temporary, target)
