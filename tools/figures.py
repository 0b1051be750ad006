"""What the house measures: `python tools/figures.py [--coverage] [--list]`.

One table, each line with its aim. `--list` names the places behind the figures; `--coverage` runs the unit tests under
coverage for the layers that are pure, which takes a minute or two. Nothing here fails: tests hold what must hold.
"""

from __future__ import annotations

import argparse
import ast
import collections
import glob
import io
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import tokenize
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PURE = ("formats", "resolve", "distributions", "fingerprint", "spec", "plan", "values", "errors", "escaping")
LONG_FILE, LONG_FUNCTION, RUN = 400, 50, 6


class File(NamedTuple):
    """A file of Python: its path from the root, its lines, and its tree."""

    path: str
    lines: list[str]
    tree: ast.Module


class Figure(NamedTuple):
    """A line of the table, and the places behind it."""

    name: str
    value: str
    aim: str = ""
    places: Iterable[str] = ()


def read_files(folder: str) -> list[File]:
    found = []
    for path in sorted(glob.glob(f"{ROOT}/{folder}/**/*.py", recursive=True)):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        found.append(File(os.path.relpath(path, ROOT), text.splitlines(), ast.parse(text)))
    return found


def measure_size(files: list[File]) -> Iterator[Figure]:
    long = [f"{file.path}: {len(file.lines)}" for file in files if len(file.lines) > LONG_FILE]
    lengths = sorted(
        (node.end_lineno - node.lineno + 1, f"{file.path}:{node.lineno} {node.name}")
        for file in files
        for node in ast.walk(file.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    )
    numbers = [length for length, _ in lengths]
    nine_tenths = statistics.quantiles(numbers, n=10)[-1]
    longest = [f"{where}: {length}" for length, where in reversed(lengths) if length > LONG_FUNCTION]
    yield Figure("lines", f"{sum(len(file.lines) for file in files):,}")
    yield Figure("files", f"{len(files)}")
    yield Figure(f"files over {LONG_FILE} lines", f"{len(long)}", "0", long)
    yield Figure("functions", f"{len(numbers):,}")
    yield Figure("lines of a function: median", f"{statistics.median(numbers):g}", "10")
    yield Figure("lines of a function: 90th percentile", f"{nine_tenths:g}", "30")
    yield Figure("lines of a function: longest", f"{numbers[-1]}", f"{LONG_FUNCTION}", longest)


def measure_circles() -> Iterator[Figure]:
    """Count the circles of imports, those inside of functions too, those for the type checker not."""
    try:
        import grimp
    except ImportError:
        sys.exit("figures.py needs grimp and the other tools of the dev group: pip install --group dev")
    graph = grimp.build_graph("localrun", cache_dir=None, exclude_type_checking_imports=True)
    circles = {}
    for name in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(name)):
            if back := graph.find_shortest_chain(importer=imported, imported=name):
                circles.setdefault(frozenset(back), " -> ".join((name, *back)))
    yield Figure("import circles", f"{len(circles)}", "0", circles.values())


def list_code(file: File) -> list[tuple[int, str]]:
    """Give the lines that are code: no docstrings, comments or imports, and nothing that only closes a bracket.

    Fields of a class that are declared are not: what is asked for and what is planned have many under the same names.
    """
    skipped: set[int] = set()
    for node in ast.walk(file.tree):
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        if text or isinstance(node, ast.Import | ast.ImportFrom):
            skipped |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        if isinstance(node, ast.ClassDef):
            skipped |= {part.lineno for part in node.body if isinstance(part, ast.AnnAssign)}
    lines = ((number, line.strip()) for number, line in enumerate(file.lines, 1) if number not in skipped)
    return [(number, line) for number, line in lines if line.strip("()[]{},") and not line.startswith("#")]


def measure_repetition(files: list[File]) -> Iterator[Figure]:
    places: dict[tuple[str, ...], list[tuple[str, int, int]]] = collections.defaultdict(list)
    for file in files:
        code = list_code(file)
        for at in range(len(code) - RUN + 1):
            some = code[at : at + RUN]
            places[tuple(line for _, line in some)].append((file.path, at, some[0][0]))
    # a longer run is a chain of windows: only its first counts
    repeated = [found for found in places.values() if len(found) > 1]
    inside = {(path, at + 1) for found in repeated for path, at, _ in found}
    runs = [found for found in repeated if not all((path, at) in inside for path, at, _ in found)]
    named = [" = ".join(f"{path}:{line}" for path, _, line in found) for found in runs]
    yield Figure(f"repeated runs of {RUN} lines or more", f"{len(runs)}", "0", named)


def list_comments(file: File) -> Iterator[tuple[int, str]]:
    reader = io.StringIO("\n".join(file.lines) + "\n").readline
    for token in tokenize.generate_tokens(reader):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def measure_exceptions(files: list[File]) -> Iterator[Figure]:
    """Count where the rules are set aside, each exception by its rule, and those without a reason."""
    noqa, ignores, bare = collections.Counter(), collections.Counter(), []
    for file in files:
        for number, comment in list_comments(file):
            for kind, counter in (
                (r"noqa: ([A-Z]+[0-9]+(?:, [A-Z]+[0-9]+)*)", noqa),
                (r"type: ignore\[([a-z-, ]+)\]", ignores),
            ):
                if found := re.search(kind, comment):
                    counter.update(re.split(r"[ ,]+", found[1].strip()))
                    if counter is noqa and not re.match(r"\s*- \w", comment[found.end(1) :].lstrip()):
                        bare.append(f"{file.path}:{number} {comment}")
    names = collections.Counter(
        node.id
        for file in files
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Name) and node.id in {"Any", "cast"}
    )
    yield Figure("Any", f"{names['Any']}")
    yield Figure("cast", f"{names['cast']}")
    yield Figure(
        "type: ignore", f"{ignores.total()}", "", [f"{count} x {rule}" for rule, count in ignores.most_common()]
    )
    yield Figure("noqa", f"{noqa.total()}", "", [f"{count} x {rule}" for rule, count in noqa.most_common()])
    yield Figure("noqa without a reason", f"{len(bare)}", "0", bare)


