"""Every benchmark, one table: `python -m benchmarks [--quick] [--only NAME]... [--output FOLDER]`.

A benchmark is a script of this folder with a function `measure(rounds=N)` that gives rows (see README.md). The table is
written after each script, as `results.md` and `results.json`, so that one that hangs does not take the others' figures
with it. The exit code is 1 when a script broke, not when a goal is missed.
"""

from __future__ import annotations

import argparse
import glob
import importlib
import json
import os
import platform
import sys
import time
import traceback
from typing import Any

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, FOLDER)  # the scripts import one another by their names, as they do when run by hand

from pairs import HEAD, Missing, list_cells, summarise  # noqa: E402

QUICK_ROUNDS = 1


def list_scripts() -> list[str]:
    """Give the names of the files here that have a `measure` of their own, in alphabetical order."""
    found = []
    for path in sorted(glob.glob(f"{FOLDER}/*.py")):
        with open(path, encoding="utf-8") as file:
            if "\ndef measure(rounds: int = " in file.read():
                found.append(os.path.basename(path)[:-3])
    return found


def describe_machine() -> dict[str, Any]:
    """Give what figures depend on; nothing that says whose machine it is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1e9, 1),
        "processor": platform.machine(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
    }


def measure_script(name: str, *, quick: bool) -> dict[str, Any]:
    """Give `{script, rows, seconds}`, and `missing` (what is not here) or `broken` (how it failed) in place of rows."""
    began = time.monotonic()
    found: dict[str, Any] = {"script": name, "rows": []}
    try:
        script = importlib.import_module(name)
        options = {"rounds": QUICK_ROUNDS, **getattr(script, "QUICK", {})} if quick else {}
        found["rows"] = [{"script": name, **summarise(row)} for row in script.measure(**options)]
    except Missing as missing:
        found["missing"] = str(missing)
    except Exception as broken:  # noqa: BLE001 - one benchmark that breaks does not take the others with it
        traceback.print_exc()
        found["broken"] = f"{type(broken).__name__}: {broken}".splitlines()[0]
    return {**found, "seconds": round(time.monotonic() - began, 1)}


def make_table(scripts: list[dict[str, Any]], *, quick: bool) -> dict[str, Any]:
    """Give the whole table: the machine, the rows, which goals are missed, and what was not measured and why."""
    rows = [row for script in scripts for row in script["rows"]]
    return {
        "machine": describe_machine(),
        "quick": quick,
        "rows": rows,
        "missed": [row["name"] for row in rows if row["met"] is False],
        "not_judged": [
            {"name": row["name"], "reason": f"there is no {row['against']} on this machine"}
            for row in rows
            if row["against"] and row["anchor"] is None
        ],
        "not_measured": [
            {"script": script["script"], "reason": reason}
            for script in scripts
            if (reason := script.get("missing") or script.get("broken"))
        ],
    }


def write_markdown(table: dict[str, Any]) -> str:
    """Give the table for people."""
    machine = table["machine"]
    where = f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gb']} GB, {machine['system']}"
    lines = [
        "# What localrun costs",
        "",
        f"On {where}, Python {machine['python']}. Written by `python -m benchmarks`; README.md says how.",
        *(
            ["", "**A quick try: one round each. These figures say that it works, not how fast it is.**"]
            * table["quick"]
        ),
        "",
        *[f"| {' | '.join(cells)} |" for cells in (HEAD, ("---",) * len(HEAD), *map(list_cells, table["rows"]))],
        "",
        "## Goals that are missed",
        "",
        *([f"- {name}" for name in table["missed"]] or ["None."]),
    ]
    reasons = [f"- {item['name']}: {item['reason']}" for item in table["not_judged"]]
    reasons += [f"- `{item['script']}.py`: {item['reason']}" for item in table["not_measured"]]
    return "\n".join([*lines, *(["", "## Not measured here", "", *reasons] if reasons else [])]) + "\n"


def save(table: dict[str, Any], folder: str) -> None:
    os.makedirs(folder, exist_ok=True)
    for name, text in (("results.md", write_markdown(table)), ("results.json", json.dumps(table, indent=1) + "\n")):
        with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text)


def main() -> int:
    names = list_scripts()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure localrun against its anchors.")
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="one round each, to try that it works")
    parser.add_argument("--output", default=".cache/benchmarks", metavar="FOLDER", help="[.cache/benchmarks]")
    asked = parser.parse_args()
    scripts: list[dict[str, Any]] = []
    for name in asked.only or names:
        print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
        scripts.append(measure_script(name, quick=asked.quick))
        print(f"{scripts[-1]['seconds']} s", file=sys.stderr, flush=True)
        save(make_table(scripts, quick=asked.quick), asked.output)
    print(write_markdown(make_table(scripts, quick=asked.quick)), end="")
    return int(any("broken" in script for script in scripts))


if __name__ == "__main__":
    sys.exit(main())
