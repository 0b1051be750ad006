"""Whether the environments of the cache still are what they were when they were made."""

from __future__ import annotations

import json
import os

from localrun.environments.commit import list_files
from localrun.environments.places import find_places


def list_environments(home: str) -> list[str]:
    """Give the names of the environments that were made completely, sorted."""
    try:
        names = os.listdir(os.path.join(home, "environments"))
    except FileNotFoundError:
        return []
    return sorted(name.removesuffix(".ok") for name in names if name.endswith(".ok"))


def find_differences(home: str, name: str) -> list[str]:
    """Give the files of an environment that are missing, changed or new since it was made, a line each, sorted.

    Every file's size, time and mode is compared with the manifest; a run compares only a few of them.
    """
    places = find_places(home, name)
    before = _read_manifest(places.manifest)
    now = {path: facts for path, *facts in list_files(places.prefix)}
    gone = [f"missing: {path}" for path in before.keys() - now.keys()]
    new = [f"new: {path}" for path in now.keys() - before.keys()]
    changed = [f"changed: {path}" for path in before.keys() & now.keys() if before[path] != now[path]]
    return sorted([*gone, *new, *changed])


def _read_manifest(path: str) -> dict[str, list[int]]:
    try:
        with open(path, encoding="utf-8") as file:
            rows = [line.rstrip("\n").split("\t", 3) for line in file]
    except FileNotFoundError:
        return {}
    return {json.loads(name): [int(size), int(time_ns), int(mode, 8)] for size, time_ns, mode, name in rows}
