"""SIGTERM to the command with four ranks: until all ranks are gone, against `mpirun`.

python benchmarks/sigterm.py [ROUNDS]
"""

from __future__ import annotations

import sys
import tempfile
import time
from typing import TYPE_CHECKING

from ending import make_commands, time_end
from pairs import Row, alternate, make_environ, pick, print_table

if TYPE_CHECKING:
    import subprocess


def terminate(process: subprocess.Popen[bytes]) -> float:
    now = time.monotonic()
    process.terminate()
    return now


def measure(rounds: int = 15) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        environ = make_environ(f"{folder}/home")
        ours, mpirun = make_commands(folder)
        found = alternate(
            {
                "localrun": lambda: time_end(ours, environ, folder, terminate),
                "mpirun": lambda: time_end(mpirun, environ, folder, terminate),
            },
            rounds,
        )
    mine, others = pick(found["localrun"], "gone"), pick(found["mpirun"], "gone")
    return [Row("SIGTERM, all 4 ranks gone", "ms", mine, others, "mpirun", most=25)]


if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
