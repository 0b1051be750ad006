"""Locks: the packages of an environment for one platform or several, solved and written down, nothing installed."""

from __future__ import annotations

import os
import re

from localrun.adapters.condarc import find_channels, read_condarc
from localrun.adapters.folders import write_file
from localrun.adapters.uv_lock import list_files, resolve_packages
from localrun.environments.making import Build, read_lock
from localrun.environments.pip_part import describe_pip
from localrun.environments.places import find_places
from localrun.environments.settings import Progress
from localrun.environments.steps import link_conda_part
from localrun.environments.workshop import open_workshop
from localrun.errors import EnvironmentFailed
from localrun.formats.lock_text import describe_locks
from localrun.values import replace, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from localrun.adapters.uv import PipRequest
    from localrun.environments.installing import Solved
    from localrun.environments.settings import BuildSettings
    from localrun.environments.workshop import Workshop
    from localrun.plan import EnvironmentPlan

_RELEASE = re.compile(r"\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?")
"""Versions that conda and pip write alike."""


@value
class Wanted:
    """One platform of a lock.

    Attributes:
        plan: The environment on that platform.
        content_hash: What the lock says that this part was made from.
    """

    plan: EnvironmentPlan
    content_hash: str


@value
class SettledPip:
    """What the resolving of a pip part begins with.

    Attributes:
        request: What uv is to do.
        python_version: The full version of the Python that conda brings.
        installed: Names and versions of Python packages that conda brings and nobody asks pip for.
    """

    request: PipRequest
    python_version: str
    installed: dict[str, str]


def write_lock_file(
    wanted: Sequence[Wanted], path: str, *, home: str, settings: BuildSettings, report: Callable[[Progress], None]
) -> None:
    """Solve an environment for each platform and write one conda-lock file; it is there completely or not at all.

    Where the environment has been made on this machine, its versions are those of the lock.

    Raises:
        EnvironmentFailed: it cannot be solved, or a package cannot be locked.
        StoreFailed: the workspace cannot be written.
    """
    conda = read_condarc(os.environ, os.path.expanduser("~"))
    with open_workshop(home) as workshop:
        parts, channels = [], []
        for one in wanted:
            channels = find_channels(one.plan.channels, conda, one.plan.directory)
            build = prepare_solving(one.plan, workshop, settings, report)
            parts.append({**_solve(build), "platform": one.plan.platform, "fingerprint": one.content_hash})
        write_file(path, describe_locks(parts, [channel.url for channel in channels]).encode())


def prepare_solving(
    plan: EnvironmentPlan, workshop: Workshop, settings: BuildSettings, report: Callable[[Progress], None]
) -> Build:
    """Give the making of an environment that is solved only, with its files in a workshop."""
    folder = os.path.join(workshop.folder, plan.platform)
    os.makedirs(folder, exist_ok=True)
    places = find_places(workshop.home, plan.name)
    known = read_lock(places)
    log = os.path.join(workshop.folder, "log")
    return Build(
        plan=plan,
        places=replace(places, work=folder, prefix=os.path.join(folder, "prefix"), log=log),
        settings=settings,
        report=report,
        log=workshop.log,
        keep=(workshop.hold,),
        lock=known,
        solve_only=True,
    )


def _solve(build: Build) -> dict[str, object]:
    records = link_conda_part(build).get("records", [])
    if not records:
        message = f"{build.plan.label or 'the environment'} has no conda packages, so there is nothing to lock"
        raise EnvironmentFailed(message, hint="name python among its dependencies", code="solve")
    if unsure := [record["name"] for record in records if not record["md5"]]:
        message = f"the channel gives no MD5 sum of {unsure[0]}, which a conda-lock file needs"
        raise EnvironmentFailed(message, hint="use another channel", code="channel")
    return {"records": records, "pip": _resolve_pip(build, records) if build.plan.pip else []}


def _resolve_pip(build: Build, records: list[Solved]) -> list[dict[str, str]]:
    settled, packages = resolve_pip(build, records, build.plan.platform)
    found = list_files(packages, settled.python_version)
    return [package for package in found if settled.installed.get(normalize(package["name"])) != package["version"]]


def resolve_pip(build: Build, records: list[Solved], platform: str) -> tuple[SettledPip, list[dict[str, Any]]]:
    """Resolve the pip part once the conda part is solved; give what that began with, and its packages.

    Args:
        build: What is to be made.
        records: The conda part.
        platform: A conda subdirectory; empty for this machine as it is.

    Raises:
        EnvironmentFailed, StoreFailed: the conda part has no Python, or as uv says.
    """
    settled = _settle_pip(build, records)
    packages = resolve_packages(
        settled.request,
        python_version=settled.python_version,
        platform=platform,
        output=os.path.join(build.places.work, "pylock.toml"),
        environ=os.environ,
        on_line=lambda line: build.report(Progress(stage="pip", text=line.strip())),
    )
    return settled, packages


def _settle_pip(build: Build, records: list[Solved]) -> SettledPip:
    """Give what the resolving of the pip part begins with, once the conda part is solved.

    Raises:
        EnvironmentFailed: the conda part has no Python.
    """
    plan = build.plan
    python = next((record["version"] for record in records if record["name"] == "python"), "")
    if not python:
        message = f"{plan.label or 'the environment'} has a pip part but no python in its conda part"
        raise EnvironmentFailed(message, hint="add python to the conda dependencies", code="solve")
    build.report(Progress(stage="pip", text=f"resolving {len(plan.pip)} pip requirements for {plan.platform}"))
    asked = {normalize(re.split(r"[^A-Za-z0-9._-]", line)[0]) for line in plan.pip}
    installed = {
        normalize(record["name"]): record["version"]
        for record in records
        if record["python"] and record["name"] != "python" and normalize(record["name"]) not in asked
    }
    request = replace(describe_pip(build, ""), constraints=_write_constraints(build, installed))
    return SettledPip(request=request, python_version=python, installed=installed)


def _write_constraints(build: Build, installed: dict[str, str]) -> str:
    """Write the versions that are settled: those of earlier makings, and those that conda brings."""
    pins = {normalize(one["name"]): one["version"] for one in build.lock.get("pip", [])}
    pins |= {name: version for name, version in installed.items() if _RELEASE.fullmatch(version)}
    path = os.path.join(build.places.work, "settled.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{name}=={version}\n" for name, version in pins.items())
    return path


def normalize(name: str) -> str:
    """Give the name of a pip package as all its spellings have it."""
    return re.sub(r"[-_.]+", "-", name).lower()
