"""`localrun environment vendor`: every package of a lock in one folder, to carry to a machine without a network."""

from __future__ import annotations

import os

from localrun.errors import BadInput
from localrun.workspace.home import open_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.adapters.files import Reading
    from localrun.spec import EnvironmentSpec


def vendor_lock(file: str, folder: str, platforms: tuple[str, ...], *, quiet: bool) -> str:
    """Collect the packages of a lock file in a folder, and give a line that says what there is.

    Args:
        file: The lock file.
        folder: The folder.
        platforms: Conda subdirectories of the lock; empty for all of them.
        quiet: Say nothing but errors.

    Raises:
        BadInput: it is no lock file, or has none of a platform, or the folder holds something else.
        EnvironmentFailed, StoreFailed: a package cannot be had or kept.
    """
    from localrun.adapters.files import Reading
    from localrun.cli.progress import show_progress
    from localrun.environments.vendor import collect_archives
    from localrun.formats.lock_archives import list_archives

    reading = Reading()
    lock = read_lock_file(file, reading)
    assert lock.python is not None  # noqa: S101 - a lock has it
    known = [one.platform for one in lock.python.locks]
    if unknown := [platform for platform in platforms if platform not in known]:
        message = f"the lock is for {', '.join(known) or 'no platform'}, not for {unknown[0]}"
        raise BadInput(message, file=file, key="--platform", hint="leave it out to collect for all of them")
    data = reading.read(os.path.abspath(file))
    archives = list_archives(lock, data, platforms)
    with show_progress(quiet=quiet) as report:
        collect_archives(
            lock.python, data, archives, os.path.abspath(folder), home=open_home(os.environ), report=report
        )
    return folder


def read_lock_file(file: str, reading: Reading) -> EnvironmentSpec:
    """Give what a lock file says.

    Raises:
        BadInput: it is not there, or no lock file.
    """
    from localrun.formats.environment import read_environment

    shown = file if "/" in file else f"./{file}"
    lock = read_environment(shown, read=reading.read, is_directory=lambda path: reading.look(path) == "folder")
    if lock.python is None or lock.python.conda or not lock.python.lock_file:
        raise BadInput(f"{file} is no lock file", key="--lock", hint="localrun env lock writes one")
    return lock
