"""Checks of this machine: the workspace, its disk, limits, keyring, interpreter and GPUs."""

from __future__ import annotations

import glob
import os
import sys

from localrun.cli.disk import size_text
from localrun.cli.doctor_findings import FAILED, OK, WARNING, Finding
from localrun.errors import LocalrunError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GB = 1024**3
ENOUGH_DISK, LITTLE_DISK = 10 * GB, GB
"""A conda environment with a framework takes some gigabytes; below the second nothing can be made."""
ENOUGH_SHM = GB
"""Data loaders of PyTorch hand batches over in /dev/shm."""
ENOUGH_FILES = 1024
ENOUGH_PROCESSES = 1024
ENOUGH_INSTANCES, ENOUGH_WATCHES = 128, 8192
GPU_WAIT_S = 20


def check_python(environ: Mapping[str, str]) -> list[Finding]:
    """Look at the interpreter that runs localrun, and at what it makes environments with."""
    del environ
    from importlib.util import find_spec

    missing = [name for name in ("rattler", "uv") if find_spec(name) is None]
    version = ".".join(map(str, sys.version_info[:3]))
    if missing:
        return [Finding(name="python", status=FAILED, says=f"{version}, without {', '.join(missing)}", hint=REINSTALL)]
    return [Finding(name="python", status=OK, says=f"{version}, {sys.executable}")]


REINSTALL = "install localrun again: pip install --force-reinstall localrun"


def check_workspace(environ: Mapping[str, str]) -> list[Finding]:
    """Look at the workspace folder: that it is ours, has working locks and room."""
    from localrun.workspace.home import open_home

    try:
        home = open_home(environ)
        _try_lock(home)
    except LocalrunError as error:
        return [Finding(name="workspace", status=FAILED, says=error.message, hint=error.hint)]
    free = os.statvfs(home).f_bavail * os.statvfs(home).f_frsize
    status = OK if free >= ENOUGH_DISK else WARNING if free >= LITTLE_DISK else FAILED
    hint = "" if status == OK else "free some, or set LOCALRUN_HOME to a folder on another disk"
    return [
        Finding(name="workspace", status=OK, says=home),
        Finding(name="disk", status=status, says=f"{size_text(free)} free there", hint=hint),
    ]


def _try_lock(home: str) -> None:
    from localrun.workspace.home import make_folder
    from localrun.workspace.locks import hold_shared

    make_folder(os.path.join(home, "locks"))
    lock = hold_shared(os.path.join(home, "locks", "doctor.lock"))
    if lock is not None:
        os.close(lock)


def check_limits(environ: Mapping[str, str]) -> list[Finding]:
    """Look at the limits of open files and processes, of inotify, and at the size of /dev/shm."""
    del environ
    return [_check_files(), *_check_inotify(), *_check_shm()]


def _check_files() -> Finding:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    processes = "no limit" if most == resource.RLIM_INFINITY else f"{most:,}"
    says = f"{soft:,} open files (up to {hard:,}), {processes} of processes"
    if 0 <= soft < ENOUGH_FILES:
        most_files = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
        return Finding(name="ulimit", status=WARNING, says=says, hint=f"ulimit -n {most_files}")
    if 0 <= most < ENOUGH_PROCESSES:
        hint = "ranks with many threads or data loaders cannot start them: ulimit -u 4096"
        return Finding(name="ulimit", status=WARNING, says=says, hint=hint)
    return Finding(name="ulimit", status=OK, says=says)


def _check_inotify() -> list[Finding]:
    try:
        with open("/proc/sys/fs/inotify/max_user_instances", encoding="ascii") as file:
            instances = int(file.read())
        with open("/proc/sys/fs/inotify/max_user_watches", encoding="ascii") as file:
            watches = int(file.read())
    except (OSError, ValueError):
        return []
    says = f"{instances:,} instances, {watches:,} watches"
    few = [("instances", 512)] if instances < ENOUGH_INSTANCES else []
    few += [("watches", 524_288)] if watches < ENOUGH_WATCHES else []
    if few:
        hint = f"{' '.join(f'sysctl fs.inotify.max_user_{name}={enough}' for name, enough in few)}, as root"
        return [Finding(name="inotify", status=WARNING, says=says, hint=hint)]
    return [Finding(name="inotify", status=OK, says=says)]


def _check_shm() -> list[Finding]:
    try:
        facts = os.statvfs("/dev/shm")  # noqa: S108 - looked at, not written
    except OSError:
        return []
    size = facts.f_blocks * facts.f_frsize
    if size < ENOUGH_SHM:
        hint = "data loaders with many workers may end with a bus error: mount -o remount,size=2g /dev/shm, as root"
        return [Finding(name="shm", status=WARNING, says=size_text(size), hint=hint)]
    return [Finding(name="shm", status=OK, says=size_text(size))]


def check_keyring(environ: Mapping[str, str]) -> list[Finding]:
    """Look where secrets are kept."""
    from localrun.secrets.store import Vault, describe_place
    from localrun.workspace.home import open_home

    try:
        place = describe_place(Vault(home=open_home(environ), environ=environ))
    except LocalrunError as error:
        return [Finding(name="secrets", status=WARNING, says=error.message, hint=error.hint)]
    return [Finding(name="secrets", status=OK, says=f"kept in {place}")]


def check_gpus(environ: Mapping[str, str]) -> list[Finding]:
    """Look for GPUs and their driver."""
    import shutil

    devices = glob.glob("/dev/nvidia[0-9]*")
    program = shutil.which("nvidia-smi", path=environ.get("PATH"))
    if not devices and not program:
        return [Finding(name="gpu", status=OK, says="none")]
    if not program:
        hint = "install the tools of NVIDIA's driver"
        return [Finding(name="gpu", status=WARNING, says=f"{len(devices)} devices, but no nvidia-smi", hint=hint)]
    from localrun.adapters.gpus import describe_gpus

    try:
        return [Finding(name="gpu", status=OK, says=describe_gpus(program, GPU_WAIT_S))]
    except LocalrunError as error:
        return [Finding(name="gpu", status=WARNING, says=error.message, hint=error.hint)]


CHECKS: list[Callable[[Mapping[str, str]], list[Finding]]] = [
    check_python,
    check_workspace,
    check_limits,
    check_keyring,
    check_gpus,
]
