"""The package files that a lock file names: where each is to be had, its hash, its place when they are collected."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from localrun.errors import BadInput
from localrun.formats.gate import load_yaml
from localrun.formats.lock_names import split_address
from localrun.formats.nodes import items, mapping, root, text
from localrun.values import value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localrun.formats.nodes import Node
    from localrun.spec import EnvironmentSpec

WHEELS = "wheels"
"""The folder of pip packages in it; those of conda are in `conda/SUBDIR`."""

SOURCES = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz")
_PIP_ENDINGS = (".whl", *SOURCES)
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+!~-]*")
_SUBDIR = re.compile(r"[a-z0-9][a-z0-9-]*")
_BY_ADDRESS = re.compile(r"(?P<name>[A-Za-z0-9._-]+) @ (?P<url>\S+?)#(?P<hash>(?:sha256|md5)=[0-9a-f]+)")


@value
class LockedArchive:
    """One package file of a lock.

    Attributes:
        name: Of the package.
        version: Of the package.
        platform: The conda subdirectory that it is locked for.
        url: Where it is to be had.
        algorithm: `sha256` or `md5`.
        digest: The hash that the file must have.
        path: Its place below the folder of collected packages.
    """

    name: str
    version: str
    platform: str
    url: str
    algorithm: str
    digest: str
    path: str


def list_archives(lock: EnvironmentSpec, data: bytes, platforms: Sequence[str] = ()) -> tuple[LockedArchive, ...]:
    """Give the package files of a lock file, each place once, in the order of the file.

    Args:
        lock: The lock file, as its reader gave it: what is not installed is not listed.
        data: Its bytes.
        platforms: Conda subdirectories; empty for all that it has.

    Raises:
        BadInput: a package is no file that can be kept, or two have the same name and other bytes.
    """
    node = root(load_yaml(data, file=lock.file))
    locks = lock.python.locks if lock.python else ()
    taken = {re.split("[:=]", line)[-1] for one in locks for line in (*one.conda, *one.pip)}  # an extra is not
    found: dict[str, LockedArchive] = {}
    for part in items(node.part("package")):
        mapping(part)
        if platforms and text(part.part("platform")) not in platforms:
            continue
        archive = _describe(part)
        if archive.digest not in taken:
            continue
        known = found.setdefault(archive.path, archive)
        if (known.algorithm, known.digest) != (archive.algorithm, archive.digest):
            hint = "collect them apart, with --platform"
            raise part.refuse(f"two packages with other bytes are called {os.path.basename(archive.path)}", hint=hint)
    return tuple(found.values())


def _describe(part: Node) -> LockedArchive:
    name, version, url = (text(part.part(key)) for key in ("name", "version", "url"))
    hashes = part.data["hash"]
    algorithm = "sha256" if hashes.get("sha256") else "md5"
    file = unquote(urlsplit(url).path).rpartition("/")[2]
    conda = text(part.part("manager")) == "conda"
    folder = f"conda/{split_address(f'{url}#{algorithm}:{hashes[algorithm]}').subdir}" if conda else WHEELS
    subdir = folder.partition("/")[2]
    kept = (
        _FILE.fullmatch(file) and (file.endswith(_PIP_ENDINGS) or conda) and (not subdir or _SUBDIR.fullmatch(subdir))
    )
    if not kept or not url.startswith(("https://", "http://", "file://")):
        hint = "a package from version control or a folder is no file that can be collected: lock one of an index"
        raise part.refuse(f"{name} {version} cannot be collected: {url}", hint=hint)
    return LockedArchive(
        name=name,
        version=version,
        platform=text(part.part("platform")),
        url=url,
        algorithm=algorithm,
        digest=str(hashes[algorithm]),
        path=f"{folder}/{file}",
    )


def lay_over(lines: Sequence[str], folder: str) -> tuple[str, ...]:
    """Give the pip lines of a lock with the addresses in them led into a folder of collected packages.

    Args:
        lines: Requirement lines of a lock.
        folder: The folder, absolute.

    Raises:
        BadInput: an address names no file.
    """
    return tuple(_lay(line, folder) for line in lines)


def _lay(line: str, folder: str) -> str:
    found = _BY_ADDRESS.fullmatch(line)
    if found is None:
        return line
    file = unquote(urlsplit(found["url"]).path).rpartition("/")[2]
    if not _FILE.fullmatch(file):
        raise BadInput(f"{found['name']} is no file that can be collected: {found['url']}", hint="lock one of an index")
    return f"{found['name']} @ file://{quote(os.path.join(folder, WHEELS, file))}#{found['hash']}"
