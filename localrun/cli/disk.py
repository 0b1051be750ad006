"""`localrun df` and `localrun prune`: what the workspace takes, and less of it."""

from __future__ import annotations

import os
import re
import time

import click

from localrun.cli import show
from localrun.cli.arguments import FORMAT, Number
from localrun.cli.workspace import open_workspace
from localrun.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
LOCK_S = 600
LONGEST_S = 10**9


@click.command()
@FORMAT
def df(form: str) -> None:
    """Show what the workspace takes on the disk: packages, environments, snapshots, runs; each byte counted once.

    And the images of localrun's in the engine, if one answers. As JSON: `home`, `free_bytes`, `clones`, `hard_links`,
    `total_bytes`, `rows` and `images` with `kind`, `name`, `bytes`, `shared_bytes` (counted in an earlier row already),
    `images_bytes`, and `engine`: why there are no images, else empty.
    """
    from localrun.workspace.disk import measure_disk

    found = measure_disk(open_workspace()) | _measure_images()
    if form == "json":
        show.write(show.document(found))
        return
    columns = [("KIND",), ("NAME",), ("SIZE",), ("SHARED",)]
    rows = [
        (row["kind"], row["name"], size_text(row["bytes"]), size_text(row["shared_bytes"]))
        for row in (*found["rows"], *found["images"])
    ]
    cells = [(*head, *(row[number] for row in rows)) for number, head in enumerate(columns)]
    show.write(show.table(cells) + "".join(f"{line}\n" for line in describe_disk(found, os.environ)))


def _measure_images() -> dict[str, Any]:
    from localrun.environments.image_disk import measure_images
    from localrun.errors import LocalrunError

    try:
        images, why = measure_images(os.environ), ""
    except LocalrunError as error:
        images, why = [], error.message
    return {"images": images, "images_bytes": sum(row["bytes"] - row["shared_bytes"] for row in images), "engine": why}


def describe_disk(found: dict[str, Any], environ: Mapping[str, str]) -> list[str]:
    """Give the lines below the table: what all of it takes, and whether environments share their packages."""
    from localrun.environments.settings import HARD_LINKS, BuildSettings, wants_hard_links
    from localrun.escaping import escape

    clones = "its file system shares blocks between copies: less is taken than is shown"
    if not found["clones"]:
        clones = "its file system does not share blocks between copies, so each environment takes its whole size"
        if wants_hard_links(BuildSettings(), environ):
            clones = "hard links are on: new environments share the files of packages"
        if not found["hard_links"]:
            clones += "; nor does it know hard links"
        elif not wants_hard_links(BuildSettings(), environ):
            clones += f"; {HARD_LINKS}=1 lets them share files, and whoever edits one edits it for all"
    lines = [f"{size_text(found['total_bytes'])} in all, {size_text(found['free_bytes'])} free", clones]
    if found["engine"]:
        return [*lines, f"images are not shown: {escape(found['engine'])}"]
    return [*lines, f"{size_text(found['images_bytes'])} of images in the engine"] if found["images"] else lines


