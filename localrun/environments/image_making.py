"""The making of an image, as every step of it sees it."""

from __future__ import annotations

import os

from localrun.environments.settings import Progress
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.adapters.engine import Engine
    from localrun.environments.making import Build
    from localrun.plan import ImagePlan


@value
class Making:
    """What every step of one making needs.

    Attributes:
        engine: Where it happens.
        build: The making of the conda environment in it; its plan is that of the image.
        image: The image's plan.
    """

    engine: Engine
    build: Build
    image: ImagePlan

    def tell(self, stage: str, text: str) -> None:
        """Tell the user, and the log."""
        self.log(text)
        self.build.report(Progress(stage=stage, text=text))

    def log(self, text: str) -> None:
        """Write a line into the log."""
        os.write(self.build.log, f"{text}\n".encode("utf-8", "replace"))
