"""`localrun environment outdated`, and what `environment build --rebuild` says before it rebuilds."""

from __future__ import annotations

import os

from localrun.errors import BadInput, LocalrunError
from localrun.escaping import escape
from localrun.workspace.home import open_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from localrun.environments.outdated import PackageChange
    from localrun.environments.settings import BuildSettings, Progress
    from localrun.plan import EnvironmentPlan
    from localrun.resolve.facts import HostFacts
    from localrun.workspace.versions import Versions


def find_outdated(reference: str, *, target: str, offline: bool, quiet: bool) -> dict[str, Any]:
    """Say what a rebuild of an environment would bring; nothing is changed.

    Args:
        reference: The environment.
        target: `local` or `docker`; empty for what the environment asks for.
        offline: From caches and local files only.
        quiet: Say nothing but errors.

    Returns:
        `environment` (the name of the cache entry), `label`, `changes` (each with `manager`, `name`, and `before` and
        `after`, None for a package that comes or goes), `registered` (each `NAME:VERSION` that shares the entry).

    Raises:
        BadInput: it has no packages of its own, or has not been made yet.
        EnvironmentFailed: it cannot be solved any more.
    """
    from localrun.adapters.files import Reading
    from localrun.adapters.host import probe_host
    from localrun.cli.environment_request import Wanted, read_wanted
    from localrun.cli.progress import show_progress
    from localrun.environments.outdated import foresee_rebuild
    from localrun.environments.settings import BuildSettings
    from localrun.resolve import plan_environment

    home = open_home(os.environ)
    reading = Reading()
    spec = read_wanted(reference, Wanted(target=target), reading)
    facts = probe_host(spec, os.environ, reading)
    plan = plan_environment(spec, facts, spec.target)
    if not plan.name:
        hint = "name a conda file, a requirements.txt or a registered environment"
        raise BadInput(f"{reference} has no conda or pip packages of its own", key="REF", hint=hint)
    with show_progress(quiet=quiet) as report:
        coming = foresee_rebuild(plan, home=home, settings=BuildSettings(offline=offline), report=report)
    if coming is None:
        hint = "localrun env build makes it"
        raise BadInput(f"{plan.label or reference} has not been made yet: it gets the versions of today", hint=hint)
    return _describe(plan, coming.changes, find_sharing(home, plan, facts))


def _describe(plan: EnvironmentPlan, changes: tuple[PackageChange, ...], registered: tuple[str, ...]) -> dict[str, Any]:
    return {
        "environment": plan.name,
        "label": plan.label,
        "changes": [
            {"manager": one.manager, "name": one.name, "before": one.before or None, "after": one.after or None}
            for one in changes
        ],
        "registered": list(registered),
    }


def find_sharing(home: str, plan: EnvironmentPlan, facts: HostFacts) -> tuple[str, ...]:
    """Give each registered `NAME:VERSION` whose packages are those of a plan, so that it is in the same cache entry."""
    from localrun.formats.v1_environment import spec_of_document
    from localrun.resolve.locks import choose_packages
    from localrun.workspace import registry

    found: list[str] = []
    for document, names in registry.contents(home):
        try:
            python = spec_of_document(document).python
            if python is not None and choose_packages(python, plan.platform, facts)[1] == plan.fingerprint:
                found += names
        except LocalrunError:
            continue  # one that cannot be used here shares nothing
    return tuple(found)


def foretell_rebuild(
    home: str,
    plan: EnvironmentPlan,
    facts: HostFacts,
    settings: BuildSettings,
    report: Callable[[Progress], None],
) -> tuple[list[str], Versions | None]:
    """Give lines that say what a rebuild will change and who shares it, and the solution that brings just that.

    There are no lines for what has never been made.

    Raises:
        EnvironmentFailed: it cannot be solved any more; the one that is there stays.
    """
    from localrun.environments.outdated import foresee_rebuild

    coming = foresee_rebuild(plan, home=home, settings=settings, report=report)
    if coming is None:
        return [], None
    return describe(_describe(plan, coming.changes, find_sharing(home, plan, facts))), coming.solution


def describe(found: dict[str, Any]) -> list[str]:
    """Give what `find_outdated` found as lines for people, escaped."""
    lines = [_describe_change(change) for change in found["changes"]]
    lines = lines or ["a rebuild brings the same packages"]
    if found["registered"]:
        lines.append(f"registered with these packages: {', '.join(found['registered'])}")
    return [escape(line) for line in lines]


def _describe_change(change: dict[str, Any]) -> str:
    name = change["name"] + (" (pip)" if change["manager"] == "pip" else "")
    if change["before"] is None:
        return f"+ {name} {change['after']}"
    if change["after"] is None:
        return f"- {name} {change['before']}"
    return f"  {name} {change['before']} -> {change['after']}"
