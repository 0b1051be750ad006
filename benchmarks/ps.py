"""`localrun ps` over 10,000 records against the bare interpreter.

python benchmarks/ps.py [ROUNDS] [RECORDS]
"""

from __future__ import annotations

import os
import sys
import tempfile

from help import time_command
from pairs import LOCALRUN, Row, alternate, make_environ, pick, print_table

from localrun.workspace import database, records


def make_records(home: str, count: int) -> None:
    made = []
    for number in range(count):
        run_id = f"benchmark_{1700000000 + number}_{number:08x}"
        folder = records.folder_of(home, run_id)
        record = {
            "schema": records.SCHEMA, "run_id": run_id, "status": "completed", "exit_code": 0,
            "experiment": "benchmark", "display_name": "", "target": "local",
            "started_at": records.timestamp(1700000000 + number), "duration_s": number / 7, "folder": folder,
        }  # fmt: skip
        os.makedirs(folder)
        made.append(record)
    database.add_missing(home, made, print)


def measure(rounds: int = 15, count: int = 10_000) -> list[Row]:
    bare = "python -c pass"
    commands = {
        bare: [sys.executable, "-c", "pass"],
        f"localrun ps -a, {count:,} runs": [LOCALRUN, "ps", "-a"],
        f"localrun ps -a --format json, {count:,} runs": [LOCALRUN, "ps", "-a", "--format", "json"],
        "localrun ps": [LOCALRUN, "ps"],
    }
    with tempfile.TemporaryDirectory() as folder:
        environ = make_environ(folder)
        make_records(folder, count)
        sides = {name: lambda command=command: time_command(command, environ) for name, command in commands.items()}
        found = {name: pick(samples, "exit") for name, samples in alternate(sides, rounds).items()}
    return [Row(name, "ms", taken, found[bare], bare, most_ratio=10) for name, taken in found.items() if name != bare]


QUICK = {"count": 100}

if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
