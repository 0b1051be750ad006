"""One of four ranks fails: from its last instruction until all others are gone, against `mpirun`.

python benchmarks/failure.py [ROUNDS]
"""

from __future__ import annotations

import sys
import tempfile
from typing import TYPE_CHECKING

from ending import make_commands, time_end
from pairs import Row, alternate, make_environ, pick, print_table

if TYPE_CHECKING:
    import subprocess


def measure(rounds: int = 15) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        environ = make_environ(f"{folder}/home")
        ours, mpirun = make_commands(folder)

        def fail(process: subprocess.Popen[bytes]) -> float:
            del process
            with open(f"{folder}/fail", "wb"):
                return 0  # the rank itself notes when

        found = alternate(
            {
                "localrun": lambda: time_end(ours, environ, folder, fail),
                "mpirun": lambda: time_end(mpirun, environ, folder, fail),
            },
            rounds,
        )
    mine, others = pick(found["localrun"], "gone"), pick(found["mpirun"], "gone")
    return [Row("a rank fails, all 4 gone", "ms", mine, others, "mpirun", most=25)]


if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
