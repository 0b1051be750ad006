"""A layer put on an image, as one upload."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile

import pytest

from localrun.adapters.archives import Member
from localrun.adapters.engine_errors import EngineRefused
from localrun.adapters.image_load import can_load_layers, load_layer

BASE = {
    "Architecture": "arm64",
    "Variant": "v8",
    "Os": "linux",
    "Created": "2020-01-01T00:00:00Z",
    "Config": {"Cmd": ["old"], "WorkingDir": "/srv", "Labels": {"of": "theirs"}},
    "RootFS": {"Layers": ["sha256:aa", "sha256:bb"]},
}
HISTORY = [
    {"Created": 3, "CreatedBy": "ENV a=b", "Size": 0},
    {"Created": 2, "CreatedBy": "RUN two", "Size": 7},
    {"Created": 1, "CreatedBy": "RUN one", "Size": 9},
]


class Engine:
    """Answers as an engine does, and keeps what it was sent."""

    def __init__(self, history=(), said=b'{"stream":"Loaded"}\n', info=None):
        self.history, self.said, self.info = list(history), said, info

    def ask(self, _method, path):
        return self.info if path == "/info" else self.history if path.endswith("/history") else BASE

    def stream(self, _method, _path, *, upload, **_):
        self.sent = b"".join(upload)
        yield self.said


def load(engine):
    members = (Member(name="top", kind="folder", mode=0o755), Member(name="top/file", content=b"x" * 700))
    settings = {"Cmd": ["new"], "Labels": {"ours": "1"}}
    made = load_layer(engine, "sha256:base", members, settings, comment="a layer")
    with tarfile.open(fileobj=io.BytesIO(engine.sent)) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive}
    (manifest,) = json.loads(files["manifest.json"])
    return made, files, manifest, json.loads(files[manifest["Config"]])


def test_only_the_new_layer_is_sent():
    made, files, manifest, document = load(Engine(HISTORY))
    layer = files["layer.tar"]
    assert manifest["Layers"] == ["0.tar", "1.tar", "layer.tar"]
    assert files.keys() == {"layer.tar", "manifest.json", manifest["Config"]}
    assert document["rootfs"]["diff_ids"] == ["sha256:aa", "sha256:bb", f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    assert made == f"sha256:{hashlib.sha256(files[manifest['Config']]).hexdigest()}"
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        assert archive.getnames() == ["top", "top/file"]


def test_what_the_base_says_stays():
    *_, document = load(Engine(HISTORY))
    assert (document["architecture"], document["variant"], document["os"]) == ("arm64", "v8", "linux")
    assert document["config"] == {"Cmd": ["new"], "WorkingDir": "/srv", "Labels": {"of": "theirs", "ours": "1"}}
    steps = [(step.get("created_by", step["comment"]), step.get("empty_layer", False)) for step in document["history"]]
    assert steps == [("RUN one", False), ("RUN two", False), ("ENV a=b", True), ("a layer", False)]


def test_history_that_does_not_tell_the_layers_is_left_out():
    *_, document = load(Engine(HISTORY[1:2]))
    assert len(document["history"]) == 3
    assert not any("empty_layer" in step for step in document["history"])


def test_what_the_engine_says_is_told():
    with pytest.raises(EngineRefused) as caught:
        load(Engine(HISTORY, said=b'{"errorDetail":{"message":"no space left on device"}}\n'))
    assert caught.value.reason == "no space left on device"


@pytest.mark.parametrize(
    ("driver", "status", "can"),
    [
        ("overlay2", [["Backing Filesystem", "extfs"]], True),
        ("overlayfs", [["driver-type", "io.containerd.snapshotter.v1"]], False),
        ("overlay2", [["driver-type", "io.containerd.snapshotter.v1"]], False),
        ("overlay", None, False),
    ],
)
def test_only_engines_with_docker_s_own_store_take_one_layer(driver, status, can):
    assert can_load_layers(Engine(info={"Driver": driver, "DriverStatus": status})) == can
