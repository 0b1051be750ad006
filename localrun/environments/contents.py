"""What is in a prefix: its packages, whether their files are all there, and what of them can be byte-compiled."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import threading
from base64 import urlsafe_b64encode

from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence
    from typing import Any

_MOST_PROBLEMS = 5


@value
class InstalledPackage:
    """A package that a prefix holds.

    Attributes:
        manager: `conda` or `pip`.
        name: As its own record has it.
        version: As its own record has it.
        key: A hash that stands for its content, 64 hex digits; empty when its content is not known.
        files: Each file that it brought: path relative to `folder`, and the size in bytes or -1 when it may differ.
        folder: The prefix for conda, the site folder for pip.
        record: The record as it was found.
    """

    manager: str
    name: str
    version: str
    key: str
    files: tuple[tuple[str, int], ...]
    folder: str
    record: dict[str, Any]


def read_conda_packages(prefix: str) -> list[InstalledPackage]:
    """Read the records of `conda-meta`.

    Raises:
        OSError, ValueError, KeyError: the folder or a record is missing, cut off or of another form.
    """
    folder = os.path.join(prefix, "conda-meta")
    packages = []
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".json"):
            continue
        with open(os.path.join(folder, name), "rb") as file:
            record = json.load(file)
        paths = record.pop("paths_data")["paths"]
        record.pop("files", None)
        files = tuple((entry["_path"], _size(entry)) for entry in paths if not entry.get("no_link"))
        key = record.get("sha256") or record.get("md5") or ""
        packages.append(
            InstalledPackage(
                manager="conda",
                name=record["name"],
                version=record["version"],
                key=key and hashlib.sha256(f"conda {key}".encode()).hexdigest(),
                files=files,
                folder=prefix,
                record=record,
            )
        )
    return packages


def _size(entry: dict[str, Any]) -> int:
    plain = entry.get("path_type", "hardlink") == "hardlink" and not entry.get("prefix_placeholder")
    return int(entry.get("size_in_bytes", -1)) if plain else -1


def find_python(prefix: str, packages: Iterable[InstalledPackage]) -> tuple[str, tuple[str, ...]]:
    """Give the interpreter of a prefix and its site folders; both empty when it holds no Python."""
    record = next((package.record for package in packages if package.name == "python"), None)
    if record is None:
        return "", ()
    short = ".".join(record["version"].split(".")[:2])
    site = record.get("python_site_packages_path") or f"lib/python{short}/site-packages"
    os.makedirs(os.path.join(prefix, site), exist_ok=True)
    return os.path.join(prefix, "bin", "python"), (os.path.join(prefix, site),)


def read_pip_packages(site: str, conda: Iterable[InstalledPackage]) -> list[InstalledPackage]:
    """Read the records (`*.dist-info/RECORD`) of the packages in a site folder that none of `conda` brought."""
    brought = {name.split("/")[-2] for package in conda for name, _ in package.files if name.endswith("/METADATA")}
    packages = []
    with os.scandir(site) as entries:
        names = sorted(entry.name for entry in entries if entry.name.endswith(".dist-info"))
    for name in names:
        folder = os.path.join(site, name)
        if name in brought:
            continue
        title, _, version = name.removesuffix(".dist-info").rpartition("-")
        rows = _read_record(os.path.join(folder, "RECORD"))
        files = tuple((path, int(size) if size.isdigit() else -1) for path, _, size in rows)
        sources = "\n".join(sorted(f"{path},{text}" for path, text, _ in rows if path.endswith(".py") and text))
        key = hashlib.sha256(f"pip {sources}".encode()).hexdigest() if sources else ""
        packages.append(
            InstalledPackage(
                manager="pip",
                name=re.sub(r"[-_.]+", "-", title).lower(),  # as PEP 503 writes names
                version=version,
                key=key,
                files=files,
                folder=site,
                record={"hashes": {path: text for path, text, _ in rows if text}, "folder": name},
            )
        )
    return packages


def read_hashes(path: str) -> dict[str, str]:
    """Give the hashes of a RECORD (PEP 376), `sha256=…`, by the path of the file; empty when there is none."""
    return {name: text for name, text, _ in _read_record(path) if text}


def _read_record(path: str) -> list[tuple[str, str, str]]:
    """Give path, hash and size of each file, the last two as they are written."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().split("\n")
    except OSError:
        return []
    rows = []
    for line in lines:
        rest, _, size = line.rpartition(",")
        path, comma, text = rest.rpartition(",")
        if comma:
            rows.append((path.strip('"'), text, size))
    return rows


