"""Environments: found when they are there, made when they are not.

What lives here: one file an engine (conda, image, interpreter) and one line each in the table, and the steps, checks
and records that engines share. What does not: deciding which environment a run gets, and everything about its ranks.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from localrun.environments.settings import BuildSettings, Progress
    from localrun.plan import Artifact, EnvironmentPlan

ENGINES = {
    "conda": "localrun.environments.conda",
    "interpreter": "localrun.environments.interpreter",
    "image": "localrun.environments.image",
}
"""Kind of an environment plan, and the module that has `find` and `materialize` for it."""


def materialize(
    plan: EnvironmentPlan, *, home: str, settings: BuildSettings, report: Callable[[Progress], None]
) -> Artifact:
    """Give the environment of a plan, made now if it is not there.

    Args:
        plan: What to run in.
        home: The workspace folder; it exists.
        settings: How to make it.
        report: Told what happens, in the thread of the caller.

    Returns:
        The environment, ready to run in; `reused` says whether it was there.

    Raises:
        EnvironmentFailed: it cannot be made.
        NotRunnable: the named interpreter is not there or cannot be executed.
        StoreFailed: the workspace cannot hold it.
        LockTimeout: somebody else made or used it for longer than `settings.lock_timeout_s`.
    """
    found: Artifact = _engine(plan).materialize(plan, home=home, settings=settings, report=report)
    return found


def find(plan: EnvironmentPlan, *, home: str) -> Artifact | None:
    """Give the environment of a plan if it is there and whole, else None; makes nothing and imports no third party."""
    found: Artifact | None = _engine(plan).find(plan, home=home)
    return found


def settle(plan: EnvironmentPlan, *, settings: BuildSettings, report: Callable[[Progress], None]) -> EnvironmentPlan:
    """Give the plan as it is when all that it names is known: the name of an image follows from its base image.

    What has to be fetched to know it is fetched; other plans are given back as they are.

    Raises:
        LocalrunError: a base image cannot be had, or no engine answers.
    """
    if plan.kind != "image":
        return plan
    settled: EnvironmentPlan = _engine(plan).settle(plan, settings=settings, report=report)
    return settled


def _engine(plan: EnvironmentPlan) -> ModuleType:
    from importlib import import_module

    return import_module(ENGINES[plan.kind])
