"""What is checked of a conda package before a file of it reaches a prefix."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import threading
from typing import Any

from localrun.adapters.answers import Refused


def check_hashes(path: str, expected: dict[str, str]) -> None:
    """Compare a package file of a `file://` channel with the hash of the channel's index.

    py-rattler does this for remote channels only.

    Args:
        path: The package file.
        expected: `sha256` and `md5` as far as the index has them; the stronger one counts.

    Raises:
        Refused: they differ.
        OSError: the file cannot be read.
    """
    name = "sha256" if "sha256" in expected else "md5"
    if name not in expected:
        return
    with open(path, "rb") as file:
        digest = hashlib.new(name, usedforsecurity=False)
        while data := file.read(1 << 20):
            digest.update(data)
    if digest.hexdigest() != expected[name]:
        raise Refused(
            "channel",
            f"{path} is not the package that its channel describes: "
            f"expected {name} {expected[name]}, got {digest.hexdigest()}",
            hint="make the channel's index anew, or put the right file there",
        )


class PathGuard:
    """Refuses packages that would write outside their prefix.

    py-rattler 0.28 follows `..` in `paths.json`, and ends the process at an absolute path. One guard sees all packages
    of an environment: a link of one package must not lead the files of another one outside either.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._links: set[str] = set()
        self._folders: set[str] = set()

    def check(self, package: str, folder: str) -> None:
        """Check the extracted package in `folder`.

        Raises:
            Refused: a path, a link or an entry point leads outside, or the package has no readable list of its paths.
        """
        try:
            paths, links = read_paths(folder)
            commands = _read_commands(folder)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise _refusal(package, f"it has no readable list of its files: {type(error).__name__}") from error
        for path in paths:
            if not _stays_inside(path):
                raise _refusal(package, f"it wants to write to {path!r}")
        for command in commands:
            if not command or "/" in command or command in {".", ".."}:
                raise _refusal(package, f"it has an entry point named {command!r}")
        self._add(package, paths, links)

    def _add(self, package: str, paths: list[str], links: list[str]) -> None:
        clean = [posixpath.normpath(path) for path in paths]
        folders = {parent for path in clean for parent in _parents(path)}
        with self._lock:
            self._links.update(map(posixpath.normpath, links))
            self._folders.update(folders)
            through = self._links & self._folders
        if through:
            raise _refusal(package, f"it wants to write through the link {min(through)!r}")


def read_paths(folder: str) -> tuple[list[str], list[str]]:
    """Give the paths of an unpacked package, and those of them that are links.

    Raises:
        OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError: it has no readable list of them.
    """
    listed = os.path.join(folder, "info", "paths.json")
    if not os.path.exists(listed):
        with open(os.path.join(folder, "info", "files"), encoding="utf-8") as file:
            paths = [line.strip() for line in file if line.strip()]
        return paths, [path for path in paths if os.path.islink(os.path.join(folder, path))]
    with open(listed, encoding="utf-8") as file:
        entries: list[dict[str, Any]] = json.load(file)["paths"]
    paths = [str(entry["_path"]) for entry in entries]
    return paths, [str(entry["_path"]) for entry in entries if entry.get("path_type") == "softlink"]


def _read_commands(folder: str) -> list[str]:
    try:
        with open(os.path.join(folder, "info", "link.json"), encoding="utf-8") as file:
            noarch = json.load(file).get("noarch") or {}
    except FileNotFoundError:
        return []
    return [str(text).partition("=")[0].strip() for text in noarch.get("entry_points") or []]


def _stays_inside(path: str) -> bool:
    parts = path.replace("\\", "/").split("/")
    return bool(path) and not path.startswith(("/", "\\")) and ".." not in parts and "\0" not in path


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _refusal(package: str, why: str) -> Refused:
    return Refused(
        "channel",
        f"the package {package} is not installed: {why}",
        hint="nothing outside the environment was touched; use another channel or version",
    )
