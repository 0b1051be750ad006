"""`localrun diff`: what two runs differ in."""

from __future__ import annotations

import os
import sys

import click

from localrun.cli import show
from localrun.cli.arguments import FORMAT
from localrun.cli.workspace import find_runs, open_workspace
from localrun.escaping import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from localrun.workspace.differences import Change

RED, GREEN, CYAN, BOLD, PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[36m", "\x1b[1m", "\x1b[0m"
COLOURS = {"-": RED, "+": GREEN, "@": CYAN}
"""Of the lines of a unified diff, by their first sign."""
HASH_DIGITS = 64


@click.command()
@FORMAT
@click.argument("before", metavar="RUN1")
@click.argument("after", metavar="RUN2")
def diff(form: str, before: str, after: str) -> None:
    """Show what RUN1 and RUN2 differ in: source, packages, image, variables, arguments, inputs, outputs and more.

    - is what RUN1 has, + what RUN2 has: name the older one first.

    As JSON: `before`, `after`, `same`, and for each of `source`, `environment`, `image`, `variables`, `arguments`,
    `settings`, `inputs`, `machine`, `timings`, `exit` and `outputs` a list of objects with `field`, `before`, `after`,
    of a changed text file `diff` besides. `same` does not count `machine` and `timings`. Values of variables that
    look like secrets are hidden.
    """
    from localrun.cli.show_plan import mask
    from localrun.workspace.differences import compare_runs
    from localrun.workspace.records import read_supported

    home = open_workspace()
    ids = [find_runs(home, (text,))[0] for text in (before, after)]
    old, new = (read_supported(home, run_id) for run_id in ids)
    if str(old.get("started_at")) > str(new.get("started_at")):
        show.tell(f"note: {ids[0]} is the later run: - is what it has, + what {ids[1]} had before")
    found = compare_runs(home, old, new, mask)
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    show.write(show.document(found) if form == "json" else describe(found, coloured=coloured))


def describe(found: dict[str, Any], *, coloured: bool = False) -> str:
    """Give the differences as lines for people, escaped."""
    from localrun.workspace.differences import SECTIONS

    lines = [f"- {found['before']}", f"+ {found['after']}"]
    for name in SECTIONS:
        if found[name]:
            lines += ["", name]
            lines += [line for change in found[name] for line in _describe_change(change)]
    if found["same"]:
        lines += ["", "Everything that makes the runs what they are is the same."]
    colour = _colour if coloured else _leave
    return "".join(f"{colour(escape(line))}\n" for line in lines)


def _describe_change(change: Change) -> list[str]:
    if "diff" in change:
        return str(change["diff"]).splitlines()
    before, after = change["before"], change["after"]
    if isinstance(before, list) and isinstance(after, list):
        gone = [f"- {_text(item)}" for item in before if item not in after]
        new = [f"+ {_text(item)}" for item in after if item not in before]
        return [f"  {change['field']}:{'' if gone or new else ' in another order'}", *gone, *new]
    return [f"  {change['field']}: {_text(before)} -> {_text(after)}"]


def _text(item: object) -> str:
    import json

    if item is None or item == "":
        return "nothing"
    if isinstance(item, float):
        return f"{item:.3f}"
    if not isinstance(item, str):
        return json.dumps(item, ensure_ascii=False)
    words = item.split(" ")
    return " ".join(word[:12] if len(word) == HASH_DIGITS and word.isalnum() else word for word in words)


def _leave(line: str) -> str:
    return line


def _colour(line: str) -> str:
    colour = COLOURS.get(line[:1], BOLD if line and not line.startswith(" ") else "")
    return f"{colour}{line}{PLAIN}" if colour else line
