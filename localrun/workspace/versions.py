"""`versions.json`: the packages that an environment was resolved to, beside it and with every run of it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypedDict

    class Package(TypedDict, total=False):
        """A package; one of pip has a name and a version alone."""

        name: str
        version: str
        build: str
        channel: str
        url: str
        sha256: str
        md5: str

    class Versions(TypedDict, total=False):
        """The packages of an environment, all of them or, where nothing is known, neither list."""

        conda: list[Package]
        pip: list[Package]


_MOST_BYTES = 8 << 20


def read_versions(path: str) -> Versions:
    """Give the packages of an environment; empty when the file is not there or not whole."""
    import json

    try:
        with open(path, "rb") as file:
            found: Versions = json.loads(file.read(_MOST_BYTES))
        return found if all(one["name"] and one["version"] for one in (*found["conda"], *found["pip"])) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def keep_conda(record: Mapping[str, object]) -> Package:
    """Give what is kept of a conda package, of its record."""
    return {
        "name": _read(record, "name"),
        "version": _read(record, "version"),
        "build": _read(record, "build"),
        "channel": _read(record, "channel"),
        "url": _read(record, "url"),
        "sha256": _read(record, "sha256"),
        "md5": _read(record, "md5"),
    }


def _read(record: Mapping[str, object], name: str) -> str:
    return str(record.get(name) or "")


def list_packages(versions: Versions) -> list[tuple[str, str, str, str]]:
    """Give manager (`conda` or `pip`), name, version and build of each package; pip knows no builds."""
    conda = [("conda", one["name"], one["version"], one.get("build", "")) for one in versions.get("conda", ())]
    return conda + [("pip", one["name"], one["version"], "") for one in versions.get("pip", ())]
