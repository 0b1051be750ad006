"""What every benchmark shares: two sides measured in alternating rounds, and one table of what came out.

Other programs on the machine slow both sides of a round alike, so only figures of the same rounds are compared.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
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
        against: What the other side is; with no figures in `anchor`, it is not on this machine.
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


class Missing(Exception):
    """What a benchmark cannot do without is not on this machine; it says what."""


def alternate(sides: dict[str, Callable[[], Sample] | None], rounds: int) -> dict[str, list[Sample]]:
    """Measure all sides in turn, so many rounds after one that only warms up; every second round goes backwards.

    A side that is None is not on this machine: it has no samples.
    """
    found: dict[str, list[Sample]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, side in list(sides.items())[:: 1 if number % 2 else -1]:
            if side is None:
                continue
            sample = side()
            if number:
                found[name].append(sample)
    return found


def against(program: str, side: Callable[[], Sample]) -> Callable[[], Sample] | None:
    """Give the side of an anchor, or None where its program is not on PATH."""
    return side if shutil.which(program) else None


def pick(samples: list[Sample], quantity: str) -> list[float]:
    return [sample[quantity] for sample in samples]


def summarise(row: Row) -> dict[str, Any]:
    """Give one line of the table as values.

    `ours`, `best` and `worst` are localrun's median and ends, `anchor` and `anchor_best` the other side's (None when it
    was not measured), `ratio` is that of the medians; `met` is None where there is no goal or the anchor that it speaks
    of is missing.
    """
    ours = statistics.median(row.ours)
    anchor = statistics.median(row.anchor) if row.anchor else None
    more_is_better = row.least is not None or row.least_ratio is not None
    best, worst = (max, min) if more_is_better else (min, max)
    goals = judge(row)
    return {
        "name": row.what,
        "unit": row.unit,
        "ours": round(ours, 3),
        "best": round(best(row.ours), 3),
        "worst": round(worst(row.ours), 3),
        "against": row.against,
        "anchor": None if anchor is None else round(anchor, 3),
        "anchor_best": None if anchor is None else round(best(row.anchor), 3),
        "ratio": None if anchor is None else round(ours / anchor, 3),
        "goal": " and ".join(goals),
        "met": all(goals.values()) if goals and None not in goals.values() else None,
        "rounds": len(row.ours),
    }


def judge(row: Row) -> dict[str, bool | None]:
    """Give each goal of a row in words, and whether the medians meet it; None when that takes a missing anchor."""
    ours, unit, goals = statistics.median(row.ours), row.unit, {}
    ratio = over = None
    if row.anchor:
        ratio = ours / statistics.median(row.anchor)
        over = statistics.median(map(float.__sub__, row.ours, row.anchor))
    if row.most is not None:
        goals[f"<= {row.most:g} {unit}"] = ours <= row.most
    if row.least is not None:
        goals[f">= {row.least:g} {unit}"] = ours >= row.least
    if row.most_ratio is not None:
        goals[f"<= {row.most_ratio:.3g} x"] = None if ratio is None else ratio <= row.most_ratio
    if row.least_ratio is not None:
        goals[f">= {row.least_ratio:.3g} x"] = None if ratio is None else ratio >= row.least_ratio
    if row.most_over is not None:
        goals[f"<= anchor + {row.most_over:g} {unit}"] = None if over is None else over <= row.most_over
    return goals


HEAD = ("what", "localrun", "best", "worst", "anchor", "median", "best", "ratio", "goal", "met")


def print_table(rows: Iterable[Row]) -> None:
    """Print rows as a table, for whoever runs one script by hand."""
    lines = [HEAD, *[list_cells(summarise(row)) for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def list_cells(item: dict[str, Any]) -> tuple[str, ...]:
    """Give a line of the table as words, one for each column of HEAD."""

    def number(value: float | None, ending: str = "") -> str:
        return "-" if value is None else f"{value:.1f}{ending}" if value < 1000 else f"{value:,.0f}{ending}"

    met = {True: "yes", False: "NO", None: "-"}[item["met"]]
    figures = (number(item["ours"], f" {item['unit']}"), number(item["best"]), number(item["worst"]))
    missing = item["against"] and item["anchor"] is None
    anchor = f"{item['against']} (not here)" if missing else item["against"] or "-"
    ratio = "-" if item["ratio"] is None else f"{item['ratio']:.2f} x"
    others = (anchor, number(item["anchor"]), number(item["anchor_best"]))
    return (item["name"], *figures, *others, ratio, item["goal"] or "-", met)


def make_environ(home: str) -> dict[str, str]:
    """Give this process's environment variables with a workspace of the benchmark's own, bytecode allowed."""
    environ = {**os.environ, "LOCALRUN_HOME": home}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return environ


def set_aside(folder: str, *names: str) -> None:
    """Move what earlier rounds made into `FOLDER/aside`, to be removed with the folder at the very end.

    On ext4 files are made slowly for up to half a minute after many were removed: the kernel passes over the inodes of
    what has just gone, one by one. A round that removes what the one before it made measures that.
    """
    for name in names:
        path = os.path.join(folder, name)
        if os.path.lexists(path):
            os.makedirs(os.path.join(folder, "aside"), exist_ok=True)
            os.rename(path, os.path.join(folder, "aside", f"{os.path.basename(name)}-{time.monotonic_ns()}"))


def start(command: list[str], environ: dict[str, str], folder: str, **more: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=environ, cwd=folder, stdin=subprocess.DEVNULL, **more)


def write_script(folder: str, text: str, name: str = "script.py") -> str:
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path
