"""`localrun --help` against the bare interpreter.

python benchmarks/help.py [ROUNDS]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

from pairs import LOCALRUN, Row, Sample, alternate, make_environ, pick, print_table


def time_command(command: list[str], environ: dict[str, str]) -> Sample:
    begin = time.perf_counter()
    subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=True)
    return {"exit": (time.perf_counter() - begin) * 1000}


def measure(rounds: int = 31) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        environ = make_environ(folder)
        found = alternate(
            {
                "localrun": lambda: time_command([LOCALRUN, "--help"], environ),
                "python": lambda: time_command([sys.executable, "-c", "pass"], environ),
            },
            rounds,
        )
    ours, bare = pick(found["localrun"], "exit"), pick(found["python"], "exit")
    return [Row("localrun --help", "ms", ours, bare, "python -c pass", most_ratio=6)]


if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
