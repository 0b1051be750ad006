"""Where the making of an image works and what it leaves in the workspace."""

from __future__ import annotations

import hashlib
import os

from localrun.environments.places import Places, find_places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.plan import EnvironmentPlan


def find_last(home: str, plan: EnvironmentPlan) -> str:
    """Give the file that names the image which was last made for an environment of this label."""
    label = hashlib.sha256(plan.label.encode(errors="surrogateescape")).hexdigest()[:32]
    return os.path.join(home, "environments", "images", f"last_{label}.json")


def find_image_places(home: str, plan: EnvironmentPlan) -> Places:
    """Give the places of the image of a plan in the workspace `home`.

    `conda_lock` and `versions` are those of the local environment of the same definition.
    """
    image = plan.image
    name = image.name.rpartition("/")[2] if image and image.fingerprint else "unknown"
    stem = os.path.join(home, "environments", "images", name)
    shared = find_places(home, plan.name or f"image_{name}")
    return Places(
        home=home,
        prefix=os.path.join(f"{stem}.work", "prefix"),
        record=f"{stem}.ok",
        lock=os.path.join(home, "locks", f"image_{name}.lock"),
        conda_lock=shared.conda_lock,
        log=f"{stem}.log",
        manifest=f"{stem}.manifest",
        versions=shared.versions,
        work=f"{stem}.work",
    )
