"""Whether a lock that conda-lock itself has written still is that of a definition.

conda-lock's content hash cannot be worked out without its own parser and settings. What can be seen is seen: every
package that the definition names is in the lock, in a version that it allows, and the channels are the same. A form of
version that is not known here counts as allowed: the lock was made by who knows it.
"""

from __future__ import annotations

import re

from localrun.formats.lock_names import split_address
from localrun.resolve.credentials import hide_credentials

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from localrun.spec import LockSpec, PythonSpec

_CONDA = re.compile(r"(?:[^\s\[\]]+::)?(?P<name>[A-Za-z0-9._-]+)\s*(?P<rest>.*)")
_PIP = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?P<rest>(?:[=<>!~].*)?)")
_LIMIT = re.compile(r"(?P<sign>===?|~=|>=|<=|!=|=|<|>|)\s*(?P<version>[0-9][0-9A-Za-z.!+_*-]*)")
_CONDA_LIMIT = re.compile(_LIMIT.pattern + r"(?:(?:\s+|=)\S+)?")
"""A build may follow the version."""
_IMPLIED = {"python", "pip"}
"""Packages that are added to a definition where it does not name them."""


def find_misfit(lock: LockSpec, asked: PythonSpec) -> str:
    """Say what a lock has otherwise than a definition asks for; nothing when it fits.

    Args:
        lock: The packages of one platform.
        asked: The definition.
    """
    return next(_find_misfits(lock, asked), "")


def find_lacking(lock: LockSpec, asked: PythonSpec) -> str:
    """Give the name of a package that a definition asks for and a lock has in no version; nothing when it has all."""
    have, wheels = _read_versions(lock)
    named = [(_read_conda(spec)[0], have) for spec in asked.conda] + [
        (_read_pip(line)[0], wheels) for line in asked.pip
    ]
    return next((name for name, known in named if name and name not in known and name not in _IMPLIED), "")


def _find_misfits(lock: LockSpec, asked: PythonSpec) -> Iterator[str]:
    have, wheels = _read_versions(lock)
    for spec in asked.conda:
        name, limits = _read_conda(spec)
        if name and (name in have or limits or name not in _IMPLIED):
            yield from _compare_versions(name, have.get(name), limits, spec, fuzzy=True)
    for line in asked.pip:
        name, limits = _read_pip(line)
        if name:
            yield from _compare_versions(name, wheels.get(name), limits, line, fuzzy=False)
        elif not line.startswith("--") and ";" not in line:  # options say where, markers what not every platform has
            yield f"nobody can tell whether it has {hide_credentials(line)}"
    if asked.channels and lock.channels and not _are_same(asked.channels, lock.channels):
        here, there = (" ".join(map(hide_credentials, one)) for one in (lock.channels, asked.channels))
        yield f"its channels are {here}, not {there}"


def _are_same(asked: Sequence[str], locked: Sequence[str]) -> bool:
    """Tell whether two lists of channels may be the same; a name may stand for an address, `defaults` for several."""
    asked = [channel for channel in asked if channel != "nodefaults"]
    return "defaults" in asked or (len(asked) == len(locked) and all(map(_is_same, asked, locked)))


def _is_same(one: str, other: str) -> bool:
    one, other = (hide_credentials(channel).rstrip("/") for channel in (one, other))
    if "://" in one and "://" in other:
        return one == other
    return one.rpartition("/")[2] == other.rpartition("/")[2]


def _read_versions(lock: LockSpec) -> tuple[dict[str, str], dict[str, str]]:
    """Give the version of each conda package by name, and of each that pip finds."""
    have = {package.name: package.version for package in map(split_address, lock.conda)}
    wheels = {_normalize(name): version for name, version in map(_split_pip, lock.pip)}
    return have, {_normalize(name): version for name, version in have.items()} | wheels


def _read_conda(spec: str) -> tuple[str, str]:
    """Give name and limits of a match spec; no name where its form is not known here."""
    found = _CONDA.fullmatch(spec.strip())
    return (found["name"].lower(), found["rest"].partition("[")[0].strip()) if found else ("", "")


def _read_pip(line: str) -> tuple[str, str]:
    """Give name and limits of a requirement line; no name where none can be told, or a marker follows."""
    found = None if ";" in line else _PIP.fullmatch(line.partition(" --")[0].strip())
    return (_normalize(found["name"]), found["rest"]) if found else ("", "")


def _compare_versions(name: str, version: str | None, limits: str, asked: str, *, fuzzy: bool) -> Iterator[str]:
    if version is None:
        yield f"it has no {name}"
    elif version and not _allows(limits, version, fuzzy=fuzzy):
        yield f"it has {name} {version}, not {asked}"


def _split_pip(line: str) -> tuple[str, str]:
    """Give name and version of a pip line of a lock; an address tells no version."""
    name, _, rest = line.partition(" ")
    name, _, version = name.partition("==")
    return (name, version) if rest else (name, "")


def _allows(limits: str, version: str, *, fuzzy: bool) -> bool:
    if not limits or "|" in limits or limits == "*":
        return True
    return all(_meets(limit.strip(), version, fuzzy=fuzzy) for limit in limits.split(","))


def _meets(limit: str, version: str, *, fuzzy: bool) -> bool:
    found = (_CONDA_LIMIT if fuzzy else _LIMIT).fullmatch(limit)
    if found is None:
        return True
    sign, text = found["sign"], found["version"]
    want, have = _numbers(text), _numbers(version)
    if want is None or have is None:
        return True
    if text.endswith("*") or (sign in {"=", ""} and fuzzy):
        begins = have[: len(want)] == want
        return begins if sign in {"=", "==", ""} else not begins if sign == "!=" else True
    return _compare(sign, have, want)


def _compare(sign: str, have: tuple[int, ...], want: tuple[int, ...]) -> bool:
    length = max(len(have), len(want))
    left, right = (one + (0,) * (length - len(one)) for one in (have, want))
    if sign == "~=":
        return left >= right and have[: len(want) - 1] == want[:-1]
    known = {
        "==": left == right,
        "===": left == right,
        "=": left == right,
        "": left == right,
        "!=": left != right,
        ">=": left >= right,
        "<=": left <= right,
        ">": left > right,
        "<": left < right,
    }
    return known[sign]


def _numbers(version: str) -> tuple[int, ...] | None:
    """Give the numbers of a version; None when it is not made of numbers only."""
    text = version.removesuffix("*").removesuffix(".")
    return tuple(map(int, text.split("."))) if re.fullmatch(r"\d+(\.\d+)*", text) else None


def _normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
