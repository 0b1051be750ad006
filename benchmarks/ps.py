"""`localrun ps -a` over 10,000 records against `python -c pass`, in alternating runs: medians and their ratio.

    python benchmarks/ps.py [RUNS] [PAIRS]

Goal: at most 10 times the bare interpreter.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

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


def measure(command: list[str], environ: dict[str, str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - begin) * 1000


def main(runs: int, pairs: int) -> None:
    script = os.path.join(os.path.dirname(sys.executable), "localrun")
    localrun = [script] if os.path.exists(script) else [sys.executable, "-m", "localrun"]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        f"localrun ps -a ({runs} runs)": [*localrun, "ps", "-a"],
        f"localrun ps -a --format json ({runs} runs)": [*localrun, "ps", "-a", "--format", "json"],
        "localrun ps": [*localrun, "ps"],
    }
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "LOCALRUN_HOME": folder}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        make_records(folder, runs)
        times: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(pairs + 1):
            for name, command in commands.items():
                taken = measure(command, environ)
                if number:  # the first round writes bytecode and fills caches
                    times[name].append(taken)
    bare = statistics.median(times["python -c pass"])
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:45} {median:7.1f} ms  {median / bare:5.2f} x")


if __name__ == "__main__":
    main(int((sys.argv[1:] or ["10000"])[0]), int((sys.argv[2:] or ["15"])[0]))
