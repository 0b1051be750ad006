"""Processes in containers of this machine, as /proc shows them from outside. Source: proc(5), cgroups(7)."""

from __future__ import annotations

import os

from localrun.adapters.spawn import list_descendants

KIB = 1024


def find_inside(container: str) -> dict[int, int]:
    """Give the process id on this machine for each process id in a container; nothing where it is not seen from here.

    Args:
        container: Its id, as the engine gives it: the names of its control groups have it in them.
    """
    found: list[list[int]] = []
    needle = container.encode()
    for name in filter(str.isdigit, _list("/proc")):
        if needle in _read(f"/proc/{name}/cgroup"):
            numbers = _find_line(_read(f"/proc/{name}/status"), b"NSpid:")
            found += [[int(number) for number in numbers]] if numbers else []
    depth = min(map(len, found), default=0)  # those that are deeper have a container of their own in there
    return {numbers[-1]: numbers[0] for numbers in found if len(numbers) == depth}


def measure_peak(pid: int) -> int:
    """Give the most bytes of memory that a process, or one that it has started and that still lives, ever had.

    0 when it has ended.
    """
    peaks = [_find_line(_read(f"/proc/{one}/status"), b"VmHWM:") for one in (pid, *list_descendants(pid))]
    return max((int(peak[0]) * KIB for peak in peaks if peak), default=0)


def _find_line(text: bytes, name: bytes) -> list[bytes]:
    """Give the words behind a name at the start of a line."""
    for line in text.splitlines():
        if line.startswith(name):
            return line[len(name) :].split()
    return []


def _list(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []  # a system without it


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""  # it has ended
