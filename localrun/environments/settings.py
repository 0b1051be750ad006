"""How an environment is to be made, and what its making tells while it works."""

from __future__ import annotations

from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localrun.adapters.answers import Tell
    from localrun.adapters.docker_credentials import Credentials
    from localrun.workspace.versions import Versions


HARD_LINKS = "LOCALRUN_HARD_LINKS"
"""The environment variable that switches hard links on for every environment that is made."""


@value
class BuildSettings:
    """How an environment is to be made; nothing here changes what is in it.

    Attributes:
        offline: Use caches and local files only.
        lock_timeout_s: How long to wait for somebody else who makes or uses the same environment.
        run_id: Shown to those who wait for us.
        hard_links: Link files to the package caches instead of copying them: saves space, but an edit in one
            environment then shows in the cache and in every other environment.
        rebuild: Make it anew although it is there.
        keep: The container of a build that failed stays, to look into.
        registry: Where images are looked for before they are built, `host[:port][/prefix]`; empty for nowhere.
        account: Who we are to the registry of the base image, where the caller knows better than the plan and docker's
            own settings; its text form shows no secret.
        vendored: The absolute folder that has the packages of the plan's lock; nothing is taken from a network then.
            Empty for none.
        solution: The packages to make it of, where a rebuild was solved just now.
        no_progress_s: Give up on a channel or installer that shows no sign of life for so long.
    """

    offline: bool = False
    lock_timeout_s: float = 3600
    run_id: str = ""
    hard_links: bool = False
    rebuild: bool = False
    no_progress_s: float = 60
    keep: bool = False
    registry: str = ""
    account: Credentials | None = None
    vendored: str = ""
    solution: Versions | None = None


def wants_hard_links(settings: BuildSettings, environ: Mapping[str, str]) -> bool:
    """Tell whether the files of an environment are to be linked to the package caches, instead of cloned or copied."""
    return settings.hard_links or environ.get(HARD_LINKS, "") not in {"", "0"}


@value
class Progress:
    """One thing to tell the user while an environment is made.

    Attributes:
        stage: `lock`, `clean`, `solve`, `download`, `link`, `pip`, `bytecode`, `verify` or `done`; of images besides
            `pull`, `push` and `image`.
        text: A line for people.
        done: How much of `total` is done.
        total: 0 when nobody knows.
        unit: `packages`, `bytes`, or empty when nothing is counted.
    """

    stage: str
    text: str
    done: int = 0
    total: int = 0
    unit: str = ""


def make_tell(report: Callable[[Progress], None]) -> Tell:
    """Give the function by which an adapter tells how far it is, for one that takes progress."""

    def tell(stage: str, text: str, done: int = 0, total: int = 0, unit: str = "") -> None:
        report(Progress(stage=stage, text=text, done=done, total=total, unit=unit))

    return tell


def say_once(say: Callable[[str], None]) -> Callable[[Progress], None]:
    """Give the function that says each text of progress once: in a file, a line for every package helps nobody."""
    last = ""

    def report(progress: Progress) -> None:
        nonlocal last
        if progress.text != last:
            last = progress.text
            say(progress.text)

    return report
