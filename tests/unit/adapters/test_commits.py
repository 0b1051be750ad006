"""What an engine makes of a container."""

from __future__ import annotations

import pytest

from localrun.adapters.containers import commit_container
from localrun.adapters.engine_endpoints import Endpoint
from localrun.errors import LocalrunError

SETTINGS = {"Labels": {"made": "here"}}


class Engine:
    """Answers as Podman does, whose ids have no `sha256:` in front."""

    endpoint = Endpoint(url="unix:///run/podman/podman.sock")

    def __init__(self, labels):
        self.labels = labels
        self.removed = []

    def ask(self, method, path, **_):
        if method == "DELETE":
            self.removed.append(path)
        if path == "/commit":
            return {"Id": "ab12"}
        return {"Id": "sha256:ab12", "Config": {"Labels": self.labels}}


def test_id_of_an_image_is_the_same_whoever_made_it():
    assert commit_container(Engine({"made": "here", "more": ""}), "one", SETTINGS, comment="") == "sha256:ab12"


def test_engine_that_does_not_keep_what_it_is_told_is_named_and_keeps_no_image():
    engine = Engine({"io.buildah.version": "1.28.2"})
    with pytest.raises(LocalrunError, match="other settings than it is told") as told:
        commit_container(engine, "one", SETTINGS, comment="")
    assert told.value.code == "docker_too_old"
    assert engine.removed == ["/images/ab12"]
