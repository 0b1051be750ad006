"""Images: found in the engine by name and labels, else fetched from the project's registry, else made.

An image is there when its name stands for one whose labels say that it was made for this very definition; the name is
given last. One builder at a time, whoever asks.
"""

from __future__ import annotations

import json
import os

from localrun.adapters.containers import ImageFacts, find_image, tag_image
from localrun.adapters.image_facts import open_engine
from localrun.environments.image_labels import (
    describe_artifact,
    find_differences,
    hash_lock,
)
from localrun.environments.image_places import find_image_places, find_last
from localrun.environments.settings import BuildSettings, Progress
from localrun.resolve.image import is_plain_image, list_bases, settle_image
from localrun.values import replace
from localrun.workspace.versions import read_versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.adapters.engine import Engine
    from localrun.environments.places import Places
    from localrun.plan import Artifact, EnvironmentPlan, ImagePlan

    Report = Callable[[Progress], None]


def find(plan: EnvironmentPlan, *, home: str) -> Artifact | None:
    """Give the image of a plan when it is in the engine and made for it; None when it is not.

    What a base image's tag stands for is looked up, so a plan that was kept is not taken for one of today.

    Raises:
        EngineUnavailable: no engine answers.
    """
    engine = open_engine(os.environ)
    try:
        return find_in(engine, plan, home)[0]
    finally:
        engine.close()


def find_in(engine: Engine, plan: EnvironmentPlan, home: str) -> tuple[Artifact | None, str]:
    """Give the image of a plan, and why it cannot be used when there is none.

    Returns:
        The image, or None; and a line for the user, empty when the image is there.
    """
    image = _image(plan)
    if is_plain_image(plan):
        facts = find_image(engine, image.name)
        return (describe_artifact(plan, facts), "") if facts else (None, f"{image.name} is not in the engine")
    if moved := _find_moved(engine, image):
        return None, moved
    if not image.name:
        return None, "its base image is not in the engine yet"
    facts = find_image(engine, image.name)
    if facts is None:
        return None, f"{image.name} is not in the engine"
    if different := find_differences(facts, plan, _lock_hash(plan, home)):
        return None, different
    return describe_artifact(plan, facts), ""


def _image(plan: EnvironmentPlan) -> ImagePlan:
    assert plan.image is not None  # noqa: S101 - plans of this kind have one
    return plan.image


def _find_moved(engine: Engine, image: ImagePlan) -> str:
    """Say which base image is another one now than when the plan was made; nothing when none is."""
    for reference, planned in zip(list_bases(image), image.base_id.split(","), strict=False):
        if "@sha256:" in reference or not planned:
            continue
        now = find_image(engine, reference)
        if now is not None and now.id != planned:
            return f"{reference} now stands for another image: {now.id[7:19]}, it was {planned[7:19]}"
    return ""


def _lock_hash(plan: EnvironmentPlan, home: str) -> str:
    return hash_lock(read_versions(find_image_places(home, plan).versions)) if plan.name else ""


def explain(plan: EnvironmentPlan, *, home: str) -> tuple[bool, tuple[str, ...]]:
    """Tell whether the image of a plan is there, and where it would come from, with the reasons; one line each.

    Raises:
        EngineUnavailable: no engine answers.
    """
    engine = open_engine(os.environ)
    try:
        found, why = find_in(engine, plan, home)
        if found:
            return True, (f"in the engine: {_image(plan).name} ({found.image[7:19]})",)
        lines = [why]
        lines += _explain_last(engine, plan, home)
    finally:
        engine.close()
    lines.append("it will be pulled" if is_plain_image(plan) else "it will be built")
    return False, tuple(lines)


def _explain_last(engine: Engine, plan: EnvironmentPlan, home: str) -> list[str]:
    """Say what differs from the image that was last made for an environment of this label."""
    image = _image(plan)
    try:
        with open(find_last(home, plan), encoding="utf-8") as file:
            last = json.load(file)
        facts = find_image(engine, last["image"])
    except (OSError, ValueError, KeyError, TypeError):
        return []
    if facts is None or last["image"] == image.name:
        return []
    old = facts.labels.get("localrun.base", "")
    if image.base_id and old and old != image.base_id:
        return [f"the base image moved: it is {image.base_id[7:19]}, {last['image']} was made on {old[7:19]}"]
    return [f"the definition changed since {last['image']} was made"]


def materialize(plan: EnvironmentPlan, *, home: str, settings: BuildSettings, report: Report) -> Artifact:
    """Give the image of a plan, fetched or made now if it is not there; see `localrun.environments.materialize`."""
    engine = open_engine(os.environ)
    try:
        plan = settle_in(engine, plan, settings, report)
        if is_plain_image(plan):
            return _find_plain(engine, plan, home)
        if not settings.rebuild and (found := find_in(engine, plan, home)[0]):
            return _with_versions(engine, plan, found, home)
        return _make_locked(engine, plan, home, settings, report)
    finally:
        engine.close()


