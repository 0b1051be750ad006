"""Plans as records keep them (`localrun plan --format json`), read back into plans."""

from __future__ import annotations

import json

from localrun.errors import StoreFailed
from localrun.plan import CLASSES, Artifact, Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KINDS: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "bool": (bool,), "float": (int, float)}


def read_recorded_plan(document: object, *, where: str) -> Plan:
    """Give the plan that a record keeps.

    Args:
        document: The value of its key `plan`.
        where: The record's file, for messages.

    Raises:
        StoreFailed: it is no plan, or one of a newer localrun.
    """
    plan: Plan = _read_value(Plan, document, where, "plan")
    return plan


def _read_value(cls: type, document: object, where: str, key: str) -> Any:
    if not isinstance(document, dict):
        raise _damaged(where, key, document)
    kinds = cls.__annotations__
    unknown = document.keys() - kinds.keys()
    if unknown:
        message = f"{where}: {key}.{min(unknown)} is of a newer localrun"
        raise StoreFailed(message, hint="install a newer localrun: pip install -U localrun", code="newer_record")
    fields = {name: _read(kinds[name], item, where, f"{key}.{name}") for name, item in document.items()}
    try:
        return cls(**fields)
    except TypeError as error:
        raise _damaged(where, key, str(error)) from None


def _read(kind: str, item: object, where: str, key: str) -> Any:
    kind, _, optional = kind.partition(" | ")
    if optional and item is None:
        return None
    if kind in CLASSES:
        return _read_value(CLASSES[kind], item, where, key)
    if kind in _KINDS:
        if not isinstance(item, _KINDS[kind]) or (kind != "bool" and isinstance(item, bool)):
            raise _damaged(where, key, item)
        return item
    part = kind.removeprefix("tuple[").removesuffix(", ...]")
    if part == "tuple[str, str]":
        return _read_pairs(item, where, key)
    if not isinstance(item, list):
        raise _damaged(where, key, item)
    if part.startswith("tuple["):  # evidence: numbers of a file
        return tuple([tuple(one) for one in item])
    return tuple([_read(part, one, where, key) for one in item])


def _read_pairs(item: object, where: str, key: str) -> tuple[tuple[str, str], ...]:
    if isinstance(item, dict):  # options of containers stand in it as what they are, not as JSON text
        options = key.endswith("container.options")
        return tuple([(str(name), json.dumps(one) if options else str(one)) for name, one in item.items()])
    if isinstance(item, list) and all(isinstance(pair, list) and list(map(type, pair)) == [str, str] for pair in item):
        return tuple([(name, text) for name, text in item])
    raise _damaged(where, key, item)


def _damaged(where: str, key: str, found: object) -> StoreFailed:
    shown = repr(found)[:80]
    message = f"{where}: {key} cannot be read: {shown}"
    return StoreFailed(message, hint="the record is damaged; run the source again", code="store_corrupt")


def read_recorded_artifact(document: object) -> Artifact:
    """Give the environment that a record keeps.

    Raises:
        StoreFailed: it is none, or one of a newer localrun.
    """
    artifact: Artifact = _read_value(Artifact, document, "the record", "artifact")
    return artifact
