"""The pip part of an environment: what uv is to do for a plan, and its installation."""

from __future__ import annotations

import os
import re

from localrun.adapters.uv import PipRequest, fetch_again, install_pins, install_requirements
from localrun.environments.settings import Progress, wants_hard_links
from localrun.errors import EnvironmentFailed
from localrun.formats.lock_archives import WHEELS, lay_over
from localrun.formats.lock_names import is_locked
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from localrun.environments.making import Build

_PLAIN = re.compile(r"[A-Za-z0-9][^/\\@]*$|--(index-url|extra-index-url|find-links|no-index|pre)\b")
_LONGEST = 30_000


def describe_pip(build: Build, python: str) -> PipRequest:
    """Give what uv is to do for a plan."""
    vendored = build.settings.vendored
    return PipRequest(
        python=python,
        requirements=lay_over(build.plan.pip, vendored) if vendored else build.plan.pip,
        directory=build.plan.directory,
        cache=os.path.join(build.places.home, "cache", "uv"),
        offline=build.settings.offline,
        hard_links=wants_hard_links(build.settings, os.environ),
        log=build.log,
        keep=build.keep,
        constraints="" if is_locked(build.plan.conda) else _write_constraints(build),
        complete=is_locked(build.plan.conda),
        as_of=build.plan.as_of,
        only_links=os.path.join(vendored, WHEELS) if vendored else "",
    )


def _write_constraints(build: Build) -> str:
    """Write down the versions that the pip part has had, for uv; nothing when it has had none."""
    pins = [f"{package['name']}=={package['version']}\n" for package in build.lock.get("pip", [])]
    path = os.path.join(build.places.work, "constraints.txt")
    if pins:
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(pins)
    return path if pins else ""


def install_pip_part(build: Build, python: str, pins: tuple[str, ...]) -> None:
    """Install the pip part with uv: what was resolved early when the cache has all of it, else from the beginning.

    Raises:
        EnvironmentFailed, StoreFailed: as uv says.
    """
    if not python:
        message = f"{build.plan.label or 'the environment'} has a pip part but no python in its conda part"
        raise EnvironmentFailed(message, hint="add python to the conda dependencies", code="solve")
    build.report(Progress(stage="pip", text=f"installing {len(build.plan.pip)} pip requirements"))
    request = describe_pip(build, python)
    if pins:
        early = replace(request, requirements=(*options_of(build.plan.pip), *pins))
        if install_pins(early, os.environ, _ignore):
            return
    install_requirements(request, os.environ, _teller(build))


def install_again(build: Build, python: str, packages: Sequence[str]) -> None:
    """Install packages of the pip part anew whose files were not what they should be.

    Raises:
        EnvironmentFailed, StoreFailed: as uv says.
    """
    names = ", ".join(packages)
    build.report(Progress(stage="pip", text=f"found damaged files of {names} in the cache, fetching them again"))
    fetch_again(describe_pip(build, python), packages, os.environ, _teller(build))


def _teller(build: Build) -> Callable[[str], None]:
    return lambda line: build.report(Progress(stage="pip", text=line.strip()))


def _ignore(_: str) -> None:
    pass


def is_plain(requirements: tuple[str, ...]) -> bool:
    """Tell whether requirement lines are names, versions and indexes only, and few enough to pass on at once."""
    return sum(map(len, requirements)) < _LONGEST and all(_PLAIN.match(line) for line in requirements)


def options_of(requirements: tuple[str, ...]) -> tuple[str, ...]:
    """Give the lines of requirements that are options."""
    return tuple(line for line in requirements if line.startswith("-"))
