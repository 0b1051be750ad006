"""A folder for work that makes no environment: solving, and fetching packages."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile

from localrun.environments.conda import make_folders
from localrun.environments.removal import share_caches
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@value
class Workshop:
    """Where such work is done.

    Attributes:
        home: The workspace.
        folder: For its files; it goes with the work.
        log: A descriptor of the file `log` in it.
        hold: A descriptor that holds the package caches.
    """

    home: str
    folder: str
    log: int
    hold: int


@contextlib.contextmanager
def open_workshop(home: str) -> Iterator[Workshop]:
    """Give a workshop while a block runs; nobody empties the package caches meanwhile.

    Raises:
        StoreFailed: the workspace cannot be written.
    """
    make_folders(home)
    hold = share_caches(home)
    folder = tempfile.mkdtemp(prefix=".tmp", dir=os.path.join(home, "cache"))
    try:
        with open(os.path.join(folder, "log"), "ab") as log:
            yield Workshop(home=home, folder=folder, log=log.fileno(), hold=hold)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(hold)
