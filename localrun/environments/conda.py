"""System-managed environments: solved and linked by py-rattler, the pip part by uv, kept by fingerprint.

One builder at a time, whoever asks; the environment is there when its commit record is. What is found without one, or
changed since, is removed under the lock and made again.
"""

from __future__ import annotations

import os

from localrun.environments.commit import read_artifact
from localrun.environments.places import CACHE_TAG, Places, find_places
from localrun.environments.settings import BuildSettings, Progress
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.plan import Artifact, EnvironmentPlan


def find(plan: EnvironmentPlan, *, home: str) -> Artifact | None:
    """Give the cached environment of a plan; None when it is not there or not whole."""
    places = find_places(home, plan.name)
    found = read_artifact(places.record, places.prefix)
    return None if found is None else _with_variables(found, plan)


def _with_variables(artifact: Artifact, plan: EnvironmentPlan) -> Artifact:
    # The `variables:` of the conda file are no part of the fingerprint, so they are none of the cached record either.
    return replace(artifact, variables=tuple((dict(artifact.variables) | dict(plan.variables)).items()))


def materialize(
    plan: EnvironmentPlan, *, home: str, settings: BuildSettings, report: Callable[[Progress], None]
) -> Artifact:
    """Give the environment of a plan, made now if it is not there; see `localrun.environments.materialize`."""
    if not settings.rebuild and (found := find(plan, home=home)):
        return found
    from localrun.workspace.locks import exclusive

    places = find_places(home, plan.name)
    make_folders(home)

    def tell(text: str) -> None:
        report(Progress(stage="lock", text=f"{text}, who makes or uses {plan.label or plan.name}"))

    with exclusive(places.lock, timeout_s=settings.lock_timeout_s, who=settings.run_id, report=tell) as held:
        if not settings.rebuild and (found := find(plan, home=home)):
            return found
        return _with_variables(_make(plan, places, settings, report, held), plan)


def _make(
    plan: EnvironmentPlan, places: Places, settings: BuildSettings, report: Callable[[Progress], None], held: int
) -> Artifact:
    from localrun.environments.build import build_environment
    from localrun.environments.removal import remove_environment, share_caches

    descriptor = share_caches(places.home)
    try:
        remove_environment(places, report, "rebuilding", asked=settings.rebuild)
        return build_environment(plan, places, settings, report, keep=(held, descriptor))
    finally:
        os.close(descriptor)


def make_folders(home: str) -> None:
    """Make the folders of environments, caches and locks in a workspace.

    Raises:
        StoreFailed: they cannot be made.
    """
    from localrun.errors import StoreFailed

    try:
        for name in ("environments", "locks", "cache", "cache/conda", "cache/uv", "cache/repodata", "cache/bytecode"):
            folder = os.path.join(home, name)
            os.makedirs(folder, mode=0o700, exist_ok=True)
            if name in {"environments", "cache"} and not os.path.exists(tag := os.path.join(folder, "CACHEDIR.TAG")):
                with open(os.open(tag, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600), "wb") as file:
                    file.write(CACHE_TAG)
    except OSError as error:
        message = f"the workspace {home} cannot be written: {error.strerror}"
        hint = "set LOCALRUN_HOME to a folder that you can write"
        code = "store_full" if error.errno in {28, 122} else "store_read_only"
        raise StoreFailed(message, hint=hint, code=code) from error
