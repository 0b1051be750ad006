"""Packages of a lock, for py-rattler: taken by address and hash, without a solve; in the installer child only."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import rattler

from localrun.formats.lock_names import split_address

if TYPE_CHECKING:
    from collections.abc import Sequence
_TOLD = (
    "build_number",
    "constrains",
    "depends",
    "license",
    "license_family",
    "noarch",
    "python_site_packages_path",
    "timestamp",
    "track_features",
)


_SYSTEMS = {
    "linux": (("__unix", "0", "0"), ("__linux", "5.10", "0"), ("__glibc", "2.28", "0")),
    "osx": (("__unix", "0", "0"), ("__osx", "11.0", "0")),
}
_MACHINES = {"64": "x86_64"}


def assume_system(platform: str) -> list[rattler.GenericVirtualPackage]:
    """Give the virtual packages of a machine of another platform, as conda-lock assumes them, but without a GPU."""
    system, _, machine = platform.partition("-")
    packages = (*_SYSTEMS.get(system, ()), ("__archspec", "1", _MACHINES.get(machine, machine)))
    return [
        rattler.GenericVirtualPackage(rattler.PackageName(name), rattler.Version(version), rattler.BuildString(build))
        for name, version, build in packages
    ]


def find_collected(spec: str, folder: str) -> rattler.RepoDataRecord:
    """Give the record of a package of a lock with its address in a folder of collected packages, if that has it."""
    package = split_address(spec)
    path = os.path.join(folder, "conda", package.subdir, unquote(package.file_name))
    if not os.path.isfile(path):
        return record_of_lock(spec)
    return record_of_lock(f"file://{quote(path)}#{package.algorithm}:{package.digest}")


def record_of_lock(spec: str) -> rattler.RepoDataRecord:
    """Give the record of a package that a lock names: what its address and hash say of it, nothing more."""
    package = split_address(spec)
    hashes = {package.algorithm: bytes.fromhex(package.digest)}
    record = rattler.PackageRecord(
        name=package.name,
        version=package.version,
        build=rattler.BuildString(package.build),
        build_number=0,
        subdir=package.subdir,
        sha256=hashes.get("sha256"),
        md5=hashes.get("md5"),
    )
    return rattler.RepoDataRecord(record, package.file_name, package.url, package.channel)


def restore_metadata(prefix: str, specs: Sequence[str]) -> None:
    """Write into the records of a prefix what the packages say of themselves: an address says neither noarch nor needs.

    Wherever the file of a package came from, the record has the address that is in the lock.

    Raises:
        OSError, ValueError: a record or the package's own description cannot be read.
    """
    folder = os.path.join(prefix, "conda-meta")
    known = {package.file_name: package for package in map(split_address, specs)}
    for name in os.listdir(folder):
        if not name.endswith(".json"):
            continue
        path = os.path.join(folder, name)
        with open(path, encoding="utf-8") as file:
            record: dict[str, Any] = json.load(file)
        with open(os.path.join(record["extracted_package_dir"], "info", "index.json"), encoding="utf-8") as file:
            said = json.load(file)
        record |= {key: said[key] for key in _TOLD if key in said}
        if package := known.get(record.get("fn", "")):
            record |= {"url": package.url, "channel": package.channel}
        with open(f"{path}.part", "w", encoding="utf-8") as file:
            file.write(json.dumps(record))
        os.replace(f"{path}.part", path)
