"""What dead builders left: removed by the next one, who makes nothing of what an engine cannot remove."""

from __future__ import annotations

import pytest

from localrun.adapters.containers import remove_image
from localrun.adapters.engine_errors import EngineRefused
from localrun.environments.image_leftovers import MAKER, PREFIX, name_maker, remove_leftovers

DEAD = "4194304-1-00000000"


class Endpoint:
    """An engine on this machine."""

    remote = False


class Engine:
    """Answers as an engine that cannot remove some of what it has."""

    endpoint = Endpoint()

    def __init__(self, makers, stuck=(), vanishing=()):
        self.images = {f"sha256:{number}": maker for number, maker in enumerate(makers)}
        self.containers = {f"c{number}": maker for number, maker in enumerate(makers)}
        self.stuck = stuck
        self.vanishing = vanishing

    def ask(self, method, path, **_):
        kind, _, name = path.strip("/").partition("/")
        name = name.removesuffix("/json")
        if path == "/containers/json":
            return [{"Id": one, "Names": [f"/{PREFIX}{maker}_1"]} for one, maker in self.containers.items()]
        if path == "/images/json":
            return [{"Id": one, "Labels": {MAKER: maker}} for one, maker in self.images.items()]
        there = getattr(self, kind)
        if method == "GET" and name in there:
            return {"Id": name}
        if name in self.vanishing:
            there.pop(name, None)
        if method == "DELETE" and name in (*self.stuck, *self.vanishing):
            raise EngineRefused("cannot", status=500, reason="cannot")
        if there.pop(name, None) is None:
            raise EngineRefused("no such thing", status=404, reason="no such thing")
        return None


def test_what_dead_builders_left_is_removed_and_what_living_ones_use_is_not():
    engine = Engine([DEAD, name_maker(), "somebody"])
    assert remove_leftovers(engine) == 1
    assert list(engine.images) == ["sha256:1", "sha256:2"]
    assert list(engine.containers) == ["c1", "c2"]


def test_what_cannot_be_removed_is_passed_over():
    engine = Engine([DEAD, DEAD, DEAD], stuck=("sha256:0", "c1"))
    assert remove_leftovers(engine) == 2
    assert list(engine.images) == ["sha256:0"]
    assert list(engine.containers) == ["c1"]


def test_an_image_that_went_while_it_was_removed_has_gone():
    engine = Engine([DEAD, DEAD], stuck=("sha256:1",), vanishing=("sha256:0",))
    assert not remove_image(engine, "sha256:0")
    assert not remove_image(engine, "sha256:0")
    with pytest.raises(EngineRefused, match="cannot"):
        remove_image(engine, "sha256:1")
