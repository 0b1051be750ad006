"""What the workspace takes on the disk, each byte counted once."""

from __future__ import annotations

import os
import stat

from localrun.workspace.snapshot_objects import BLOCK_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

IMAGE_LOGS = "images"
"""Among the environments: what was said while images were built, and their locks; the images are the engine's."""


class Counter:
    """Counts what files take; a file of several names counts where it is met first."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()

    def count(self, path: str) -> tuple[int, int]:
        """Give the bytes that a file or folder takes, and how many of them were counted before."""
        total = shared = 0
        waiting = [path]
        while waiting:
            place = waiting.pop()
            try:
                facts = os.lstat(place)
                if stat.S_ISDIR(facts.st_mode):
                    with os.scandir(place) as found:
                        waiting += [item.path for item in found]
            except OSError:  # removed meanwhile
                continue
            size = facts.st_blocks * BLOCK_BYTES
            total += size
            if facts.st_nlink > 1 and not stat.S_ISDIR(facts.st_mode):
                name = (facts.st_dev, facts.st_ino)
                shared += size if name in self._seen else 0
                self._seen.add(name)
        return total, shared


def measure_disk(home: str) -> dict[str, Any]:
    """Measure a workspace.

    Returns:
        `home`; `free_bytes` of its disk; `clones`: its file system can share blocks between copies; `hard_links`: it
        lets a file have several names; `rows`: for each
        thing `kind` (`packages`, `environment`, `snapshots`, `runs`, `other`), `name`, `bytes` that it takes, and
        `shared_bytes`: how many of them an earlier row has counted already; `total_bytes`: all, each counted once.
    """
    from localrun.adapters.uv import link_mode

    counter = Counter()
    cache, folder = os.path.join(home, "cache"), os.path.join(home, "environments")
    caches = [(name, os.path.join(cache, name)) for name in _list(home, "cache")]
    rows = [_measure(counter, "packages", name, path) for name, path in caches if os.path.isdir(path)]
    names = [name for name in _list(home, "environments") if not name.endswith(".work") and name != IMAGE_LOGS]
    places = [(name, os.path.join(folder, name)) for name in names]
    rows += [_measure(counter, "environment", name, path) for name, path in places if os.path.isdir(path)]
    rows.append(_measure(counter, "snapshots", "snapshots", os.path.join(home, "snapshots")))
    rows.append(_measure(counter, "runs", f"{len(_list(home, 'runs'))} runs", os.path.join(home, "runs")))
    known = {"cache", "snapshots", "runs"}
    loose = [os.path.join(home, name) for name in sorted(os.listdir(home)) if name not in known | {"environments"}]
    loose += [os.path.join(folder, name) for name in _list(home, "environments")]
    loose += [path for _, path in caches if not os.path.isdir(path)]
    counted = {os.path.join(folder, row["name"]) for row in rows if row["kind"] == "environment"}
    sizes = [counter.count(path) for path in loose if path not in counted]
    rows.append(_row("other", "records, locks and logs", sum(size for size, _ in sizes), sum(old for _, old in sizes)))
    disk = os.statvfs(home)
    return {
        "home": home,
        "free_bytes": disk.f_bavail * disk.f_frsize,
        "clones": link_mode(home) == "clone",
        "hard_links": can_link(home),
        "rows": rows,
        "total_bytes": sum(row["bytes"] - row["shared_bytes"] for row in rows),
    }


def _list(home: str, name: str) -> list[str]:
    try:
        return sorted(os.listdir(os.path.join(home, name)))
    except FileNotFoundError:
        return []


def _measure(counter: Counter, kind: str, name: str, path: str) -> dict[str, Any]:
    return _row(kind, name, *counter.count(path))


def _row(kind: str, name: str, size: int, shared: int) -> dict[str, Any]:
    return {"kind": kind, "name": name, "bytes": size, "shared_bytes": shared}


def can_link(folder: str) -> bool:
    """Tell whether the file system of a folder lets a file have several names."""
    import tempfile

    try:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            path = os.path.join(place, "one")
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            os.link(path, os.path.join(place, "other"))
    except OSError:
        return False
    return True
