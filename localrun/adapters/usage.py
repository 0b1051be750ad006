"""What processes use: processor time, memory, threads; asked of the system by psutil, and of the GPUs by nvidia-smi."""

from __future__ import annotations

import psutil

from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@value
class Usage:
    """What a process and all that it has started use together.

    Attributes:
        cpu_s: Processor seconds so far, user and system, of those that live and of those that they waited for.
        memory_bytes: Resident memory; what several share is counted for each.
        threads: Their threads.
        processes: How many they are.
        stopped: The process itself is stopped by a signal.
        pids: Their process ids.
    """

    cpu_s: float
    memory_bytes: int
    threads: int
    processes: int
    stopped: bool
    pids: tuple[int, ...]


def measure_tree(pid: int) -> Usage | None:
    """Give what a process and its descendants use; None when it is gone."""
    try:
        root = psutil.Process(pid)
        stopped = root.status() == psutil.STATUS_STOPPED
        found = [one for one in map(_measure_one, (root, *root.children(recursive=True))) if one is not None]
    except (psutil.Error, OSError):
        return None
    if not found or found[0][3] != pid:
        return None
    cpu, memory, threads, pids = zip(*found, strict=True)
    return Usage(
        cpu_s=sum(cpu),
        memory_bytes=sum(memory),
        threads=sum(threads),
        processes=len(found),
        stopped=stopped,
        pids=pids,
    )


def measure_cpu(pid: int) -> float | None:
    """Give the processor seconds of a process and its descendants; None when it is gone or stopped by a signal."""
    usage = measure_tree(pid)
    return None if usage is None or usage.stopped else usage.cpu_s


def _measure_one(process: psutil.Process) -> tuple[float, int, int, int] | None:
    try:
        with process.oneshot():
            times = process.cpu_times()
            waited = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
            cpu_s = times.user + times.system + waited
            return cpu_s, process.memory_info().rss, process.num_threads(), process.pid
    except (psutil.Error, OSError):
        return None


def ask_gpus() -> Iterator[tuple[int, int]]:
    """Give for each process that uses a GPU its process id and the bytes of GPU memory that it holds.

    Nothing where nvidia-smi is not there or does not answer.
    """
    import shutil
    import subprocess

    program = shutil.which("nvidia-smi")
    if program is None:
        return
    command = (program, "--query-compute-apps=pid,used_gpu_memory", "--format=csv,noheader,nounits")
    try:
        done = subprocess.run(command, capture_output=True, timeout=5, check=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        return
    for line in done.stdout.decode(errors="replace").splitlines():
        pid, _, megabytes = line.partition(",")
        if pid.strip().isdecimal():
            used = megabytes.strip()
            yield int(pid), int(used) * 1024**2 if used.isdecimal() else 0
