"""The workspace as every command meets it: opened, swept, its runs found by what the user calls them."""

from __future__ import annotations

import os

from localrun.cli.show import tell
from localrun.workspace import home as homes
from localrun.workspace import recover


def open_workspace() -> str:
    """Give the workspace folder, after ending and recording what is left of runs whose supervisor died.

    Raises:
        LocalrunError: it cannot be used.
    """
    home = homes.open_home(os.environ)
    recover.sweep(home, tell)
    return home


def find_runs(home: str, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Give the ids of the runs that are meant, each once, in order; none is touched when one is unknown.

    Raises:
        RunNotFound: one is unknown.
    """
    from localrun.workspace import records

    return tuple(dict.fromkeys([records.find(home, text) for text in texts]))
