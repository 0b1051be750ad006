"""What the tests of runs in containers share."""

from __future__ import annotations

import json

from run_kit import Driver


class Contained(Driver):
    """Runs `localrun` commands whose runs are in containers.

    Attributes:
        image: The image.
        engine: Whose containers they are.
    """

    def __init__(self, home, source, engine, image):
        super().__init__(home, source)
        self.engine = engine
        self.image = image

    def start(self, *words, env=None, plain=False, **options):
        if words[:1] == ("run",) and not plain:
            words = ("run", "-t", "docker", "-E", f"image:{self.image}", *words[1:])
        return super().start(*words, env={**self.engine.environ, **(env or {})}, **options)

    def containers(self, run_id=None):
        """Give the ids of this workspace's containers, or of one run's."""
        labels = [f"label=localrun.owner={self.home}", *([f"label=localrun.run={run_id}"] if run_id else [])]
        return self.engine.containers(*labels)

    def networks(self):
        words = ("network", "ls", "-q", "--filter", f"label=localrun.owner={self.home}")
        return self.engine.docker(*words).split()

    def inspect(self, container):
        return json.loads(self.engine.docker("inspect", container))[0]
