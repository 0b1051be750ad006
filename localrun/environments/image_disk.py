"""What the images that localrun made take in the engine, each layer counted once."""

from __future__ import annotations

from localrun.adapters.containers import find_image, list_images, list_layer_sizes
from localrun.adapters.image_facts import open_engine
from localrun.environments.image_labels import FINGERPRINT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from localrun.adapters.engine import Engine

LABELS = ("localrun.layer", FINGERPRINT)
"""Of the layers that images stand on, and of the images; what stands on a layer has both."""
SHORT_ID = len("sha256:") + 12


def measure_images(environ: Mapping[str, str]) -> list[dict[str, Any]]:
    """Measure the images that localrun made, with the images that they stand on.

    Args:
        environ: The caller's environment variables: they say which engine.

    Returns:
        For each image, the oldest first, `kind`, `name`, `bytes`, and `shared_bytes`: how many of them an earlier row
        has counted already.

    Raises:
        LocalrunError: no engine answers.
    """
    engine = open_engine(environ)
    try:
        found = {str(one["Id"]): one for label in LABELS for one in list_images(engine, label=label)}
        oldest_first = sorted(found.values(), key=lambda one: (int(one.get("Created") or 0), str(one["Id"])))
        return list(count_layers((_name(one), _list_layers(engine, str(one["Id"]))) for one in oldest_first))
    finally:
        engine.close()


def _name(image: Mapping[str, Any]) -> str:
    names = [name for name in image.get("RepoTags") or () if not name.startswith("<none>")]
    return str(names[0]) if names else str(image["Id"])[:SHORT_ID]


def _list_layers(engine: Engine, image: str) -> tuple[tuple[str, int], ...]:
    """Give id and size of each layer, the lowest first; nothing when the image has gone meanwhile."""
    facts = find_image(engine, image)
    sizes = list_layer_sizes(engine, image) if facts else ()
    if facts is None:
        return ()
    if len(sizes) != len(facts.layers):  # steps that only changed the configuration have no layer
        sizes = tuple([size for size in sizes if size])
    if len(sizes) != len(facts.layers):
        return ((" ".join(facts.layers), facts.size_bytes),)
    return tuple(zip(facts.layers, sizes, strict=True))


def count_layers(images: Iterable[tuple[str, tuple[tuple[str, int], ...]]]) -> Iterable[dict[str, Any]]:
    """Give the row of each image; a layer is the same where all below it are the same too.

    Args:
        images: For each its name, and id and size of each of its layers, the lowest first.
    """
    seen: set[str] = set()
    for name, layers in images:
        total = shared = 0
        chain = ""
        for layer, size in layers:
            chain += f" {layer}"
            total += size
            shared += size if chain in seen else 0
            seen.add(chain)
        if layers:
            yield {"kind": "image", "name": name, "bytes": total, "shared_bytes": shared}
