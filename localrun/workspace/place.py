"""A private folder outside the workspace, for the few paths of a run that scripts use without quotes.

A workspace below a folder whose name has a blank would break them. The place is a new folder of mode 0700 with an
unpredictable name below /tmp. A link in the run's folder leads to it, so that whoever ends the run can remove it.
"""

from __future__ import annotations

import os

LINK = "place"
_ROOT, _PREFIX = "/tmp", "localrun-"  # noqa: S108 - the name is unpredictable, and mkdir takes nothing that is there


def is_plain(path: str) -> bool:
    """Tell whether a shell takes a path for one word as it is, without quotes."""
    return all(char.isalnum() or char in "/._-+@%:,=" for char in path)


def make_place(folder: str) -> str:
    """Make the place of a run, and its link in the run's folder; give its path.

    Raises:
        OSError: it cannot be made.
    """
    path = f"{_ROOT}/{_PREFIX}{os.urandom(12).hex()}"
    os.symlink(path, os.path.join(folder, LINK))
    os.mkdir(path, 0o700)
    return path


def remove_place(folder: str) -> None:
    """Remove the place of a run and its link, if it has one."""
    link = os.path.join(folder, LINK)
    try:
        path = os.readlink(link)
        root, name = os.path.split(path)
        if root == _ROOT and name.startswith(_PREFIX) and os.lstat(path).st_uid == os.geteuid():
            import shutil

            shutil.rmtree(path, ignore_errors=True)
        os.unlink(link)
    except OSError:
        return  # it has none
