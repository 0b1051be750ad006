"""What making images has left in the engine: conda layers that no image stands on any more, and uv's cache."""

from __future__ import annotations

from localrun.adapters.containers import list_images, remove_image, remove_volume
from localrun.adapters.image_facts import open_engine
from localrun.environments.image_container import VOLUME
from localrun.environments.image_labels import IMAGES, LAYERS
from localrun.environments.image_leftovers import MAKER, is_dead

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from localrun.adapters.engine import Engine


def prune_engine(environ: Mapping[str, str], *, dry_run: bool) -> list[str]:
    """Remove from the engine what no image needs, and give its names; each can be made again.

    Args:
        environ: The caller's environment variables: they say which engine.
        dry_run: Only tell what would be removed; whether uv's cache is there is not looked at.

    Raises:
        EngineUnavailable: no engine answers.
    """
    engine = open_engine(environ)
    try:
        names = list_unused_layers(engine)
        if dry_run:
            return [*names, VOLUME]
        removed = [name for name in names if remove_image(engine, name)]
        return [*removed, VOLUME] if remove_volume(engine, VOLUME) else removed
    finally:
        engine.close()


def list_unused_layers(engine: Engine) -> list[str]:
    """List the conda layers on which no image stands; one whose maker lives may get its image in a moment.

    Raises:
        LocalrunError: the engine does not answer.
    """
    used = {_read_label(one, "localrun.layer") for one in list_images(engine, reference=f"{IMAGES}*")}
    remote = engine.endpoint.remote
    return sorted(
        str(name)
        for one in list_images(engine, reference=f"{LAYERS}*")
        if _read_label(one, "localrun.layer") not in used and is_dead(_read_label(one, MAKER), remote=remote)
        for name in one.get("RepoTags") or ()
        if str(name).startswith(LAYERS)
    )


def _read_label(image: Mapping[str, Any], name: str) -> str:
    return str((image.get("Labels") or {}).get(name, ""))
