"""A conda channel on disk, made from an interpreter of this machine: what tests and demos use instead of the internet.

It holds `python` for this platform, and `pip`, `setuptools` and (where it is installed) `wheel` as noarch packages.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from typing import TYPE_CHECKING
from urllib.request import pathname2url

from localrun.errors import BadInput, EnvironmentFailed
from localrun.testing.archive import write_archive
from localrun.testing.interpreter import PLACEHOLDER, Interpreter, probe_interpreter, stage_interpreter
from localrun.testing.packages import Package, read_distribution, read_folder, read_wheel
from localrun.testing.repodata import index_channel
from localrun.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MARK = "made-by-localrun.json"
"""Written last into a channel: what it was made from."""

_FORMAT = 5
"""Raised when the same sources give another channel, so that an older one is made anew."""

_INSTALLERS = ("pip", "setuptools", "wheel")

_WHEELS = "/usr/share/python-wheels"
"""Where Debian keeps the wheels that ensurepip elsewhere brings along (Debian Python Policy)."""


def make_channel(directory: str, *, python: str = sys.executable, extra: Iterable[str] = ()) -> str:
    """Make a conda channel, or find it made already, and give its `file://` URL.

    Whoever calls at the same time waits for the one that makes it. A channel appears complete or not at all; one that
    was made from something else is replaced.

    Args:
        directory: The channel's folder: missing, empty, or an earlier channel.
        python: The interpreter that becomes the package `python`; of a virtual environment its base is taken.
        extra: Paths of more wheels (each becomes a noarch package) and of ready `.conda` archives (noarch as well).

    Raises:
        BadInput: the folder holds something else, the interpreter cannot be used, or a file is not a wheel.
        EnvironmentFailed: a tool or a library that is needed is missing, or the copied interpreter does not run.
    """
    from filelock import FileLock

    directory = os.path.realpath(directory)
    os.makedirs(os.path.dirname(directory), exist_ok=True)
    interpreter = probe_interpreter(python)
    wanted = _describe_sources(interpreter, sorted(extra))
    with FileLock(f"{directory}.lock"):
        made = _read_mark(directory)
        if made != wanted:
            _replace(directory, interpreter, wanted, sorted(extra))
    return f"file://{pathname2url(directory)}"


def make_package(channel: str, package: Package) -> str:
    """Add a package to a channel and its index, and give the path of the archive.

    Args:
        channel: The channel's folder; it is made when it is missing.
        package: What `read_wheel`, `read_folder` or the caller put together.

    Raises:
        EnvironmentFailed: the indexer does not accept the package.
    """
    archive = write_archive(package, channel)
    index_channel(channel)
    return archive


def _describe_sources(interpreter: Interpreter, extra: list[str]) -> dict[str, object]:
    files = [interpreter.executable, os.path.join(interpreter.stdlib, "os.py"), *extra]
    try:
        known = [(os.path.realpath(file), os.stat(file).st_size, os.stat(file).st_mtime_ns) for file in files]
    except OSError as error:
        raise BadInput(f"{error.filename}: {error.strerror}") from error
    return {"format": _FORMAT, "version": interpreter.version, "files": [list(item) for item in known]}


def _read_mark(directory: str) -> object:
    try:
        with open(os.path.join(directory, _MARK), encoding="utf-8") as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return None


def _replace(directory: str, interpreter: Interpreter, wanted: Mapping[str, object], extra: list[str]) -> None:
    parent, name = os.path.split(directory)
    if os.path.isdir(directory) and os.listdir(directory) and not os.path.isfile(os.path.join(directory, _MARK)):
        raise BadInput(f"{directory} is not empty and no channel of localrun", hint="name another folder")
    with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=parent) as work:
        channel = os.path.join(work, "channel")
        _fill(channel, interpreter, extra, work)
        index_channel(channel)
        with open(os.path.join(channel, _MARK), "w", encoding="utf-8") as stream:
            json.dump(wanted, stream, indent=1)
        if os.path.isdir(directory):
            os.rename(directory, os.path.join(work, "old"))
        os.rename(channel, directory)


def _fill(channel: str, interpreter: Interpreter, extra: list[str], work: str) -> None:
    os.makedirs(os.path.join(channel, "noarch"))
    write_archive(_pack_interpreter(interpreter, os.path.join(work, "prefix")), channel)
    for package in _find_installers(interpreter, os.path.join(work, "installers")):
        write_archive(package, channel)
    for file in extra:
        if file.endswith(".conda"):
            shutil.copy2(file, os.path.join(channel, "noarch"))
        else:
            write_archive(read_wheel(file), channel)


def _pack_interpreter(interpreter: Interpreter, folder: str) -> Package:
    os.makedirs(folder)
    placed = stage_interpreter(interpreter, folder)
    package = read_folder(folder, "python", interpreter.version)
    files = tuple(replace(file, placeholder=PLACEHOLDER) if file.path in placed else file for file in package.files)
    return replace(package, files=files, build="localrun_0", subdir=_name_platform(), noarch="")


def _name_platform() -> str:
    system, machine = os.uname().sysname, os.uname().machine
    names = {"x86_64": "linux-64", "aarch64": "linux-aarch64", "ppc64le": "linux-ppc64le"}
    if system != "Linux" or machine not in names:
        raise EnvironmentFailed(
            f"a channel cannot be made on {system} {machine}: only Linux interpreters can be packed"
        )
    return names[machine]


def _find_installers(interpreter: Interpreter, work: str) -> list[Package]:
    """Give pip and setuptools, and wheel where there is one.

    Each comes from the interpreter's ensurepip, else from what is installed beside localrun in the same version of
    Python, else, for Debian's Python, from Debian's wheels (last, because their setuptools cannot install without
    modules that only Debian's Python has), else from a package index.
    """
    debian = _find_wheels(_WHEELS) if interpreter.prefix == "/usr" else {}
    packages = {name: read_wheel(wheel) for name, wheel in debian.items()}
    same = interpreter.short == f"{sys.version_info[0]}.{sys.version_info[1]}"
    installed = {name: _find_installed(name) for name in _INSTALLERS if same}
    packages |= {name: read_distribution(found) for name, found in installed.items() if found}
    bundled = os.path.join(interpreter.stdlib, "ensurepip", "_bundled")
    packages |= {name: read_wheel(wheel) for name, wheel in _find_wheels(bundled).items()}
    missing = [name for name in ("pip", "setuptools") if name not in packages]
    if missing:
        packages |= _download(missing, interpreter, work)
    others = tuple(name for name in packages if name != "pip")
    packages["pip"] = replace(packages["pip"], depends=(*packages["pip"].depends, *others))
    return list(packages.values())


def _find_wheels(folder: str) -> dict[str, str]:
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    wheels = {name.partition("-")[0]: os.path.join(folder, name) for name in names if name.endswith(".whl")}
    return {name: wheel for name, wheel in wheels.items() if name in _INSTALLERS}


def _find_installed(name: str) -> metadata.Distribution | None:
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
    return found if found.read_text("RECORD") and found.read_text("METADATA") else None


def _download(names: list[str], interpreter: Interpreter, folder: str) -> dict[str, Package]:
    from uv import find_uv_bin

    options = ("--no-deps", "--link-mode", "copy", "--target", folder, "--python", interpreter.executable)
    command = (find_uv_bin(), "pip", "install", *options, *names)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EnvironmentFailed(f"{' and '.join(names)} could not be downloaded", detail=done.stderr)
    return {
        name: read_distribution(found) for name in names for found in metadata.distributions(name=name, path=[folder])
    }
