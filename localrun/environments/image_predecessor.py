"""An image to begin with: one on the same conda layer whose pip packages are all among those that are wanted now.

Adding one package to an environment then installs one package. What comes out is what a beginning from the conda layer
would give: the requirements are resolved as if nothing were there, and when anything that is there would not be there
so (`localrun.adapters.check_contained` looks), the image is made from the conda layer.
"""

from __future__ import annotations

import hashlib
import json
import re

from localrun import __version__
from localrun.environments.image_labels import IMAGES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from localrun.plan import EnvironmentPlan

MOST_STEPS = 16
"""So many images may stand on one another: every one is a layer more, and engines take 125."""
_PLAIN = re.compile(r"[A-Za-z0-9][\w.-]*\s*(\[[\w\s.,-]*\])?\s*([(<>=!~][\w\s.,<>=!~*+()-]*)?(;[^#@]*)?")
"""A requirement by name and version (PEP 508): neither an option nor an address, nor a path of this machine."""


def describe_requirements(plan: EnvironmentPlan, steps: int) -> dict[str, str]:
    """Give the labels by which an image is found to begin with.

    Args:
        plan: The image's plan.
        steps: How many images with pip packages it stands on.

    Returns:
        `localrun.requirements`, a digest for each requirement line, none when nothing should begin with this image;
        and `localrun.steps`.
    """
    return {"localrun.requirements": json.dumps(_digest(plan)), "localrun.steps": str(steps)}


def choose_predecessor(
    plan: EnvironmentPlan, layer: str, images: Iterable[Mapping[str, Any]]
) -> tuple[str, int] | None:
    """Choose the image to begin with.

    Args:
        plan: The plan of the image that is made.
        layer: The key of its conda layer.
        images: What the engine has, as the Engine API lists it.

    Returns:
        Its id, and how many images with pip packages it stands on; None when there is none.
    """
    wanted = set(_digest(plan))
    found: list[tuple[int, int, str, int]] = []
    for image in images if wanted else ():
        labels = image.get("Labels") or {}
        there, steps = _read(labels)
        same = labels.get("localrun.layer") == layer and labels.get("localrun.version") == __version__
        if same and _is_own(image, labels) and there and wanted.issuperset(there) and steps < MOST_STEPS:
            found.append((len(there), int(image.get("Created") or 0), str(image["Id"]), steps))
    return max(found)[2:] if found else None


def _is_own(image: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Tell whether localrun has made an image as it is: one that a Dockerfile makes of it inherits its labels."""
    name = f"{IMAGES}{labels.get('localrun.fingerprint', '')[:32]}:latest"
    return name in (image.get("RepoTags") or ())


def _digest(plan: EnvironmentPlan) -> Sequence[str]:
    lines = [line.strip() for line in plan.pip]
    if (plan.image and plan.image.spark) or not all(_PLAIN.fullmatch(line) for line in lines):
        return []
    return sorted(hashlib.sha256(line.encode()).hexdigest()[:16] for line in lines)


def _read(labels: Mapping[str, str]) -> tuple[list[str], int]:
    try:
        return list(json.loads(labels.get("localrun.requirements") or "[]")), int(labels.get("localrun.steps") or 0)
    except (ValueError, TypeError):
        return [], 0
