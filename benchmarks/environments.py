"""`localrun env list` and `env versions` with 10,000 environments and versions, as whole commands.

    python benchmarks/environments.py [ROUNDS] [COUNT]

`python -c pass` stands beside them, in alternating runs.
"""

from __future__ import annotations

import sys
import tempfile

from help import time_command
from pairs import LOCALRUN, Row, alternate, make_environ, pick, print_table

from localrun.workspace import registry, registry_file


def make_environments(home: str, count: int) -> None:
    document = {"environmentVariables": {}, "python": {"condaDependencies": {"dependencies": ["python=3.11"]}}}
    registry.register(home, "benchmark", document)
    digest = registry.content_digest(document)
    at = "2026-01-02T03:04:05.678Z"
    others = [(f"environment-{number:05}", "1", digest, at, 0) for number in range(count - 1)]
    versions = [("benchmark", str(number), digest, at, 0) for number in range(2, count + 1)]
    add = "INSERT INTO versions (name, version, digest, registered_at, anonymous) VALUES (?, ?, ?, ?, ?)"

    def fill(connection) -> None:
        connection.executemany(add, others + versions)
        connection.executemany("INSERT INTO latest VALUES (?, '1', 1, ?)", [(row[0], at) for row in others])
        connection.execute("UPDATE latest SET version = ?, versions = ? WHERE name = 'benchmark'", (str(count), count))

    registry_file.write(home, fill)


def measure(rounds: int = 15, count: int = 10_000) -> list[Row]:
    bare = "python -c pass"
    words = {
        f"localrun env list, {count:,}": ("list",),
        f"localrun env list --format json, {count:,}": ("list", "--format", "json"),
        f"localrun env versions, {count:,}": ("versions", "benchmark"),
        f"localrun env versions --format json, {count:,}": ("versions", "benchmark", "--format", "json"),
        "localrun env versions, 1": ("versions", "environment-00042"),
    }
    commands = {
        bare: [sys.executable, "-c", "pass"],
        **{name: [LOCALRUN, "env", *some] for name, some in words.items()},
    }
    with tempfile.TemporaryDirectory() as folder:
        environ = make_environ(folder)
        make_environments(folder, count)
        sides = {name: lambda command=command: time_command(command, environ) for name, command in commands.items()}
        found = {name: pick(samples, "exit") for name, samples in alternate(sides, rounds).items()}
    return [Row(name, "ms", found[name], found[bare], bare, most_ratio=10) for name in words]


QUICK = {"count": 100}

if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