@click.command()
@click.option("--older-than", default="", metavar="AGE", help="Only what was not used for AGE (30d, 12h); runs too.")
@click.option("--keep-last", type=Number(), metavar="N", help="Remove all runs but the newest N.")
@click.option("--images", is_flag=True, help="In the engine too: layers that no image stands on, and uv's cache.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed; remove nothing.")
@FORMAT
def prune(*, older_than: str, keep_last: int | None, images: bool, dry_run: bool, form: str) -> None:
    """Remove cached environments and packages, which can be made again, and what of snapshots no run needs.

    Runs are removed only when --older-than or --keep-last says which. What a running run uses stays. As JSON: `runs`,
    `environments`, `in_use` (lists of names), `packages` (whether they were removed), `engine` (names of layers and
    of the volume, with --images), `freed_bytes` (of the workspace), `dry_run`.
    """
    from localrun.workspace.disk import measure_disk
    from localrun.workspace.locks import exclusive

    home = open_workspace()
    age_s = read_age(older_than) if older_than else 0
    lock = os.path.join(home, "locks", "prune.lock")
    os.makedirs(os.path.dirname(lock), mode=0o700, exist_ok=True)
    with exclusive(lock, timeout_s=LOCK_S, who="localrun prune", report=show.tell):
        before = measure_disk(home)["total_bytes"]
        found = _choose(home, age_s, keep_last)
        if not dry_run:
            _remove(home, found, everything=not age_s)
        found["engine"] = _prune_engine(dry_run=dry_run) if images else []
        found |= {"freed_bytes": max(0, before - measure_disk(home)["total_bytes"]), "dry_run": dry_run}
    show.write(show.document(found) if form == "json" else _describe(found))


def read_age(text: str) -> float:
    """Give the seconds of an age such as `30d`, `12h`, `90m`.

    Raises:
        BadInput: it is none.
    """
    found = re.fullmatch(r"([0-9]{1,9})([smhdw])", text)
    seconds = int(found[1]) * UNITS[found[2]] if found else 0
    if not 0 < seconds <= LONGEST_S:
        raise BadInput(f"{text!r} is not an age", key="--older-than", hint="write 30d, 12h or 90m")
    return seconds


def _choose(home: str, age_s: float, keep_last: int | None) -> dict[str, Any]:
    from localrun.environments import prune as caches
    from localrun.workspace.prune import choose_runs, find_last_uses
    from localrun.workspace.records import timestamp

    before = timestamp(time.time() - age_s) if age_s else ""
    chosen = age_s or keep_last is not None
    runs = choose_runs(home, before=before, keep_last=keep_last, say=show.tell) if chosen else []
    names = caches.list_environments(home)
    if age_s:
        uses = find_last_uses(home, show.tell)
        made = {name: timestamp(caches.get_time(home, name)) for name in names}
        names = [name for name in names if max(uses.get(name, ""), made[name]) < before]
    used = [name for name in names if caches.is_used(home, name)]
    free = [name for name in names if name not in used]
    return {"runs": runs, "environments": free, "in_use": used, "packages": not age_s}


def _remove(home: str, found: dict[str, Any], *, everything: bool) -> None:
    from localrun.environments import prune as caches
    from localrun.workspace import active, records, submitted
    from localrun.workspace.snapshot_store import collect

    for run_id in found["runs"]:
        if not active.is_live(home, run_id):
            records.remove(home, run_id, show.tell)
            submitted.remove(home, run_id)
    records.finish_removals(home)
    removed = [name for name in found["environments"] if caches.remove_unused(home, name)]
    found["in_use"] += [name for name in found["environments"] if name not in removed]
    found["environments"] = removed
    found["packages"] = everything and caches.empty_caches(home)
    collect(home)


def _prune_engine(*, dry_run: bool) -> list[str]:
    from localrun.environments.image_prune import prune_engine

    return prune_engine(os.environ, dry_run=dry_run)


def _describe(found: dict[str, Any]) -> str:
    from localrun.escaping import escape

    would = "would be removed" if found["dry_run"] else "removed"
    lines = [f"run {name} {would}" for name in found["runs"]]
    lines += [f"environment {name} {would}" for name in found["environments"]]
    lines += [f"environment {name} stays: it is in use" for name in found["in_use"]]
    lines += [f"{name} {would} from the engine" for name in found["engine"]]
    lines += [f"cached packages {would}"] if found["packages"] else []
    lines += [] if found["dry_run"] else [f"{size_text(found['freed_bytes'])} freed"]
    return "".join(f"{escape(line)}\n" for line in lines or ["there is nothing to remove"])


def size_text(count: int) -> str:
    """Give bytes as people read them: `12.3 MB`."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004 - as units go
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
