"""Progress while an environment is made: one changing line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys

from localrun.environments.settings import say_once
from localrun.escaping import escape
from localrun.workspace.home import tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from localrun.environments.settings import Progress


@contextlib.contextmanager
def show_progress(*, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """Give the function that takes each piece of progress.

    Args:
        quiet: Show nothing.
    """
    if quiet:
        yield _pass_over
    elif _is_terminal():
        yield from _show_on_terminal()
    else:
        yield say_once(tell)


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _pass_over(_: Progress) -> None:
    return


def _show_on_terminal() -> Iterator[Callable[[Progress], None]]:
    """Show the present state with rich, which is imported when there is something to show."""
    shown: list[Live] = []

    def show(progress: Progress) -> None:
        if not shown:
            shown.append(Live())
        shown[0].show(progress)

    try:
        yield show
    finally:
        for live in shown:
            live.close()


class Live:
    """One changing line of a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.status import Status

        self._status = Status("", console=Console(stderr=True, highlight=False))
        self._status.start()

    def show(self, progress: Progress) -> None:
        """Show where things stand."""
        from rich.markup import escape as keep_brackets

        count = ""
        if progress.total and progress.unit == "bytes":
            count = f"  {progress.done / 1e6:.1f} of {progress.total / 1e6:.1f} MB"
        elif progress.total:
            count = f"  {progress.done} of {progress.total} {progress.unit}"
        self._status.update(keep_brackets(escape(progress.text)) + count)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._status.stop()
