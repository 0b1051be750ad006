"""The making of an environment, as every step of it sees it, and what an earlier making has resolved to."""

from __future__ import annotations

import json

from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from localrun.environments.places import Places
    from localrun.environments.settings import BuildSettings, Progress
    from localrun.plan import EnvironmentPlan

CONDA_FIELDS = ("name", "version", "build", "channel", "url", "sha256", "md5")
"""What is kept of each conda package of a making."""


@value
class Build:
    """What every step of one making needs.

    Attributes:
        plan: What is wanted.
        places: Where it goes.
        settings: How.
        report: Told what happens.
        log: A descriptor of its log.
        keep: Descriptors of the locks, which every child inherits: nobody takes over while one of them lives.
        lock: What an earlier making of the same definition resolved to, as in `versions.json`; empty for nothing.
        solve_only: Nothing is to be linked.
        layer: For an image, what the installer has to know of it (`rattler_install`); else None.
    """

    plan: EnvironmentPlan
    places: Places
    settings: BuildSettings
    report: Callable[[Progress], None]
    log: int
    keep: tuple[int, ...]
    lock: dict[str, Any]
    layer: dict[str, Any] | None = None
    solve_only: bool = False


def read_lock(places: Places) -> dict[str, Any]:
    """Give what an earlier making of the same definition, here or in an image, resolved to; empty for none.

    Both targets hold the same builds this way, and an unpinned package keeps the version of the first making.
    """
    try:
        with open(places.versions, encoding="utf-8") as file:
            found: dict[str, Any] = json.load(file)
        return found if all(one["name"] and one["version"] for one in (*found["conda"], *found["pip"])) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
