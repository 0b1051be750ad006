"""What the rebuilding of an environment would bring: solved anew, compared with what it was made with, nothing made."""

from __future__ import annotations

import os
import sys

from localrun.adapters.host import SUBDIRECTORIES
from localrun.adapters.uv_lock import PLATFORMS
from localrun.environments.locking import normalize, prepare_solving, resolve_pip
from localrun.environments.making import read_lock
from localrun.environments.places import find_places
from localrun.environments.steps import link_conda_part
from localrun.environments.workshop import open_workshop
from localrun.formats.lock_names import is_locked
from localrun.values import replace, value
from localrun.workspace.versions import keep_conda, list_packages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.environments.making import Build
    from localrun.environments.settings import BuildSettings, Progress
    from localrun.plan import EnvironmentPlan
    from localrun.workspace.versions import Versions

UNKNOWN = "of its source"
"""The version of a package that has none before it is built."""

_Indexed = dict[tuple[str, str], tuple[str, str]]


@value
class PackageChange:
    """One package that a rebuild brings, removes or replaces.

    Attributes:
        manager: `conda` or `pip`.
        name: Of the package.
        before: The version that is there, with the build where only that differs; empty when it is new.
        after: The version that comes, in the same form; empty when it goes.
    """

    manager: str
    name: str
    before: str
    after: str


@value
class Rebuild:
    """What a rebuild would bring.

    Attributes:
        changes: Sorted by manager and name.
        solution: All that it would have; None where that cannot be told before it is made.
    """

    changes: tuple[PackageChange, ...]
    solution: Versions | None


def foresee_rebuild(
    plan: EnvironmentPlan, *, home: str, settings: BuildSettings, report: Callable[[Progress], None]
) -> Rebuild | None:
    """Solve an environment anew and say what that would change; nothing is made.

    Args:
        plan: The environment, or the image whose Python packages count.
        home: The workspace.
        settings: How to solve.
        report: Told what happens.

    Returns:
        None when it has never been made, so that there is nothing to compare with.

    Raises:
        EnvironmentFailed: it cannot be solved any more.
        StoreFailed: the workspace cannot be written.
    """
    known = read_lock(find_places(home, plan.name)) if plan.name else {}
    if not known:
        return None
    if is_locked(plan.conda):
        return Rebuild(changes=(), solution=None)
    with open_workshop(home) as workshop:
        solution = _solve(replace(prepare_solving(plan, workshop, settings, report), lock={}))
    certain = all(one["version"] != UNKNOWN for one in solution["pip"])
    changes = compare_versions(_index(known), _index(solution))
    return Rebuild(changes=changes, solution=solution if certain else None)


def _solve(build: Build) -> Versions:
    """Solve a definition without regard to the versions that it was made with."""
    records = link_conda_part(build).get("records", [])
    conda = [keep_conda(record) for record in records]
    if not build.plan.pip:
        return {"conda": conda, "pip": []}
    here = SUBDIRECTORIES.get((sys.platform, os.uname().machine))
    elsewhere = build.plan.platform != here and build.plan.platform in PLATFORMS
    settled, packages = resolve_pip(build, records, build.plan.platform if elsewhere else "")
    versions = [(package["name"], str(package.get("version", ""))) for package in packages]
    fresh = [(name, version) for name, version in versions if settled.installed.get(normalize(name)) != version]
    return {"conda": conda, "pip": [{"name": name, "version": version or UNKNOWN} for name, version in fresh]}


def _index(versions: Versions) -> _Indexed:
    return {
        (manager, normalize(name) if manager == "pip" else name): (version, build)
        for manager, name, version, build in list_packages(versions)
    }


def compare_versions(before: _Indexed, after: _Indexed) -> tuple[PackageChange, ...]:
    """Give what differs between packages, by manager and name, each with version and build."""
    changes = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key, ("", "")), after.get(key, ("", ""))
        if old == new or (new[0] == UNKNOWN and old[0]):
            continue
        same = old[0] == new[0]
        texts = [" ".join(filter(None, one)) if same else one[0] for one in (old, new)]
        changes.append(PackageChange(manager=key[0], name=key[1], before=texts[0], after=texts[1]))
    return tuple(changes)