def find_missing_files(packages: Iterable[InstalledPackage]) -> list[str]:
    """Give up to five files, in words, that are not there or not as large as their package says."""
    problems: list[str] = []
    for package in packages:
        for name, size in package.files:
            path = f"{package.folder}/{name}"
            try:
                state = os.lstat(path)
            except OSError:
                problems.append(f"{path} of {package.name} {package.version} is missing")
            else:
                if size >= 0 and stat.S_ISREG(state.st_mode) and state.st_size != size:
                    problems.append(f"{path} of {package.name} {package.version} has {state.st_size} bytes, not {size}")
            if len(problems) == _MOST_PROBLEMS:
                return problems
    return problems


def find_changed_files(
    packages: Iterable[InstalledPackage], sound: Container[tuple[str, str]] = ()
) -> list[tuple[str, str]]:
    """Give (package, file) for each file of a pip package whose content is not what its RECORD says.

    uv does not look at its cache again when it installs from it; this is where a damaged cache shows.

    Args:
        packages: What was installed.
        sound: (package, path in RECORD) of each file that need not be looked at.
    """
    return find_wrong_hashes(
        [
            (package.name, os.path.join(package.folder, name), text)
            for package in packages
            for name, text in package.record.get("hashes", {}).items()
            if (package.name, name) not in sound
        ]
    )


def find_wrong_hashes(files: Sequence[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """Give owner and path of those files, of (owner, path, hash as in RECORD), that have another SHA-256, sorted."""
    jobs = [file for file in files if file[2].startswith("sha256=")]
    # One thread a processor, each with every n-th job: a task per file would cost more than its hash.
    count = os.cpu_count() or 1
    found: list[tuple[str, str]] = []

    def check(part: Sequence[tuple[str, str, str]]) -> None:
        found.extend((name, path) for name, path, text in part if not _is_same(path, text))

    threads = [threading.Thread(target=check, args=(jobs[number::count],)) for number in range(1, count)]
    for thread in threads:
        thread.start()
    check(jobs[::count])
    for thread in threads:
        thread.join()
    return sorted(found)


def _is_same(path: str, text: str) -> bool:
    digest = hashlib.sha256()
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            while data := os.read(descriptor, 1 << 20):
                digest.update(data)
        finally:
            os.close(descriptor)
    except OSError:
        return False
    return urlsafe_b64encode(digest.digest()).rstrip(b"=").decode() == text[7:].rstrip("=")


def bytecode_units(packages: Iterable[InstalledPackage]) -> list[tuple[str, str, list[str], dict[str, str]]]:
    """Give (key, folder, source files, hashes) for each package that has Python source without bytecode of its own.

    The hashes, as in RECORD, are those of the files by which the key is made; none for conda, whose cache is validated.
    """
    units = []
    for package in packages:
        names = {name for name, _ in package.files}
        compiled = {name.rpartition("/")[2].partition(".")[0] for name in names if name.endswith(".pyc")}
        sources = [
            name
            for name in sorted(names)
            if name.endswith(".py")
            and (package.manager == "pip" or "lib/python" in name)
            and not name.startswith("..")
            and name.rpartition("/")[2][:-3] not in compiled
        ]
        if sources:
            hashes = package.record.get("hashes", {})
            known = {name: hashes[name] for name in sources if name in hashes}
            units.append((package.key, package.folder, sources, known))
    return units
