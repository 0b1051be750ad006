"""What the rebuilding of an environment would bring: solved anew, compared with what it was made with, nothing made."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile

from localrun.adapters.host import SUBDIRECTORIES
from localrun.adapters.uv_lock import resolve_versions
from localrun.environments.build import read_lock
from localrun.environments.conda import make_folders
from localrun.environments.locking import normalize, prepare_solving, settle_pip
from localrun.environments.places import cache_lock, find_places
from localrun.environments.removal import share_caches
from localrun.environments.settings import Progress
from localrun.environments.steps import link_conda_part
from localrun.formats.lock_names import is_locked
from localrun.values import replace, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from localrun.environments.build import Build
    from localrun.environments.settings import BuildSettings
    from localrun.plan import EnvironmentPlan

UNKNOWN = "of its source"
"""The version of a package that has none before it is built."""

_Versions = dict[tuple[str, str], tuple[str, str]]


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


def find_package_changes(
    plan: EnvironmentPlan, *, home: str, settings: BuildSettings, report: Callable[[Progress], None]
) -> tuple[PackageChange, ...] | None:
    """Say which packages a rebuild of an environment would change, sorted by manager and name.

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
        return ()
    make_folders(home)
    descriptor = share_caches(home, cache_lock(home))
    work = tempfile.mkdtemp(prefix=".lock-", dir=home)
    try:
        with open(os.path.join(work, "log"), "ab") as log:
            build = prepare_solving(plan, work, home, settings, report, log.fileno(), descriptor)
            found = _solve(replace(build, lock={}))
    finally:
        os.close(descriptor)
        shutil.rmtree(work, ignore_errors=True)
    return compare_versions(_read_known(known), found)


def _solve(build: Build) -> _Versions:
    """Solve a definition without regard to the versions that it was made with."""
    records = link_conda_part(build, lambda: None).get("records", [])
    found = {("conda", record["name"]): (record["version"], record["build"]) for record in records}
    if not build.plan.pip:
        return found
    settled = settle_pip(build, records)
    here = SUBDIRECTORIES.get((sys.platform, os.uname().machine))
    packages = resolve_versions(
        settled.request,
        python_version=settled.python_version,
        platform="" if build.plan.platform == here else build.plan.platform,
        output=os.path.join(build.places.work, "pylock.toml"),
        environ=os.environ,
        on_line=lambda line: build.report(Progress(stage="pip", text=line.strip())),
    )
    for name, version in packages:
        if settled.installed.get(normalize(name)) != version:
            found["pip", normalize(name)] = (version or UNKNOWN, "")
    return found


def _read_known(known: Mapping[str, Any]) -> _Versions:
    found = {("conda", one["name"]): (one["version"], one.get("build", "")) for one in known["conda"]}
    return found | {("pip", normalize(one["name"])): (one["version"], "") for one in known["pip"]}


def compare_versions(before: _Versions, after: _Versions) -> tuple[PackageChange, ...]:
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
