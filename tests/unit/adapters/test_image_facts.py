"""What many run configurations ask of one engine."""

from __future__ import annotations

from localrun.adapters.engine import EngineRefused
from localrun.adapters.image_facts import EngineFacts


class Engine:
    """Answers as an engine with one image, and counts."""

    def __init__(self):
        self.asked = []

    def ask(self, method, path, **_):
        self.asked.append(path)
        if path == "/version":
            return {"Os": "linux", "Arch": "arm64"}
        if path == "/images/here/json":
            return {"Id": "sha256:1"}
        raise EngineRefused("no such image", status=404, reason="no such image")


def test_every_question_is_asked_once():
    engine = Engine()
    known = EngineFacts(engine)
    for _ in range(3):
        assert (known.get_platform(), known.get_id("here"), known.get_id("gone")) == ("linux/arm64", "sha256:1", "")
    assert engine.asked == ["/version", "/images/here/json", "/images/gone/json"]
