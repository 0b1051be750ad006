"""`localrun plot`: a metric of runs as a picture, in a file or on the terminal."""

from __future__ import annotations

import math
import os
import shutil
import sys

import click

from localrun.cli import show
from localrun.cli.arguments import RUNS
from localrun.cli.metrics import can_draw, read_chosen, show_number
from localrun.cli.workspace import find_runs, open_workspace
from localrun.errors import BadInput
from localrun.escaping import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from localrun.workspace.metrics import Point

    Line = list[tuple[float, float]]

ENDINGS = (".png", ".svg", ".pdf")
HEIGHT = 16
SIGNS, PLAIN_SIGNS = "●○▲△■□◆◇", "*o+x#@%&"
MARGIN = 11
"""Characters left of the drawing, for the numbers."""


@click.command()
@click.option("-o", "--output", default="", metavar="FILE", help="Write a .png, .svg or .pdf (needs matplotlib).")
@click.option("--time", "by_time", is_flag=True, help="Over seconds since the run's first value, not over steps.")
@click.argument("metric")
@RUNS
def plot(*, output: str, by_time: bool, metric: str, runs: tuple[str, ...]) -> None:
    """Draw METRIC of each RUN over its steps: on the terminal, or into a file."""
    if output and not output.endswith(ENDINGS):
        raise BadInput(f"{output} ends in none of {', '.join(ENDINGS)}", key="-o", hint="name a .png, .svg or .pdf")
    home = open_workspace()
    lines = {
        run_id: make_line(read_chosen(home, run_id, (metric,))[metric], by_time=by_time)
        for run_id in find_runs(home, runs)
    }
    if output:
        from localrun.adapters.charts import write_chart

        write_chart(os.path.abspath(output), lines, metric, "seconds" if by_time else "step")
        show.tell(f"wrote {output}")
    else:
        width = max(40, min(120, shutil.get_terminal_size((80, 24)).columns))
        signs = SIGNS if can_draw() or not sys.stdout.isatty() else PLAIN_SIGNS
        show.write(escape(metric) + "\n" + draw(list(lines.values()), width, signs) + _legend(list(lines), signs))


def make_line(points: Sequence[Point], *, by_time: bool) -> Line:
    """Give the places of a line: over seconds since the first value, else over steps (where none is said, a count)."""
    line = []
    for index, (at, step, number) in enumerate(points):
        if number is not None and math.isfinite(number):
            across = at - points[0][0] if by_time else float(index if step is None else step)
            line.append((across, number))
    return sorted(line)


def draw(lines: Sequence[Line], width: int, signs: str = SIGNS) -> str:
    """Draw lines as text: HEIGHT rows, numbers on the left, the range of the steps below."""
    places = [place for line in lines for place in line]
    if not places:
        return "no finite values\n"
    across, upward = _span([place[0] for place in places]), _span([place[1] for place in places])
    columns = width - MARGIN - 1
    cells = [[" "] * columns for _ in range(HEIGHT)]
    for index, line in enumerate(lines):
        for x, y in line:
            column = min(columns - 1, int((x - across[0]) / (across[1] - across[0]) * columns))
            row = min(HEIGHT - 1, int((y - upward[0]) / (upward[1] - upward[0]) * HEIGHT))
            cells[HEIGHT - 1 - row][column] = signs[index % len(signs)]
    labels = {0: show_number(upward[1]), HEIGHT - 1: show_number(upward[0])}
    rows = [f"{labels.get(number, ''):>{MARGIN - 1}} |{''.join(row).rstrip()}" for number, row in enumerate(cells)]
    first, last = show_number(across[0]), show_number(across[1])
    rows.append(" " * MARGIN + "-" * (columns + 1))
    rows.append(" " * (MARGIN + 1) + first + last.rjust(columns - len(first)))
    return "\n".join(rows) + "\n"


def _span(numbers: Sequence[float]) -> tuple[float, float]:
    low, high = min(numbers), max(numbers)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _legend(run_ids: Sequence[str], signs: str) -> str:
    return "".join([f"  {signs[index % len(signs)]} {escape(run_id)}\n" for index, run_id in enumerate(run_ids)])
