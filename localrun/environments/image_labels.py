"""What an image says of itself, in its labels: for what it was made, of what, and how to run in it."""

from __future__ import annotations

import hashlib
import json

from localrun.plan import Artifact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from localrun.adapters.containers import ImageFacts
    from localrun.plan import EnvironmentPlan
    from localrun.workspace.versions import Package, Versions

FINGERPRINT = "localrun.fingerprint"
"""The label of every image that localrun makes, with what its name is made of."""
IMAGES = "azureml/azureml_"
"""What the names of all images that localrun makes begin with; 32 digits of the fingerprint follow."""
LAYERS = "azureml/layer_"
"""What images are called that hold a conda prefix on a base and nothing else: made once, for every pip part on top."""


def make_labels(plan: EnvironmentPlan, base: str, lock: Versions, artifact: Mapping[str, object]) -> dict[str, str]:
    """Give the labels of an image.

    Args:
        plan: Its plan.
        base: The ids of what it was made on.
        lock: The versions in it.
        artifact: `python`, `prefix`, `path`, `variables`, `site_packages`, as in `Artifact`.
    """
    from localrun import __version__

    assert plan.image is not None  # noqa: S101 - plans of this kind have one
    short = shorten_lock(lock)
    return {
        FINGERPRINT: plan.image.fingerprint,
        "localrun.python": plan.fingerprint,
        "localrun.base": base,
        "localrun.lock_sha256": hash_lock(lock),
        "localrun.definition": plan.label,
        "localrun.version": __version__,
        "localrun.artifact": json.dumps(artifact, separators=(",", ":")),
        "localrun.versions": json.dumps(short, separators=(",", ":")) if short else "",
    }


def shorten_lock(lock: Versions) -> dict[str, list[dict[str, object]]]:
    """Give names, versions and builds of a lock, sorted; empty for none."""
    if not lock:
        return {}
    return {"conda": _shorten(lock.get("conda", [])), "pip": _shorten(lock.get("pip", []))}


def _shorten(packages: list[Package]) -> list[dict[str, object]]:
    kept = [{key: item for key, item in one.items() if key in {"name", "version", "build"}} for one in packages]
    return sorted(kept, key=lambda one: str(one["name"]))


def hash_lock(lock: Versions) -> str:
    """Give the SHA-256 of a lock's names, versions and builds; empty for no lock."""
    short = shorten_lock(lock)
    return hashlib.sha256(json.dumps(short, sort_keys=True).encode()).hexdigest() if short else ""


def find_differences(facts: ImageFacts, plan: EnvironmentPlan, lock_hash: str) -> str:
    """Say why an image is not the one that a plan means; nothing when it is.

    Args:
        facts: The image that has the name.
        plan: The plan.
        lock_hash: Of the versions that the definition has in this workspace; empty for none.
    """
    image = plan.image
    assert image is not None  # noqa: S101 - plans of this kind have one
    made_for = facts.labels.get(FINGERPRINT, "")
    if not made_for:
        return f"{image.name} was made by hand: it has no label of localrun"
    if made_for != image.fingerprint:
        return f"{image.name} was made for another definition, says its label"
    if not _read_artifact(facts):
        return f"the labels of {image.name} cannot be read"
    theirs = facts.labels.get("localrun.lock_sha256", "")
    if lock_hash and theirs and theirs != lock_hash:
        return f"the versions of the local environment are others than those in {image.name}"
    return ""


def _read_artifact(facts: ImageFacts) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(facts.labels.get("localrun.artifact", "{}"))
        return found if {"python", "prefix", "path", "variables", "site_packages"} <= found.keys() else {}
    except (ValueError, AttributeError):
        return {}


def describe_artifact(plan: EnvironmentPlan, facts: ImageFacts) -> Artifact:
    """Give what can be run in: paths are those inside."""
    from localrun.resolve.image import is_plain_image

    digest = next((name.rpartition("@")[2] for name in facts.digests if not name.startswith("<none>")), "")
    if is_plain_image(plan):
        return Artifact(kind="image", python=plan.interpreter, image=facts.id, image_digest=digest)
    found = _read_artifact(facts)
    return Artifact(
        kind="image",
        python=str(found["python"] or plan.interpreter),
        prefix=str(found["prefix"]),
        path=tuple(found["path"]),
        variables=tuple((dict(found["variables"]) | dict(plan.variables)).items()),
        site_packages=tuple(found["site_packages"]),
        image=facts.id,
        image_digest=digest,
    )
