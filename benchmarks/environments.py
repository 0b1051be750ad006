"""`localrun env list` and `env versions` with 10,000 environments and versions, as whole commands.

    python benchmarks/environments.py [COUNT] [PAIRS]

Goal: at most 150 ms each. `python -c pass` stands beside them, in alternating runs.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

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


def measure(command: list[str], environ: dict[str, str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - begin) * 1000


def main(count: int, pairs: int) -> None:
    script = os.path.join(os.path.dirname(sys.executable), "localrun")
    localrun = [script] if os.path.exists(script) else [sys.executable, "-m", "localrun"]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        f"localrun env list ({count})": [*localrun, "env", "list"],
        f"localrun env list --format json ({count})": [*localrun, "env", "list", "--format", "json"],
        f"localrun env versions ({count})": [*localrun, "env", "versions", "benchmark"],
        f"localrun env versions --format json ({count})": [
            *localrun,
            "env",
            "versions",
            "benchmark",
            "--format",
            "json",
        ],
        "localrun env versions (1)": [*localrun, "env", "versions", "environment-00042"],
    }
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "LOCALRUN_HOME": folder}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        make_environments(folder, count)
        times: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(pairs + 1):
            for name, command in commands.items():
                taken = measure(command, environ)
                if number:  # the first round writes bytecode and fills caches
                    times[name].append(taken)
    bare = statistics.median(times["python -c pass"])
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:45} {median:7.1f} ms (fastest {min(taken):6.1f})  {median / bare:5.2f} x")


if __name__ == "__main__":
    main(int((sys.argv[1:] or ["10000"])[0]), int((sys.argv[2:] or ["15"])[0]))
