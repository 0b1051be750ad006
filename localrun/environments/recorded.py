"""The environment of an earlier run, with the versions that it had then."""

from __future__ import annotations

import hashlib
import json
import os

from localrun.environments import materialize
from localrun.environments.commit import replace_file
from localrun.environments.conda import make_folders
from localrun.environments.places import find_places
from localrun.errors import EnvironmentFailed
from localrun.values import replace
from localrun.workspace.versions import list_packages, read_versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from localrun.environments.settings import BuildSettings, Progress
    from localrun.plan import Artifact, EnvironmentPlan
    from localrun.workspace.versions import Versions

    _Packages = tuple[tuple[str, ...], ...]


def materialize_recorded(
    plan: EnvironmentPlan,
    folder: str,
    *,
    home: str,
    settings: BuildSettings,
    report: Callable[[Progress], None],
) -> tuple[EnvironmentPlan, Artifact]:
    """Give the environment of an earlier run: the cached one when it has the run's versions, else one made with them.

    The cache entry of the definition keeps its own versions: where these are others, the run's get an entry apart.

    Args:
        plan: The environment of the run.
        folder: The run's folder, which keeps what was resolved; where it keeps nothing, the environment is the cache's.
        home: The workspace.
        settings: How to make it.
        report: Told what happens.

    Raises:
        EnvironmentFailed: it cannot be made with those versions any more.
        LocalrunError: as `materialize`.
    """
    kept = os.path.join(folder, "versions.json")
    wanted = _sort(read_versions(kept))
    if plan.kind == "interpreter" or not wanted:
        return plan, materialize(plan, home=home, settings=settings, report=report)
    make_folders(home)
    if plan.kind == "image":
        if plan.name:
            _seed(home, plan.name, folder)
        return plan, materialize(plan, home=home, settings=settings, report=report)
    for candidate in (plan, replace(plan, name=name_apart(plan, wanted))):
        _seed(home, candidate.name, folder)
        if _sort(read_versions(find_places(home, candidate.name).versions)) != wanted:
            continue
        artifact = materialize(candidate, home=home, settings=settings, report=report)
        if _sort(read_versions(artifact.versions)) == wanted:
            return candidate, artifact
    message = f"the environment {plan.label or plan.name} cannot be made with the versions that it had"
    raise EnvironmentFailed(message, hint=f"{kept} lists them; localrun run makes it as it is now", code="solve")


def _sort(versions: Versions) -> _Packages:
    """Give versions as a value that can be compared."""
    return tuple(sorted(tuple(filter(None, package)) for package in list_packages(versions)))


def name_apart(plan: EnvironmentPlan, versions: _Packages) -> str:
    """Give the name of the cache entry for a definition with versions that are not those of its own entry."""
    text = json.dumps([plan.fingerprint, versions])
    return f"azureml_{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _seed(home: str, name: str, folder: str) -> None:
    """Put what a run resolved where the making of an environment looks for it, if nothing is there."""
    places = find_places(home, name)
    for kept, place in (("conda-lock.yml", places.conda_lock), ("versions.json", places.versions)):
        path = os.path.join(folder, kept)
        if os.path.exists(path) and not os.path.lexists(place):
            with open(path, "rb") as file:
                replace_file(place, file.read())


def find_recorded_image(recorded: Any) -> Artifact | None:
    """Give the very image that a run had when the engine still has it, whatever its name stands for now; else None.

    Args:
        recorded: The value of the record's key `artifact`.

    Raises:
        EngineUnavailable: no engine answers.
        StoreFailed: the record is damaged.
    """
    from localrun.adapters.containers import find_image
    from localrun.adapters.image_facts import open_engine
    from localrun.formats.recorded_plan import read_recorded_artifact

    artifact = read_recorded_artifact(recorded)
    if not artifact.image:
        return None
    engine = open_engine(os.environ)
    try:
        return replace(artifact, reused=True) if find_image(engine, artifact.image) else None
    finally:
        engine.close()


def find_recorded_base(plan: EnvironmentPlan) -> tuple[EnvironmentPlan, str]:
    """Give the environment on the very base image that it had, and a line for the user when its name has moved.

    Args:
        plan: The environment of the run.

    Returns:
        The environment, its base by id where the name stands for another image and the engine still has the one of
        then; and the line, empty when the name stands for the same image.

    Raises:
        EngineUnavailable: no engine answers.
    """
    from localrun.adapters.containers import find_image
    from localrun.adapters.image_facts import open_engine

    image = plan.image
    if image is None or not image.base or not image.base_id or "@sha256:" in image.base:
        return plan, ""
    engine = open_engine(os.environ)
    try:
        now = find_image(engine, image.base)
        if now is not None and now.id == image.base_id:
            return plan, ""
        moved = f"{image.base} stands for another image now" if now else f"{image.base} is not in the engine any more"
        if find_image(engine, image.base_id) is None:
            return plan, f"the base image {moved}: {image.base_id[7:19]} is gone"
    finally:
        engine.close()
    pinned = replace(plan, image=replace(image, base=image.base_id, pull="missing"))
    return pinned, f"the base image {moved}; the one of then is still there, and is used"
