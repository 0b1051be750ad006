"""Writing what was solved as a conda-lock file, with conda-lock's own models; runs in the installer child only."""

from __future__ import annotations

import importlib.util
import logging
import os
import pathlib
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localrun.adapters.answers import Tell


def write_lock(request: dict[str, Any], _tell: Tell) -> dict[str, Any]:
    """Write the lock file of a solved environment; it is there completely or not at all.

    Args:
        request: `path` of the file, `channels` (URLs), and for each platform, in `parts` or for one in the request
            itself, `platform`, `fingerprint`, `records` of the solve and, if there is a pip part, `pip` (name, version,
            url, sha256 of each package).
        _tell: Not used; every task takes it.

    Returns:
        `packages`: how many stand in the file. conda-lock wants an MD5 sum of each package; without one for all of
        them no file is written, and the answer is 0.
    """
    _leave_out_the_rest()
    from conda_lock.lockfile import write_conda_lock_file
    from conda_lock.lockfile.v1.models import LockMeta
    from conda_lock.lockfile.v2prelim.models import Lockfile

    logging.getLogger("conda_lock").setLevel(logging.ERROR)
    parts = request.get("parts") or [request]
    records = [record for part in parts for record in part["records"]]
    if not records or not all(record["md5"] for record in records):
        return {"packages": 0}
    meta = LockMeta(
        content_hash={part["platform"]: part["fingerprint"] for part in parts},
        channels=request["channels"],
        platforms=[part["platform"] for part in parts],
        sources=[],
    )
    packages = [_package(record, part["platform"]) for part in parts for record in part["records"]]
    packages += [_pip_package(one, part["platform"]) for part in parts for one in part.get("pip", ())]
    temporary = pathlib.Path(f"{request['path']}.{os.getpid()}.part")
    try:
        write_conda_lock_file(
            Lockfile(package=packages, metadata=meta), temporary, metadata_choices=set(), include_help_text=False
        )
        temporary.rename(request["path"])
    finally:
        temporary.unlink(missing_ok=True)
    return {"packages": len(packages)}


def _leave_out_the_rest() -> None:
    # The package imports its whole command line, half a second of work, and what downloads its table of names; only its
    # models are needed here.
    found = importlib.util.find_spec("conda_lock")
    if found is not None and "conda_lock" not in sys.modules:
        package = types.ModuleType("conda_lock")
        package.__path__ = list(found.submodule_search_locations or ())
        downloads = types.ModuleType("conda_lock.lookup_cache")
        downloads.__dict__["cached_download_file"] = None
        sys.modules |= {module.__name__: module for module in (package, downloads)}


def _package(record: dict[str, Any], platform: str) -> Any:
    from conda_lock.lockfile.v1.models import HashModel
    from conda_lock.lockfile.v2prelim.models import LockedDependency

    depends = (text.partition(" ") for text in record["depends"])
    return LockedDependency(
        name=record["name"],
        version=record["version"],
        manager="conda",
        platform=platform,
        dependencies={name: rest or "*" for name, _, rest in depends},
        url=record["url"],
        hash=HashModel(md5=record["md5"], sha256=record["sha256"] or None),
        build=record["build"],
        categories={"main"},
    )


def _pip_package(package: dict[str, str], platform: str) -> Any:
    from conda_lock.lockfile.v1.models import HashModel
    from conda_lock.lockfile.v2prelim.models import LockedDependency

    return LockedDependency(
        name=package["name"],
        version=package["version"],
        manager="pip",
        platform=platform,
        dependencies={},
        url=package["url"],
        hash=HashModel(sha256=package["sha256"]),
        categories={"main"},
    )
