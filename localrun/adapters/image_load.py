"""A layer put on an image that an engine has, as one upload in the form of `docker save`: the new layer, and its image.

The engine skips each layer that it has, known by the ids in the configuration, without opening its file; so the archive
holds the new one alone (moby, image/tarexport/load.go). Compared with files unpacked into a container and a commit,
each is written once, and there is no container to be removed. Engines with containerd's store, and Podman, want all
layers.
"""

from __future__ import annotations

import hashlib
import json
import time

from localrun.adapters.archives import Member, measure_archive, write_archive, write_file_head
from localrun.adapters.docker_registry import StreamFailed, read_events
from localrun.adapters.engine_errors import EngineRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from localrun.adapters.engine import Engine

    Said = Mapping[str, Any]
    """What an engine answers, decoded: an image as of `GET /images/{name}/json`, a step as of `…/history`."""

DRIVERS = frozenset({"aufs", "btrfs", "fuse-overlayfs", "overlay2", "vfs", "zfs"})
"""Docker's own stores, as `GET /info` names them. Podman's is `overlay`, containerd's `overlayfs`."""
SILENCE_S = 3600
_LAYER = "layer.tar"


def can_load_layers(engine: Engine) -> bool:
    """Tell whether an engine takes an image of which it is sent only the new layer.

    Raises:
        LocalrunError: the engine does not answer.
    """
    facts = engine.ask("GET", "/info")
    status = dict(pair for pair in facts.get("DriverStatus") or () if len(pair) == 2)  # noqa: PLR2004 - name and value
    return facts.get("Driver") in DRIVERS and "snapshotter" not in status.get("driver-type", "")


def load_layer(
    engine: Engine, base: str, members: tuple[Member, ...], settings: Mapping[str, object], *, comment: str
) -> str:
    """Make an image without a name of an image and one layer on it, and give its id.

    Args:
        engine: One that `can_load_layers`.
        base: The image below.
        members: What is in the layer.
        settings: Changes of the configuration: `Labels` are added, all others replaced.
        comment: For the image's history.

    Raises:
        EngineRefused: the engine cannot take it.
        EngineLost: the engine has gone.
        StoreFailed: a file cannot be read.
    """
    facts = engine.ask("GET", f"/images/{base}/json")
    history = engine.ask("GET", f"/images/{base}/history")
    told: list[str] = []
    pieces = engine.stream(
        "POST",
        "/images/load",
        query={"quiet": True},
        upload=_write_image(facts, history, members, settings, comment, told),
        headers={"Content-Type": "application/x-tar"},
        timeout_s=SILENCE_S,
        silence_s=SILENCE_S,
    )
    try:
        for _ in read_events(pieces):
            pass
    except StreamFailed as error:
        raise EngineRefused("the engine did not take the image", status=500, reason=error.reason) from None
    finally:
        pieces.close()
    return told[0]


def _write_image(
    facts: Said,
    history: list[Said],
    members: tuple[Member, ...],
    settings: Mapping[str, object],
    comment: str,
    told: list[str],
) -> Iterator[bytes]:
    """Give the archive, the layer first: its id, which the configuration names, is known when it has been sent."""
    digest = hashlib.sha256()
    yield write_file_head(_LAYER, measure_archive(members))  # full blocks, so that nothing has to fill it up
    for piece in write_archive(members):
        digest.update(piece)
        yield piece
    layers = list((facts.get("RootFS") or {}).get("Layers") or ())
    document = _configure(facts, history, settings, comment)
    document["rootfs"] = {"type": "layers", "diff_ids": [*layers, f"sha256:{digest.hexdigest()}"]}
    data = json.dumps(document, separators=(",", ":")).encode()
    name = hashlib.sha256(data).hexdigest()
    told.append(f"sha256:{name}")
    files = [f"{number}.tar" for number in range(len(layers))]  # in the engine already: there are no such files
    manifest = [{"Config": f"{name}.json", "RepoTags": None, "Layers": [*files, _LAYER]}]
    ends = (
        Member(name=f"{name}.json", content=data),
        Member(name="manifest.json", content=json.dumps(manifest).encode()),
    )
    yield from write_archive(ends)


def _configure(facts: Said, history: list[Said], settings: Mapping[str, object], comment: str) -> dict[str, object]:
    """Give the image's configuration but for its layers (OCI image specification, "Image Configuration")."""
    known = facts.get("Config") or {}
    added = settings.get("Labels")
    labels = {**(known.get("Labels") or {}), **(added if isinstance(added, dict) else {})}
    variant = {"variant": facts["Variant"]} if facts.get("Variant") else {}
    now = _write_time(time.time())
    return {
        "architecture": facts["Architecture"],
        "os": facts["Os"],
        **variant,
        "config": {**known, **settings, "Labels": labels},
        "created": now,
        "history": [*_describe_layers(facts, history), {"created": now, "comment": comment}],
    }


def _write_time(epoch_s: float) -> str:
    from datetime import datetime, timezone

    return datetime.fromtimestamp(epoch_s, timezone.utc).isoformat().replace("+00:00", "Z")


def _describe_layers(facts: Said, history: list[Said]) -> list[dict[str, object]]:
    """Give the history of an image: as it was where its steps tell which made a layer, else one line a layer."""
    count = len((facts.get("RootFS") or {}).get("Layers") or ())
    full = sum(1 for step in history if step.get("Size"))
    if full != count:
        return [{"created": facts.get("Created") or "1970-01-01T00:00:00Z"} for _ in range(count)]
    return [
        {
            "created": _write_time(int(step.get("Created") or 0)),
            "created_by": str(step.get("CreatedBy") or ""),
            "comment": str(step.get("Comment") or ""),
        }
        | ({} if step.get("Size") else {"empty_layer": True})
        for step in reversed(history)
    ]
