"""What a script has logged: through `Run` (the journal, see `localrun.shim`) and through MLflow's file store.

    <run>/journal/<rank>-<pid>-<hex>.jsonl   lines of {k: kind, r: run id, t: Unix seconds, n: name, v: value, s: step}
    <run>/journal/files/                     what was uploaded
    <run>/mlruns/<experiment>/<run>/         metrics/<name>: lines of `milliseconds value step`; params/, tags/

Kinds are `log`, `list`, `row`, `table`, `image`, `confusion_matrix`, `accuracy_table`, `residuals`, `predictions`,
`tags`, `properties`, `file`, `model`, `child` and `end`. Processes of one run are merged by time. What a child run has
logged stands under `<child>/<name>`. Source of MLflow's files: `mlflow.store.tracking.file_store`, MLflow 2 and 3.
"""

from __future__ import annotations

import json
import math
import os

from localrun.plan import MLFLOW_STORE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Point = tuple[float, int | None, float | None]
    """Unix seconds, step (None: it was not said), value (None: it was no number)."""
    Entry = dict[str, Any]
    """A line of the journal; `k` is a text, `t` a float."""

JOURNAL = "journal"
MOST_IN_RECORD = 1000
"""So many metrics stand in a record; all of them are read by `read_series`."""
SINGLE = ("log", "row", "list")
"""Kinds whose values are numbers, or hold numbers by name."""
MLFLOW_OWN = "mlflow."
"""What the names of MLflow's own tags begin with."""


def read_series(folder: str, run_id: str) -> dict[str, list[Point]]:
    """Give every metric of a run as its points, ordered by time.

    A row `log_row("r", x=1)` is the metric `r.x`, a list a metric with its index as the step.
    """
    found: dict[str, list[Point]] = {}
    for name, point in _list_points(folder, run_id):
        found.setdefault(name, []).append(point)
    for points in found.values():
        points.sort(key=lambda point: point[0])
    return dict(sorted(found.items()))


def describe_logged(folder: str, run_id: str) -> dict[str, Any]:
    """Give what was logged as a record keeps it: keys without a value are left out.

    `metrics` {name: last value; what is no finite number as text}, `params`, `tags`, `properties` {name: text},
    `tables` [{name, kind}], `models` [{name, path, tags}], `children` [{run_id, name}], `files` [name],
    `artifacts` [path in the run's folder] of MLflow, `reported` {status, code, details}: what the script said of its
    end.
    """
    last: dict[str, Point] = {}
    for name, point in _list_points(folder, run_id):
        if name not in last or point[0] >= last[name][0]:
            last[name] = point
    described: dict[str, Any] = {
        "metrics": {name: plain_number(last[name][2]) for name in sorted(last)[:MOST_IN_RECORD]}
    }
    described |= _describe_entries(folder, run_id)
    described["artifacts"] = _list_artifacts(folder)
    for kind in ("params", "tags"):
        described[kind] = described.get(kind, {}) | _read_texts(folder, kind)
    return {name: item for name, item in described.items() if item}


def plain_number(number: float | None) -> float | str | None:
    """Give a number as JSON can say it: what is not finite as `NaN`, `Infinity` or `-Infinity`."""
    if number is None or math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def read_entries(folder: str) -> Iterator[Entry]:
    """Read the lines of a run's journal, process by process; a line that is not whole is passed over."""
    place = os.path.join(folder, JOURNAL)
    try:
        names = sorted(name for name in os.listdir(place) if name.endswith(".jsonl"))
    except OSError:
        return
    for name in names:
        with open(os.path.join(place, name), "rb") as file:
            for line in file:
                entry = _decode(line)
                if entry is not None:
                    yield entry


def _decode(line: bytes) -> Entry | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(entry, dict) and isinstance(entry.get("k"), str) and isinstance(entry.get("t"), float)
    return entry if whole else None


