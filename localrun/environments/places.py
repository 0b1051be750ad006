"""Where the parts of an environment lie in the workspace, as functions of its name."""

from __future__ import annotations

import os

from localrun.values import value

CACHE_TAG = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n# Everything here can be made again. See bford.info/cachedir\n"
)
"""The text of CACHEDIR.TAG, after bford.info/cachedir."""


@value
class Places:
    """The places of one environment; all of them absolute.

    Attributes:
        home: The workspace.
        prefix: The conda prefix.
        record: The commit record.
        lock: The lock file.
        conda_lock: The conda-lock file of what was solved.
        log: All that installers said when it was made.
        manifest: Size, mtime and mode of every file.
        versions: Names and versions of every package, as JSON.
        work: A folder for the time of the making.
    """

    home: str
    prefix: str
    record: str
    lock: str
    conda_lock: str
    log: str
    manifest: str
    versions: str
    work: str


def find_places(home: str, name: str) -> Places:
    """Give the places of the environment `name` in the workspace `home`."""
    prefix = os.path.join(home, "environments", name)
    return Places(
        home=home,
        prefix=prefix,
        record=f"{prefix}.ok",
        lock=os.path.join(home, "locks", f"{name}.lock"),
        conda_lock=f"{prefix}.conda-lock.yml",
        log=f"{prefix}.log",
        manifest=f"{prefix}.manifest",
        versions=f"{prefix}.versions.json",
        work=f"{prefix}.work",
    )


def cache_lock(home: str) -> str:
    """Give the lock file of the package caches: shared while somebody fills them, exclusive to tidy them."""
    return os.path.join(home, "locks", "cache.lock")
