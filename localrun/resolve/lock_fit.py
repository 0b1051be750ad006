"""Whether a lock that conda-lock itself has written still is that of a definition.

conda-lock's content hash cannot be worked out without its own parser and settings. What can be seen is seen: every
package that the definition names is in the lock, in a version that it allows. A form of version that is not known here
counts as allowed: the lock was made by who knows it.
"""

from __future__ import annotations

import re

from localrun.formats.lock_names import split_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from localrun.spec import LockSpec

_CONDA = re.compile(r"(?:[^\s\[\]]+::)?(?P<name>[A-Za-z0-9._-]+)\s*(?P<rest>.*)")
_PIP = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?P<rest>(?:[=<>!~].*)?)")
_LIMIT = re.compile(r"(?P<sign>===?|~=|>=|<=|!=|=|<|>|)\s*(?P<version>[0-9][0-9A-Za-z.!+_*-]*)")
_CONDA_LIMIT = re.compile(_LIMIT.pattern + r"(?:(?:\s+|=)\S+)?")
"""A build may follow the version."""
_IMPLIED = {"python", "pip"}
"""Packages that are added to a definition where it does not name them."""


def fits_definition(lock: LockSpec, conda: Sequence[str], pip: Sequence[str]) -> bool:
    """Tell whether a lock has all that a definition names, in versions that it allows.

    Args:
        lock: The packages of one platform.
        conda: Match specs.
        pip: Requirement lines.
    """
    have = {package.name: package.version for package in map(split_address, lock.conda)}
    wheels = {_normalize(name): version for name, version in map(_split_pip, lock.pip)}
    wheels = {_normalize(name): version for name, version in have.items()} | wheels
    return all(_has_conda(have, spec) for spec in conda) and all(_has_pip(wheels, line) for line in pip)


def _has_conda(have: dict[str, str], spec: str) -> bool:
    found = _CONDA.fullmatch(spec.strip())
    if found is None:
        return True
    name = found["name"].lower()
    if name not in have:
        return name in _IMPLIED and not found["rest"]
    return _allows(found["rest"].partition("[")[0].strip(), have[name], fuzzy=True)


def _has_pip(have: dict[str, str], line: str) -> bool:
    text, _, marker = line.partition(";")
    if text.startswith("--") or marker:
        return True  # an index of its own, or a package that not every platform has
    found = _PIP.fullmatch(text.partition(" --")[0].strip())
    if found is None:
        return False
    version = have.get(_normalize(found["name"]))
    return version is not None and (not version or _allows(found["rest"], version, fuzzy=False))


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
