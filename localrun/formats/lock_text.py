"""The text of a lock file as conda-lock writes it (version 1); conda-lock itself reads it, and does so in the tests.

Its own models would do it too, but to import them takes a quarter of a second, longer than to make a small environment,
and they bring 37 packages along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localrun.formats.dump import dump_yaml
from localrun.formats.lock_file import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any


def describe_locks(parts: Sequence[Mapping[str, Any]], channels: Sequence[str]) -> str:
    """Give the text of a lock file: packages in the order of their managers and names, each with its hashes.

    Args:
        parts: For each platform `platform`, `fingerprint` (what it was made from), `records` of the solve and, if there
            is a pip part, `pip` (name, version, url, sha256 of each package).
        channels: Their URLs.

    Returns:
        The text; empty when there is nothing from conda, or a package of it has no MD5 sum, which the form asks for.

    Raises:
        BadInput: a text in it is none that a file can hold.
    """
    records = [record for part in parts for record in part["records"]]
    if not records or not all(record["md5"] for record in records):
        return ""
    packages = [
        *(_conda(record, part["platform"]) for part in parts for record in part["records"]),
        *(_pip(package, part["platform"]) for part in parts for package in part.get("pip", ())),
    ]
    metadata = {
        "content_hash": {part["platform"]: part["fingerprint"] for part in parts},
        "channels": [{"url": url, "used_env_vars": []} for url in channels],
        "platforms": [part["platform"] for part in parts],
        "sources": [],
    }
    listed = sorted(packages, key=lambda package: (package["manager"], package["name"], package["platform"]))
    return dump_yaml({"version": VERSION, "metadata": metadata, "package": listed})


def _conda(record: Mapping[str, Any], platform: str) -> dict[str, Any]:
    hashes = {"md5": record["md5"], "sha256": record["sha256"]}
    package = _package("conda", record, platform, depends=record["depends"], hashes=hashes)
    return {**package, "build": record["build"], "category": "main", "optional": False}


def _pip(package: Mapping[str, Any], platform: str) -> dict[str, Any]:
    hashes = {"sha256": package["sha256"]}
    return {**_package("pip", package, platform, depends=(), hashes=hashes), "category": "main", "optional": False}


def _package(
    manager: str, package: Mapping[str, Any], platform: str, *, depends: Iterable[str], hashes: Mapping[str, str]
) -> dict[str, Any]:
    needed = sorted(text.partition(" ")[::2] for text in depends)
    return {
        "name": package["name"],
        "version": package["version"],
        "manager": manager,
        "platform": platform,
        "dependencies": {name: rest or "*" for name, rest in needed},
        "url": package["url"],
        "hash": {name: digest for name, digest in hashes.items() if digest},
    }
