"""The making of an environment, as every step of it sees it, and what an earlier making has resolved to."""

from __future__ import annotations

from localrun.values import value
from localrun.workspace.versions import read_versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from localrun.environments.places import Places
    from localrun.environments.settings import BuildSettings, Progress
    from localrun.plan import EnvironmentPlan
    from localrun.workspace.versions import Versions


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
        lock: What an earlier making of the same definition resolved to; empty for nothing.
        solve_only: Nothing is to be linked.
        layer: For an image, what the installer has to know of it (`rattler_install`); else None.
    """

    plan: EnvironmentPlan
    places: Places
    settings: BuildSettings
    report: Callable[[Progress], None]
    log: int
    keep: tuple[int, ...]
    lock: Versions
    layer: dict[str, Any] | None = None
    solve_only: bool = False


def read_lock(places: Places) -> Versions:
    """Give what an earlier making of the same definition, here or in an image, resolved to; empty for none.

    Both targets hold the same builds this way, and an unpinned package keeps the version of the first making.
    """
    return read_versions(places.versions)
