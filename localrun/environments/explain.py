"""Why a cached environment serves a plan or not: on a miss the nearest entry, and the fields that differ."""

from __future__ import annotations

import json
import os
from functools import partial

from localrun.environments.commit import read_artifact
from localrun.environments.places import find_places
from localrun.resolve.credentials import hide_in_environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from localrun.plan import EnvironmentPlan

    Definition = dict[str, object]
    """The fields of `FIELDS` by name, texts and lists of texts."""

    class Change(TypedDict):
        """A field that differs; `before` is the nearest entry's."""

        field: str
        before: object
        after: object

    class Explanation(TypedDict):
        """What one cache has for a run: `cache`, which it is (`environment`, `image`, `snapshot`), and what it holds.

        On a miss `nearest` is the name of the entry that is most like it, empty for none.
        """

        cache: str
        entry: str
        hit: bool
        reason: str
        nearest: str
        differences: list[Change]


FIELDS = ("platform", "channels", "conda", "pip", "as_of")
"""What the name of a cache entry is made of."""


def describe_definition(plan: EnvironmentPlan) -> Definition:
    """Give the fields that a cache entry's name is made of, without credentials."""
    shown = hide_in_environment(plan)
    found = {name: list(item) if isinstance(item := getattr(shown, name), tuple) else item for name in FIELDS}
    return found if plan.as_of else {name: item for name, item in found.items() if name != "as_of"}


def tell_cache(cache: str, entry: str, reason: str, *, hit: bool = False) -> Explanation:
    """Give an explanation that names no other entry."""
    return {"cache": cache, "entry": entry, "hit": hit, "reason": reason, "nearest": "", "differences": []}


def explain_conda(plan: EnvironmentPlan, *, home: str) -> Explanation:
    """Explain what the cache has for a conda environment."""
    places = find_places(home, plan.name)
    explain = partial(tell_cache, "environment", plan.name)
    if read_artifact(places.record, places.prefix) is not None:
        return explain("it is there and whole", hit=True)
    if os.path.lexists(places.record):
        return explain("it is there, but has been changed since it was made, and will be made again")
    if os.path.lexists(places.prefix):
        return explain("its making was cut short, and will begin again")
    why = "it was removed, and will get the versions that it had" if os.path.exists(places.versions) else "never made"
    wanted = describe_definition(plan)
    known = list_definitions(home)
    if not known:
        return explain(f"{why}; no other is cached")
    nearest = max(sorted(known), key=lambda name: _count_common(wanted, known[name]))
    differences: list[Change] = [
        {"field": name, "before": known[nearest].get(name), "after": wanted.get(name)}
        for name in FIELDS
        if known[nearest].get(name) != wanted.get(name)
    ]
    return {**explain(why), "nearest": nearest, "differences": differences}


def list_definitions(home: str) -> dict[str, Definition]:
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


def _count_common(one: Definition, other: Definition) -> tuple[int, int]:
    """Count packages and channels that both have, and fields that are equal."""
    pairs = [(one.get(name), other.get(name)) for name in FIELDS]
    shared = [len({*mine} & {*theirs}) for mine, theirs in pairs if isinstance(mine, list) and isinstance(theirs, list)]
    return sum(shared), sum(mine == theirs for mine, theirs in pairs)


def tell(found: Explanation) -> list[str]:
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
