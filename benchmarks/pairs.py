"""What every benchmark shares: two sides measured in alternating rounds, and one table of what came out.

Other programs on the machine slow both sides of a round alike, so only figures of the same rounds are compared.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LOCALRUN = os.path.join(os.path.dirname(sys.executable), "localrun")
MPIRUN = ["mpirun", "--allow-run-as-root", "--oversubscribe"]
Sample = dict[str, float]
"""What one round of one side measured, by the name of the quantity."""


class Row(NamedTuple):
    """One line of the table.

    Attributes:
        what: What was measured.
        unit: Its unit.
        ours: localrun's figures, one a round.
        anchor: The other side's; empty when there is none.
        against: What the other side is.
        most: The goal: the largest allowed median.
        least: The goal: the smallest allowed median.
        most_ratio: The goal: the largest allowed ratio of the medians.
        least_ratio: The goal: the smallest allowed ratio of the medians.
        most_over: The goal: what localrun may take more than the anchor, in the median of the rounds.
    """

    what: str
    unit: str
    ours: list[float]
    anchor: list[float] = []  # noqa: RUF012 - a NamedTuple's default is never changed
    against: str = ""
    most: float | None = None
    least: float | None = None
    most_ratio: float | None = None
    least_ratio: float | None = None
    most_over: float | None = None


def alternate(sides: dict[str, Callable[[], Sample]], rounds: int) -> dict[str, list[Sample]]:
    """Measure all sides in turn, so many rounds after one that only warms up; every second round goes backwards."""
    found: dict[str, list[Sample]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name in list(sides)[:: 1 if number % 2 else -1]:
            sample = sides[name]()
            if number:
                found[name].append(sample)
    return found


def pick(samples: list[Sample], quantity: str) -> list[float]:
    return [sample[quantity] for sample in samples]


def summarise(row: Row) -> dict[str, Any]:
    """Give medians, minima, their ratio, the goal in words, and whether the median meets it."""
    ours = statistics.median(row.ours)
    anchor = statistics.median(row.anchor) if row.anchor else None
    ratio = ours / anchor if anchor else None
    over = statistics.median(map(float.__sub__, row.ours, row.anchor)) if anchor else 0.0
    checks = [
        (row.most, f"<= {row.most:g} {row.unit}" if row.most is not None else "", lambda goal: ours <= goal),
        (row.least, f">= {row.least:g} {row.unit}" if row.least is not None else "", lambda goal: ours >= goal),
        (row.most_ratio, f"<= {row.most_ratio:g} x" if row.most_ratio is not None else "",
         lambda goal: ratio is not None and ratio <= goal),
        (row.least_ratio, f">= {row.least_ratio:g} x" if row.least_ratio is not None else "",
         lambda goal: ratio is not None and ratio >= goal),
        (row.most_over, f"<= anchor + {row.most_over:g} {row.unit}" if row.most_over is not None else "",
         lambda goal: over <= goal),
    ]  # fmt: skip
    best, worst = (min, max) if row.least is None and row.least_ratio is None else (max, min)
    goals = [(text, test(goal)) for goal, text, test in checks if goal is not None]
    return {
        "what": row.what,
        "unit": row.unit,
        "median": round(ours, 3),
        "best": round(best(row.ours), 3),
        "worst": round(worst(row.ours), 3),
        "anchor": row.against,
        "anchor_median": None if anchor is None else round(anchor, 3),
        "anchor_best": None if anchor is None else round(best(row.anchor), 3),
        "ratio": None if ratio is None else round(ratio, 3),
        "goal": " and ".join(text for text, _ in goals),
        "met": all(met for _, met in goals) if goals else None,
        "rounds": len(row.ours),
    }


HEAD = ("what", "localrun", "best", "worst", "anchor", "median", "best", "ratio", "goal", "met")


def print_table(rows: Iterable[Row], json_file: str = "") -> None:
    """Print the rows as a table and, when a file is named, write them there as JSON."""
    found = [summarise(row) for row in rows]
    lines = [HEAD, *[_cells(item) for item in found]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    if json_file:
        with open(json_file, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)


def _cells(item: dict[str, Any]) -> tuple[str, ...]:
    def number(value: float | None, ending: str = "") -> str:
        return "-" if value is None else f"{value:.1f}{ending}" if value < 1000 else f"{value:,.0f}{ending}"

    met = {True: "yes", False: "NO", None: "-"}[item["met"]]
    figures = (number(item["median"], f" {item['unit']}"), number(item["best"]), number(item["worst"]))
    others = (item["anchor"] or "-", number(item["anchor_median"]), number(item["anchor_best"]))
    ratio = "-" if item["ratio"] is None else f"{item['ratio']:.2f} x"
    return (item["what"], *figures, *others, ratio, item["goal"] or "-", met)


def make_environ(home: str) -> dict[str, str]:
    """Give this process's environment variables with a workspace of the benchmark's own, bytecode allowed."""
    environ = {**os.environ, "LOCALRUN_HOME": home}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return environ


def start(command: list[str], environ: dict[str, str], folder: str, **more: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=environ, cwd=folder, stdin=subprocess.DEVNULL, **more)


def write_script(folder: str, text: str, name: str = "script.py") -> str:
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path
