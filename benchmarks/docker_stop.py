"""Four ranks in two containers: from the first failure, and from SIGTERM to the command, until all ranks are gone.

python benchmarks/docker_stop.py [ROUNDS]
"""

from __future__ import annotations

import sys
import tempfile
import time

from docker_anchor import check_image, make_localrun
from ending import SCRIPT, fail, terminate, time_end
from pairs import LOCALRUN, Row, alternate, make_environ, pick, print_table, write_script


def measure(rounds: int = 11) -> list[Row]:
    check_image()
    with tempfile.TemporaryDirectory() as folder:
        environ = make_environ(f"{folder}/home")
        write_script(f"{folder}/source", SCRIPT)
        time.sleep(0.2)  # a file that has just been written is not trusted to stay as it is
        options = ("--nodes", "2", "-n", "2", "-v", f"{folder}:{folder}")
        command = [*make_localrun(LOCALRUN, *options), "script.py", folder]
        found = alternate(
            {
                "failure": lambda: time_end(command, environ, folder, lambda _: fail(folder)),
                "SIGTERM": lambda: time_end(command, environ, folder, terminate),
            },
            rounds,
        )
    return [
        Row("containers: first failure, all 4 ranks gone", "ms", pick(found["failure"], "gone"), most=100),
        Row("containers: SIGTERM, all 4 ranks gone", "ms", pick(found["SIGTERM"], "gone"), most=100),
    ]


if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
