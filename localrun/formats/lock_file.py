"""Lock files of conda-lock (`conda-lock.yml`), whoever wrote them. Source: conda-lock's own models of version 1."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from localrun.formats.lock_names import join_address, split_address
from localrun.formats.nodes import describe, items, mapping, text
from localrun.spec import EnvironmentSpec, LockSpec, PythonSpec

if TYPE_CHECKING:
    from localrun.formats.nodes import Node

VERSION = 1
CATEGORIES = {"main", "dev"}
"""What conda-lock installs when nothing is said; extras are left out."""

_ANEW = "write the lock file anew: localrun env lock"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NEEDED = re.compile(r"(?:\S+::)?([A-Za-z0-9._-]+)")
_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._!-]*")


def read_lock_mapping(node: Node) -> EnvironmentSpec:
    """Give the environment that a lock file describes, for each platform that it was made for.

    Raises:
        BadInput: it has another version, or an entry cannot be used.
    """
    mapping(node)
    version = node.data.get("version")
    if version != VERSION:
        hint = "write it anew with localrun env lock, or with conda-lock 1 or later"
        raise node.refuse(f"expected a lock file of version {VERSION}, found {describe(version)}", hint=hint)
    metadata = node.part("metadata")
    mapping(metadata)
    hashes = metadata.data.get("content_hash") or {}
    sources = tuple(text(part) for part in items(metadata.part("sources"))) if metadata.data.get("sources") else ()
    platforms = [text(part) for part in items(metadata.part("platforms"))] if "platforms" in metadata.data else []
    conda: dict[str, list[str]] = {platform: [] for platform in platforms}
    pip: dict[str, list[str]] = {platform: [] for platform in platforms}
    parts = items(node.part("package"))
    for part in parts:
        _take(part, conda, pip)
    _refuse_gaps(parts)
    channels = _channels(metadata)
    locks = tuple(
        LockSpec(
            platform=name,
            conda=tuple(conda[name]),
            pip=tuple(pip.get(name, ())),
            content_hash=str(hashes.get(name, "")) if isinstance(hashes, dict) else "",
            sources=sources,
            channels=channels,
        )
        for name in conda
    )
    python = PythonSpec(
        channels=channels,
        directory=os.path.dirname(node.path_of_file),
        locks=locks,
        lock_file=node.document.file,
    )
    return EnvironmentSpec(python=python, file=node.document.file)


def _channels(metadata: Node) -> tuple[str, ...]:
    if not metadata.data.get("channels"):
        return ()
    listed = items(metadata.part("channels"))
    return tuple(text(part.part("url")) if isinstance(part.data, dict) else text(part) for part in listed)


def _take(part: Node, conda: dict[str, list[str]], pip: dict[str, list[str]]) -> None:
    mapping(part)
    for key in ("name", "version", "manager", "platform", "url", "hash"):
        if key not in part.data:
            raise part.refuse(f"the package has no {key}", hint=_ANEW)
    if part.data.get("category", "main") not in CATEGORIES:
        return
    platform, manager = text(part.part("platform")), text(part.part("manager"))
    if manager == "conda":
        conda.setdefault(platform, []).append(_conda_line(part))
    elif manager == "pip":
        pip.setdefault(platform, []).append(_pip_line(part))
    else:
        raise part.part("manager").refuse(f"{manager} is not known: expected conda or pip", hint=_ANEW)


def _refuse_gaps(parts: list[Node]) -> None:
    """Refuse a lock that lacks a conda package which another one in it needs.

    What a pip package needs is not looked at: of that a lock does not say on which platforms it is needed.
    """
    conda = [part for part in parts if part.data["manager"] == "conda"]
    have = {(part.data["platform"], str(part.data["name"]).lower()) for part in conda}
    for part in conda:
        needs = part.data.get("dependencies")
        for need in needs if isinstance(needs, dict) else ():
            found = _NEEDED.match(str(need))
            if found is None or found[1].startswith("__"):  # of the machine: __glibc and the like
                continue
            if (part.data["platform"], found[1].lower()) not in have:
                name, platform = part.data["name"], part.data["platform"]
                raise part.refuse(
                    f"{name} needs {found[1]}, which the lock lacks for {platform}: it was edited", hint=_ANEW
                )


def _hashes(part: Node) -> dict[str, str]:
    data = part.data["hash"]
    if not isinstance(data, dict) or not (data.get("sha256") or data.get("md5")):
        hint = "write the lock file anew: a package that cannot be checked is not installed"
        raise part.part("hash").refuse(f"{text(part.part('name'))} has neither sha256 nor md5", hint=hint)
    return {name: str(data.get(name) or "") for name in ("sha256", "md5")}


def _conda_line(part: Node) -> str:
    url = text(part.part("url"))
    line = join_address(url, **_hashes(part))
    try:
        package = split_address(line)
    except ValueError:
        message = f"{url} is not the address of a conda package with its hash"
        raise part.part("url").refuse(message, hint=_ANEW) from None
    name, version = text(part.part("name")), text(part.part("version"))
    if (package.name, package.version) != (name, version):
        message = f"{url} is not {name} {version}: the lock file was edited"
        raise part.part("url").refuse(message, hint=_ANEW)
    return line


def _pip_line(part: Node) -> str:
    """Give the requirement of a pip package: by name where its index has it, else by address."""
    name, version, url = (text(part.part(key)) for key in ("name", "version", "url"))
    if not _NAME.fullmatch(name) or not url.isprintable() or " " in url:
        raise part.refuse(f"{name!r} is not the name of a package, or {url!r} no address", hint=_ANEW)
    hashes = _hashes(part)
    sign = f"sha256:{hashes['sha256']}" if hashes["sha256"] else f"md5:{hashes['md5']}"
    if not re.fullmatch(r"(sha256|md5):[0-9a-f]{32,64}", sign):
        raise part.part("hash").refuse(f"{sign} is no hash", hint=_ANEW)
    if _PINNED.fullmatch(version) and url.startswith(("http://", "https://")):
        return f"{name}=={version} --hash={sign}"
    return f"{name} @ {url.partition('#')[0]}#{sign.replace(':', '=')}"
