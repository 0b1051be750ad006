"""Why a cached environment serves a plan or not: on a miss the nearest entry, and the fields that differ."""

from __future__ import annotations

import json
import os

from localrun.environments.commit import read_artifact
from localrun.environments.places import find_places
from localrun.resolve.credentials import hide_in_environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from localrun.plan import EnvironmentPlan

FIELDS = ("platform", "channels", "conda", "pip", "as_of")
"""What the name of a cache entry is made of."""


def describe_definition(plan: EnvironmentPlan) -> dict[str, Any]:
    """Give the fields that a cache entry's name is made of, without credentials."""
    shown = hide_in_environment(plan)
    found = {name: list(item) if isinstance(item := getattr(shown, name), tuple) else item for name in FIELDS}
    return found if plan.as_of else {name: item for name, item in found.items() if name != "as_of"}


def explain_conda(plan: EnvironmentPlan, *, home: str) -> dict[str, Any]:
    """Explain what the cache has for a conda environment.

    Returns:
        `entry` (its name), `hit`, `reason`; on a miss `nearest` (the name of the entry that is most like it, empty for
        none) and `differences`: for each field that differs `field`, `before` (the nearest's) and `after`.
    """
    places = find_places(home, plan.name)
    found = {"entry": plan.name, "hit": False, "nearest": "", "differences": []}
    if read_artifact(places.record, places.prefix) is not None:
        return found | {"hit": True, "reason": "it is there and whole"}
    if os.path.lexists(places.record):
        return found | {"reason": "it is there, but has been changed since it was made, and will be made again"}
    if os.path.lexists(places.prefix):
        return found | {"reason": "its making was cut short, and will begin again"}
    why = "it was removed, and will get the versions that it had" if os.path.exists(places.versions) else "never made"
    wanted = describe_definition(plan)
    known = list_definitions(home)
    if not known:
        return found | {"reason": f"{why}; no other is cached"}
    nearest = max(sorted(known), key=lambda name: _count_common(wanted, known[name]))
    differences = [
        {"field": name, "before": known[nearest].get(name), "after": wanted.get(name)}
        for name in FIELDS
        if known[nearest].get(name) != wanted.get(name)
    ]
    return found | {"reason": why, "nearest": nearest, "differences": differences}


def list_definitions(home: str) -> dict[str, dict[str, Any]]:
    """Give the definition of each cached environment by the name of its entry; those of earlier versions have none."""
    folder = os.path.join(home, "environments")
    try:
        names = [name.removesuffix(".ok") for name in os.listdir(folder) if name.endswith(".ok")]
    except FileNotFoundError:
        return {}
    found = {}
    for name in names:
        try:
            with open(find_places(home, name).record, "rb") as file:
                definition = json.load(file)["definition"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(definition, dict):
            found[name] = definition
    return found


def _count_common(one: dict[str, Any], other: dict[str, Any]) -> tuple[int, int]:
    """Count fields that are equal, and packages and channels that both have."""
    equal = sum(one.get(name) == other.get(name) for name in FIELDS)
    lists = [name for name in FIELDS if isinstance(one.get(name), list) and isinstance(other.get(name), list)]
    return sum(len(set(one[name]) & set(other[name])) for name in lists), equal


def tell(found: dict[str, Any]) -> list[str]:
    """Give an explanation as lines for people."""
    lines = [f"{'hit' if found['hit'] else 'miss'}: {found['entry']}: {found['reason']}"]
    if found["nearest"]:
        lines.append(f"the nearest is {found['nearest']}, which differs in:")
    for change in found["differences"]:
        before, after = change["before"], change["after"]
        if isinstance(before, list) and isinstance(after, list):
            gone = [f"-{item}" for item in before if item not in after]
            new = [f"+{item}" for item in after if item not in before]
            lines.append(f"  {change['field']}: {' '.join([*gone, *new]) or 'another order: ' + ' '.join(after)}")
        else:
            lines.append(f"  {change['field']}: {before} -> {after}")
    return lines