def settle(plan: EnvironmentPlan, *, settings: BuildSettings, report: Report) -> EnvironmentPlan:
    """Give the plan with its image's name, after its base image has been fetched where it has to be.

    Raises:
        ImageFailed: the base image cannot be had.
        EngineUnavailable: no engine answers.
    """
    engine = open_engine(os.environ)
    try:
        return settle_in(engine, plan, settings, report)
    finally:
        engine.close()


def settle_in(engine: Engine, plan: EnvironmentPlan, settings: BuildSettings, report: Report) -> EnvironmentPlan:
    """Give the plan with its image's name; see `settle`."""
    from localrun.environments.image_bases import fetch_bases

    return settle_image(plan, fetch_bases(engine, plan, settings, report))


def _find_plain(engine: Engine, plan: EnvironmentPlan, home: str) -> Artifact:
    from localrun.environments.image_bases import check_plain

    found, _ = find_in(engine, plan, home)
    assert found is not None  # noqa: S101 - its base image, which it is, has been fetched
    check_plain(engine, plan)
    return found


def _make_locked(engine: Engine, plan: EnvironmentPlan, home: str, settings: BuildSettings, report: Report) -> Artifact:
    from localrun.environments.conda import make_folders
    from localrun.environments.image_build import build_image
    from localrun.workspace.locks import exclusive

    places = find_image_places(home, plan)
    make_folders(home)
    os.makedirs(os.path.dirname(places.work), mode=0o700, exist_ok=True)

    def tell(text: str) -> None:
        report(Progress(stage="lock", text=f"{text}, who makes {plan.label or _image(plan).name}"))

    with exclusive(places.lock, timeout_s=settings.lock_timeout_s, who=settings.run_id, report=tell) as held:
        found, why = find_in(engine, plan, home)
        if found and not settings.rebuild:
            return _with_versions(engine, plan, found, home)
        if find_image(engine, _image(plan).name):
            report(Progress(stage="clean", text="rebuilding as asked" if settings.rebuild else f"rebuilding: {why}"))
        if not settings.rebuild and (fetched := _fetch(engine, plan, home, settings, report)):
            return fetched
        facts = build_image(engine, plan, places, settings, report, keep=(held,))
        _keep_last(places, plan)
        return replace(describe_artifact(plan, facts), reused=False, versions=places.versions if plan.name else "")


def _fetch(
    engine: Engine, plan: EnvironmentPlan, home: str, settings: BuildSettings, report: Report
) -> Artifact | None:
    """Give the image from the project's registry; None when it is not there, or was made for something else."""
    if settings.offline:
        return None
    from localrun.adapters.tool_settings import read_tool_settings

    registry = settings.registry or read_tool_settings(os.getcwd(), os.environ).registry
    if not registry:
        return None
    from localrun.adapters.docker_errors import ImageFailed
    from localrun.adapters.docker_names import place_in
    from localrun.environments.image_bases import pull

    name = place_in(registry, _image(plan).name)
    try:
        pull(engine, plan, name, settings, report)
    except ImageFailed as error:
        if error.code != "image_not_found":
            report(Progress(stage="pull", text=f"building, because {error.message}"))
        return None
    facts = find_image(engine, name)
    if facts is None or (why := find_differences(facts, plan, _lock_hash(plan, home))):
        report(Progress(stage="pull", text=f"building, because {name} cannot be used: {why if facts else 'gone'}"))
        return None
    tag_image(engine, facts.id, _image(plan).name)
    places = find_image_places(home, plan)
    _keep_lock(places, plan, facts)
    return replace(describe_artifact(plan, facts), versions=places.versions if plan.name else "")


def _with_versions(engine: Engine, plan: EnvironmentPlan, artifact: Artifact, home: str) -> Artifact:
    """Give an image that was there with the versions in it, which its labels tell where the workspace has none."""
    places = find_image_places(home, plan)
    if not plan.name:
        return artifact
    if not os.path.exists(places.versions) and (facts := find_image(engine, artifact.image)):
        from localrun.environments.conda import make_folders

        make_folders(home)
        _keep_lock(places, plan, facts)
    return replace(artifact, versions=places.versions if os.path.exists(places.versions) else "")


def _keep_lock(places: Places, plan: EnvironmentPlan, facts: ImageFacts) -> None:
    """Let the local environment of the definition take the versions of an image that somebody else has made."""
    from localrun.environments.commit import replace_file

    text = facts.labels.get("localrun.versions", "")
    if plan.name and text and not os.path.exists(places.versions):
        replace_file(places.versions, text.encode())


def _keep_last(places: Places, plan: EnvironmentPlan) -> None:
    from localrun.environments.commit import replace_file

    replace_file(find_last(places.home, plan), json.dumps({"image": _image(plan).name}).encode())
