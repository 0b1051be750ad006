"""Removing the records of runs that are too old or too many, and what of snapshots no run needs."""

from __future__ import annotations

import os

from localrun.workspace import active, records
from localrun.workspace.home import folder_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def choose_runs(home: str, *, before: str, keep_last: int | None, say: Callable[[str], None]) -> list[str]:
    """Give the runs to remove, oldest first; none that is live is among them.

    Args:
        home: The workspace.
        before: Runs that started before this time (as records have it) are too old; empty for no limit.
        keep_last: So many of the newest stay, whatever their age; None: all that are not too old. Without `before`, all
            others go.
        say: Told when the database had to be made again.
    """
    chosen = []
    for number, row in enumerate(records.rows(home, say=say)):
        run_id, status, started_at = row[0], row[1], row[5]
        young = bool(before) and started_at >= before
        if young or status == "running" or (keep_last is not None and number < keep_last):
            continue
        if not active.is_live(home, run_id):
            chosen.append(run_id)
    return chosen[::-1]


def find_last_uses(home: str, say: Callable[[str], None]) -> dict[str, str]:
    """Give for the environment of each run, by name of its cache entry, when the last run with it started."""
    from localrun.workspace.run_files import read_all

    names = records.rows(home, say=say)
    found: dict[str, str] = {}
    for record in read_all(home, [row[0] for row in names if os.path.isdir(folder_of(home, row[0]))], say):
        name = ((record.get("plan") or {}).get("environment") or {}).get("name") or ""
        found[name] = max(found.get(name, ""), str(record.get("started_at") or ""))
    return found