def _list_points(folder: str, run_id: str) -> Iterator[tuple[str, Point]]:
    children: dict[str, str] = {}
    for entry in read_entries(folder):
        if entry["k"] == "child":
            children[str(entry.get("v"))] = str(entry.get("n"))
        if entry["k"] not in SINGLE or "n" not in entry:
            continue
        run = str(entry.get("r"))
        name = str(entry["n"]) if run == run_id else f"{children.get(run, run)}/{entry['n']}"
        step = entry.get("s")
        for key, index, given in _flatten(name, entry.get("v")):
            yield key, (entry["t"], index if step is None else int(step), _number(given))
    yield from _list_mlflow_points(folder)


def _flatten(name: str, given: object) -> Iterator[tuple[str, int | None, object]]:
    if isinstance(given, dict):
        for key, part in given.items():
            yield f"{name}.{key}", None, part
    elif isinstance(given, list):
        for index, part in enumerate(given):
            yield name, index, part
    else:
        yield name, None, given


def _number(given: object) -> float | None:
    if isinstance(given, int | float):
        return given
    try:
        return float(given) if isinstance(given, str) else None
    except ValueError:
        return None


def _list_mlflow_points(folder: str) -> Iterator[tuple[str, Point]]:
    for run in _list_mlflow_runs(folder):
        top = os.path.join(run, "metrics")
        for place, _, files in os.walk(top):
            for file in files:
                path = os.path.join(place, file)
                name = os.path.relpath(path, top)
                for line in _read_lines(path):
                    match line.split():
                        case [at, given, *rest]:  # the step came later
                            step = int(rest[0]) if rest and rest[0].lstrip("-").isdigit() else None
                            yield name, ((_number(at) or 0.0) / 1000, step, _number(given))


def _list_mlflow_runs(folder: str) -> Iterator[str]:
    store = os.path.join(folder, MLFLOW_STORE)
    for experiment in _list_folders(store):
        for run in _list_folders(experiment):
            if os.path.isfile(os.path.join(run, "meta.yaml")):
                yield run


def _list_folders(path: str) -> list[str]:
    try:
        names = sorted(name for name in os.listdir(path) if not name.startswith("."))
    except OSError:
        return []
    return [os.path.join(path, name) for name in names]


def _read_lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            return file.read().splitlines()
    except OSError:
        return []


def _read_texts(folder: str, kind: str) -> dict[str, str]:
    """Read MLflow's params or tags, its own tags left out."""
    found: dict[str, str] = {}
    for run in _list_mlflow_runs(folder):
        top = os.path.join(run, kind)
        for place, _, files in os.walk(top):
            for file in files:
                name = os.path.relpath(os.path.join(place, file), top)
                if not name.startswith(MLFLOW_OWN):
                    found[name] = "\n".join(_read_lines(os.path.join(place, file)))
    return found


def _list_artifacts(folder: str) -> list[str]:
    found = [
        os.path.relpath(os.path.join(place, file), folder)
        for run in _list_mlflow_runs(folder)
        for place, _, files in os.walk(os.path.join(run, "artifacts"))
        for file in files
    ]
    return sorted(found)[:MOST_IN_RECORD]


def _describe_entries(folder: str, run_id: str) -> dict[str, Any]:
    found: dict[str, Any] = {"tags": {}, "properties": {}, "tables": [], "models": [], "children": [], "files": []}
    others = [entry for entry in read_entries(folder) if entry["k"] not in SINGLE]
    for entry in sorted(others, key=lambda entry: float(entry["t"])):
        kind, name, given = entry["k"], str(entry.get("n", "")), entry.get("v")
        if kind == "child":
            found["children"].append({"run_id": given, "name": name})
        elif kind == "model" and isinstance(given, dict):
            found["models"].append({"name": name, "path": given.get("path"), "tags": given.get("tags")})
        elif kind == "file":
            found["files"].append(name)
        elif entry.get("r") != run_id:
            continue
        elif kind in {"tags", "properties"} and isinstance(given, dict):
            found[kind].update(given)
        elif kind == "end":
            found["reported"] = {"status": given, "code": entry.get("code"), "details": entry.get("details")}
        else:
            found["tables"].append({"name": name, "kind": kind})
    found["tags"] = {name: text for name, text in found["tags"].items() if text is not None}
    found["files"] = sorted(set(found["files"]))
    return found