def measure_patches(files: list[File]) -> Iterator[Figure]:
    """Count the patches of our own names in tests: `monkeypatch.setattr` and `mock.patch` on what is localrun's."""
    places, tests = [], 0
    for file in files:
        ours = {
            alias.asname or alias.name.partition(".")[0]
            for node in ast.walk(file.tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
            if (getattr(node, "module", None) or alias.name).partition(".")[0] == "localrun"
        }
        for node in ast.walk(file.tree):
            tests += isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
            if isinstance(node, ast.Call) and is_patch(node, ours):
                places.append(f"{file.path}:{node.lineno}")
    share = len(places) / tests
    yield Figure("tests", f"{tests:,}")
    yield Figure("patches of our own names, a test", f"{share:.3f}", "< 0.1", places)


def is_patch(call: ast.Call, ours: set[str]) -> bool:
    if not call.args or ast.unparse(call.func) not in {
        "monkeypatch.setattr",
        "mock.patch",
        "mock.patch.object",
        "patch",
    }:
        return False
    target = call.args[0]
    if isinstance(target, ast.Constant):
        return str(target.value).startswith("localrun.")
    return ast.unparse(target).partition(".")[0] in ours


def measure_dead_code() -> Iterator[Figure]:
    """Let vulture look for what nothing uses, tests included; the names of azureml-core are there for users."""
    command = [sys.executable, "-m", "vulture", "--config", "pyproject.toml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    theirs = ("localrun/api/", "localrun/shim/path/")
    found = [line for line in done.stdout.splitlines() if line.startswith("localrun/") and not line.startswith(theirs)]
    yield Figure("dead code (vulture)", f"{len(found)}", "0", found or done.stderr.splitlines())


def measure_public_names() -> Iterator[Figure]:
    import localrun

    with open(f"{ROOT}/tests/unit/public_names.json", encoding="utf-8") as file:
        pinned = set(json.load(file))
    names = [name for name in localrun.__all__ if name != "__version__"]
    loose = [name for name in names if name not in pinned]
    there = len(names)
    yield Figure("public names pinned by a test", f"{there - len(loose)} of {there}", "all", loose)


def measure_coverage() -> Iterator[Figure]:
    """Run the unit tests, and give what they reach of the pure layers and of the rest, branches included."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "COVERAGE_FILE": f"{folder}/coverage"}
        run = [sys.executable, "-m", "coverage", "run", "-m", "pytest", "-q", "-n0", "tests/unit"]
        subprocess.run(run, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL, check=False)
        report = [sys.executable, "-m", "coverage", "json", "-q", "--include", "localrun/*", "-o", "/dev/stdout"]
        done = subprocess.run(report, cwd=ROOT, env=environ, stdout=subprocess.PIPE, check=True)
    rest = json.loads(done.stdout)["files"]
    for layer in PURE:
        files = {path: rest.pop(path) for path in [*rest] if re.match(rf"localrun/{layer}(/|\.py$)", path)}
        holes = [
            f"{path}: lines {item['missing_lines']}, branches {item['missing_branches']}"
            for path, item in files.items()
            if item["missing_lines"] or item["missing_branches"]
        ]
        yield Figure(f"coverage of {layer}, with branches", f"{add_up(files):.1f} %", "100 %", holes)
    yield Figure("coverage of the rest by unit tests", f"{add_up(rest):.1f} %")


def add_up(files: dict[str, dict[str, dict[str, int]]]) -> float:
    sums = collections.Counter()
    for item in files.values():
        sums.update({name: count for name, count in item["summary"].items() if isinstance(count, int)})
    whole = sums["num_statements"] + sums["num_branches"]
    return 100 * (sums["covered_lines"] + sums["covered_branches"]) / max(1, whole)


def main() -> None:
    parser = argparse.ArgumentParser(description="Print what the house measures.")
    parser.add_argument(
        "--coverage", action="store_true", help="run the unit tests for the coverage of the pure layers"
    )
    parser.add_argument("--list", action="store_true", help="name the places behind the figures")
    asked = parser.parse_args()
    package, tests = read_files("localrun"), read_files("tests")
    figures = [
        *measure_size(package),
        *measure_circles(),
        *measure_repetition(package),
        *measure_exceptions(package),
        *measure_patches(tests),
        *measure_public_names(),
        *measure_dead_code(),
        *(measure_coverage() if asked.coverage else ()),
    ]
    print(f"| {'what':40} | {'figure':>10} | {'aim':>8} |\n|{'-' * 42}|{'-' * 11}:|{'-' * 9}:|")
    for figure in figures:
        print(f"| {figure.name:40} | {figure.value:>10} | {figure.aim:>8} |")
        if asked.list:
            print(*[f"      {place}" for place in figure.places], sep="\n", end="\n" * bool(figure.places))


if __name__ == "__main__":
    main()
