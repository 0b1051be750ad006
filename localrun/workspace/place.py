"""Private folders outside the workspace: for the few paths of a run that scripts use without quotes, and in memory.

A workspace below a folder whose name has a blank would break the first. The second holds what must not be on a disk. A
place is a new folder of mode 0700 with an unpredictable name below /tmp, or where the system keeps files in memory. A
link in the run's folder leads to it, so that whoever ends the run can remove it. One of a shell after a run has no
link: the next shell removes it when its pipe has nobody any more.
"""

from __future__ import annotations

import os

LINK, MEMORY_LINK = "place", "place-in-memory"
_ROOT, _PREFIX = "/tmp", "localrun-"  # noqa: S108 - the name is unpredictable, and mkdir takes nothing that is there
_SHELL = f"{_PREFIX}shell-"
_MEMORY = "/dev/shm"  # noqa: S108 - likewise


def is_plain(path: str) -> bool:
    """Tell whether a shell takes a path for one word as it is, without quotes."""
    return all(char.isalnum() or char in "/._-+@%:,=" for char in path)


def make_place(folder: str) -> str:
    """Make the place of a run, and its link in the run's folder; give its path.

    Raises:
        OSError: it cannot be made.
    """
    return _make(_ROOT, os.path.join(folder, LINK))


def make_place_in_memory(folder: str) -> str:
    """Make a place of a run that lies in memory where the system has such a folder; give its path.

    Raises:
        OSError: it cannot be made.
    """
    return _make(_find_memory(), os.path.join(folder, MEMORY_LINK))


def _make(root: str, link: str) -> str:
    path = f"{root}/{_PREFIX}{os.urandom(12).hex()}"
    os.symlink(path, link)
    os.mkdir(path, 0o700)
    return path


def _find_memory() -> str:
    """Give the folder whose files lie in memory; where the system has none, the one for temporary files."""
    return _MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else _ROOT


def make_shell_place() -> tuple[str, int]:
    """Make the place in memory that the container of a shell gets its pipe, `control`, and its variables from.

    What killed shells have left is removed first.

    Returns:
        The folder, of mode 0755 below one of mode 0700, for whoever the container runs as; and the descriptor that
        holds the pipe open: who has it lives.

    Raises:
        OSError: it cannot be made.
    """
    root = _find_memory()
    _remove_abandoned(root)
    outer = f"{root}/{_SHELL}{os.urandom(12).hex()}"
    os.mkdir(outer, 0o700)
    folder = f"{outer}/shell"
    os.mkdir(folder, 0o755)
    os.mkfifo(f"{folder}/new", 0o644)
    keeper = os.open(f"{folder}/new", os.O_RDWR | os.O_CLOEXEC)
    os.rename(f"{folder}/new", f"{folder}/control")  # whoever sees it sees that somebody has it open
    return folder, keeper


def remove_shell_place(folder: str) -> None:
    """Remove a place of `make_shell_place`."""
    import shutil

    shutil.rmtree(os.path.dirname(folder), ignore_errors=True)


def _remove_abandoned(root: str) -> None:
    import errno

    for name in os.listdir(root):
        if not name.startswith(_SHELL):
            continue
        folder = f"{root}/{name}/shell"
        try:
            os.close(os.open(f"{folder}/control", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
        except OSError as error:
            if error.errno == errno.ENXIO:  # nobody has it open
                remove_shell_place(folder)


def find_place_in_memory(folder: str) -> str:
    """Give the path of the place of a run that lies in memory; empty when it has none."""
    try:
        return os.readlink(os.path.join(folder, MEMORY_LINK))
    except OSError:
        return ""


def remove_place(folder: str) -> None:
    """Remove the places of a run and their links, if it has any."""
    for name in (LINK, MEMORY_LINK):
        _remove(os.path.join(folder, name))


def _remove(link: str) -> None:
    try:
        path = os.readlink(link)
        root, name = os.path.split(path)
        if root in {_ROOT, _MEMORY} and name.startswith(_PREFIX) and os.lstat(path).st_uid == os.geteuid():
            import shutil

            shutil.rmtree(path, ignore_errors=True)
        os.unlink(link)
    except OSError:
        return  # it has none
