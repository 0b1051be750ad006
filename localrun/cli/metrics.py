"""`localrun metrics`: what scripts have logged."""

from __future__ import annotations

import math
import sys

import click

from localrun.cli import show
from localrun.cli.arguments import RUNS
from localrun.cli.workspace import find_runs, open_workspace
from localrun.errors import LocalrunError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from localrun.workspace.metrics import Point

    Series = dict[str, list[Point]]

BARS = "▁▂▃▄▅▆▇█"
SPARK_WIDTH = 24


@click.command()
@click.option("-m", "--metric", "names", multiple=True, metavar="NAME", help="Only this metric [default: all].")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text", help="How to print it.")
@RUNS
def metrics(names: tuple[str, ...], form: str, runs: tuple[str, ...]) -> None:
    """Print what each RUN has logged, also while it runs.

    As JSON: a list of objects with `run_id` and `metrics`, which holds for each name a list of `step`, `at` (UTC) and
    `value`. As CSV: a line for each value: run_id, metric, step, at, value.
    """
    home = open_workspace()
    found = [(run_id, read_chosen(home, run_id, names)) for run_id in find_runs(home, runs)]
    if form == "json":
        show.write(show.document([{"run_id": run_id, "metrics": _plain(series)} for run_id, series in found]))
    elif form == "csv":
        show.write(_write_csv(found))
    else:
        for run_id, series in found:
            if not series:
                show.tell(f"run {run_id} has logged no metric")
        if any(series for _, series in found):
            show.write(show.table(_columns(found, sparks=can_draw())))


def read_chosen(home: str, run_id: str, names: Sequence[str]) -> Series:
    """Read the metrics of a run that have one of the names; all of them when none is given.

    Raises:
        LocalrunError: it has none of a name.
    """
    from localrun.workspace.home import folder_of
    from localrun.workspace.metrics import read_series

    series = read_series(folder_of(home, run_id), run_id)
    for name in names:
        if name not in series:
            from localrun.formats.nodes import nearest

            near = nearest(name, list(series))
            hint = f"did you mean {near}?" if near else f"it has {', '.join(series) or 'none'}"
            raise LocalrunError(f"run {run_id} has no metric {name}", hint=hint, code="metric_not_found")
    return {name: points for name, points in series.items() if not names or name in names}


def can_draw() -> bool:
    """Tell whether standard output is a terminal that shows block characters."""
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return sys.stdout.isatty() and encoding == "utf8"


def _columns(found: list[tuple[str, Series]], *, sparks: bool) -> list[list[str]]:
    several = len(found) > 1
    columns = [["RUN ID"], ["METRIC"], ["VALUES"], ["LAST"], ["MIN"], ["MAX"], [""]]
    for run_id, series in found:
        for name, points in series.items():
            numbers = [point[2] for point in points if point[2] is not None and math.isfinite(point[2])]
            extremes = (show_number(min(numbers)), show_number(max(numbers))) if numbers else ("", "")
            spark = draw_spark(numbers) if sparks and len(numbers) > 1 else ""
            cells = (run_id, name, str(len(points)), show_number(points[-1][2]), *extremes, spark)
            for column, cell in zip(columns, cells, strict=True):
                column.append(cell)
    return columns[0 if several else 1 : None if sparks else -1]


def show_number(number: float | None) -> str:
    """Give a number as people read it: six digits that matter."""
    return "-" if number is None else f"{number:.6g}"


def draw_spark(numbers: Sequence[float], width: int = SPARK_WIDTH) -> str:
    """Draw numbers as bars of eight heights, at most `width` of them; each stands for the mean of its share."""
    count = min(width, len(numbers))
    shares = [numbers[len(numbers) * place // count : len(numbers) * (place + 1) // count] for place in range(count)]
    means = [sum(share) / len(share) for share in shares]
    low, high = min(means), max(means)
    span = high - low
    if not span or not math.isfinite(span):
        return BARS[3] * count
    return "".join([BARS[min(7, int((mean - low) / span * 8))] for mean in means])


def _plain(series: Series) -> dict[str, list[dict[str, object]]]:
    from localrun.workspace.metrics import plain_number
    from localrun.workspace.records import timestamp

    return {
        name: [{"step": step, "at": timestamp(at), "value": plain_number(number)} for at, step, number in points]
        for name, points in series.items()
    }


def _write_csv(found: list[tuple[str, Series]]) -> str:
    import csv
    import io

    from localrun.escaping import escape

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("run_id", "metric", "step", "at", "value"))
    for run_id, series in found:
        for name, values in _plain(series).items():
            writer.writerows((run_id, escape(name), item["step"], item["at"], item["value"]) for item in values)
    return text.getvalue()
