"""Whether the names of a plan still stand for the images that it was made with: the first thing a warm run asks."""

from __future__ import annotations

import os

from localrun.adapters.engine import Engine, find_endpoint
from localrun.adapters.engine_containers import begin_inspect_image
from localrun.adapters.engine_http import quote
from localrun.errors import LocalrunError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from localrun.adapters.engine_containers import Pending
    from localrun.plan import Artifact, Plan


def is_still(plan: Plan, artifact: Artifact, environ: Mapping[str, str]) -> bool:
    """Tell whether the names of a plan still stand for the images that it was made with.

    Raises:
        LocalrunError: there is no engine.
    """
    image = plan.environment.image
    if image is None or image.pull == "always":
        return False
    engine = Engine(find_endpoint(environ, os.path.expanduser("~")))
    known = [(image.name, artifact.image)]
    if image.base_id and image.base != image.name:
        from localrun.resolve.image import list_bases

        known += zip(list_bases(image), image.base_id.split(","), strict=False)
    asked = [(begin_inspect_image(engine, quote(name, "/:@")), one) for name, one in known]
    import localrun.targets.docker  # noqa: F401 - what makes the containers is loaded while the engine looks

    answers = [(_read_id(pending), one) for pending, one in asked]
    return all(found == one for found, one in answers)


def _read_id(pending: Pending) -> str:
    """Give the id of an image that was asked for; empty when the engine does not say: the long way tells why."""
    try:
        return str(pending.take(10)["Id"])
    except LocalrunError:
        return ""
