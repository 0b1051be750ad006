"""The folder of a run, as every target fills it: snapshot, working directories, inputs, outputs."""

from __future__ import annotations

import os

from localrun.plan import SourcePlan
from localrun.supervise.room import keep_room
from localrun.workspace.home import locate_working
from localrun.workspace.mlflow_store import make_store
from localrun.workspace.snapshot import copy_entries, list_source
from localrun.workspace.snapshot_store import keep_snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from localrun.plan import InputPlan, Plan
    from localrun.workspace.snapshot_store import Entry, Kept

FOLDERS = ("user_logs", "named-outputs")
"""What every run's folder holds from the start."""
SHARED = ("outputs", "logs")
"""Folders of the working directory that belong to the record, whichever node writes there."""


def place_snapshot(plan: Plan, entries: tuple[Entry, ...], folder: str, home: str = "") -> Kept | None:
    """Fill a new run's folder with what nodes share: snapshot, downloaded inputs, empty outputs, MLflow's store.

    Args:
        plan: The plan.
        entries: The files of the source.
        folder: The run's folder.
        home: The workspace; empty: the one that `folder` is in.

    Returns:
        The snapshot; None for a run in place.

    Raises:
        BadInput: something cannot be copied.
        OSError: there is no room.
    """
    keep_room(folder)
    for name in FOLDERS:
        os.mkdir(os.path.join(folder, name), 0o700)
    kept = (
        None if plan.source.in_place else keep_snapshot(home or _find_home(folder), folder, _find_root(plan), entries)
    )
    _place_assets(plan, folder)
    make_store(dict(plan.variables), folder)
    return kept


def _find_home(folder: str) -> str:
    return os.path.dirname(os.path.dirname(folder))


def _find_root(plan: Plan) -> str:
    """Give the folder that the entries of a source are relative to."""
    return os.path.dirname(plan.source.file) if plan.source.file else plan.source.directory


def note_skipped(entries: tuple[Entry, ...]) -> tuple[str, ...]:
    """Give a note that names what of the source cannot be in a snapshot, if there is such a thing."""
    skipped = [entry.path for entry in entries if entry.kind == "skipped"]
    if not skipped:
        return ()
    more = f" and {len(skipped) - 3} more" if len(skipped) > 3 else ""  # noqa: PLR2004 - three examples are enough
    return (f"not in the snapshot, being neither files nor folders: {', '.join(skipped[:3])}{more}",)


def make_node(
    plan: Plan,
    entries: tuple[Entry, ...],
    folder: str,
    node: int,
    rewrite: tuple[bytes, bytes] | None = None,
    kept: Kept | None = None,
) -> str:
    """Make a node's working directory and give its path.

    Args:
        plan: The plan.
        entries: The files of the source.
        folder: The run's folder.
        node: The node's index.
        rewrite: As `localrun.workspace.snapshot.copy_entries` takes it.
        kept: From `place_snapshot`.

    Raises:
        OSError: there is no room.
    """
    if plan.source.in_place:
        directory = plan.source.directory
    else:
        directory = locate_working(folder, node)
        os.makedirs(directory)
        mine = [entry for entry in entries if node == 0 or entry.path.partition("/")[0] not in SHARED]
        copy_entries(_find_root(plan), tuple(mine), directory, rewrite, kept=kept)
    os.makedirs(os.path.join(folder, f"node-{node}"), exist_ok=True)
    for name in SHARED:
        place = os.path.join(directory, name)
        if node == 0:
            os.makedirs(place, exist_ok=True)
            os.symlink(place, os.path.join(folder, name))
        elif not plan.source.in_place:
            os.symlink(os.path.join(folder, name), place)
    if not plan.source.in_place and not os.path.lexists(os.path.join(directory, "user_logs")):
        os.symlink(os.path.join(folder, "user_logs"), os.path.join(directory, "user_logs"))
    return directory


def _place_assets(plan: Plan, folder: str) -> None:
    for output in plan.outputs:
        if not output.is_file:
            os.mkdir(os.path.join(folder, output.path))
    for item in plan.inputs:
        if item.copied:
            copy_input(item, os.path.join(folder, "inputs", item.name))


def copy_input(item: InputPlan, target: str) -> None:
    """Copy an input of mode `download` into a new folder of the run's own.

    Raises:
        BadInput: a part of it cannot be read.
        StoreFailed: there is no room.
    """
    os.makedirs(target)
    if os.path.isdir(item.path):
        source = SourcePlan(directory=item.path, limited=False, ignoring=False)
    else:
        source = SourcePlan(file=item.path, limited=False)
    root = item.path if source.directory else os.path.dirname(item.path)
    copy_entries(root, list_source(source), target)


def fill_tokens(text: str, tokens: Mapping[str, str]) -> str:
    """Put what is known of a run in the place of the tokens in a text."""
    for token, known in tokens.items():
        if token in text:
            text = text.replace(token, known)
    return text
