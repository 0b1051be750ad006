"""Processes that the kernel ended for want of memory: how many there were so far."""

from __future__ import annotations

import os

ROOT = "/sys/fs/cgroup"


def count_out_of_memory(
    *, membership: str = "/proc/self/cgroup", root: str = ROOT, system: str = "/proc/vmstat"
) -> int:
    """Count the processes that the kernel has ended for want of memory.

    Counted for the control group of this process and of its children, where the kernel tells (`memory.events` of
    version 2, `memory.oom_control` of version 1), else for the whole machine since boot.

    Args:
        membership: The file that names the control groups of this process, as in cgroups(7).
        root: Where control groups are mounted.
        system: The file with the machine's counters.

    Returns:
        The count; 0 when nobody tells.
    """
    for path in _locate_counters(membership, root):
        count = _read_count(path)
        if count is not None:
            return count
    return _read_count(system) or 0


def _locate_counters(membership: str, root: str) -> list[str]:
    try:
        with open(membership, encoding="utf-8", errors="surrogateescape") as file:
            lines = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return []
    found = []
    for number, controllers, group in (line for line in lines if len(line) == 3):  # noqa: PLR2004 - see cgroups(7)
        if "memory" in controllers.split(","):
            found += [os.path.join(root, "memory", group.lstrip("/"), "memory.oom_control")]
            found += [os.path.join(root, "memory", "memory.oom_control")]  # in a container: its own group is the root
        elif number == "0":
            found += [os.path.join(root, group.lstrip("/"), "memory.events"), os.path.join(root, "memory.events")]
    return found


def _read_count(path: str) -> int | None:
    try:
        with open(path, "rb") as file:
            for line in file:
                name, _, number = line.partition(b" ")
                if name == b"oom_kill":
                    return int(number)
    except (OSError, ValueError):
        return None
    return None
