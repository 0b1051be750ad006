"""A warm run of one rank in a container with every feature on, against `docker run` of the same image and script.

    python benchmarks/docker_first_line.py [ROUNDS]

From the start of the command to the script's first line, as its reader sees it, and to the end of the command; on the
engine's default network and on the host's.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from functools import partial

from docker_anchor import check_image, make_docker, make_localrun
from pairs import LOCALRUN, Row, alternate, make_environ, pick, print_table, write_script
from warm_run import run_once

NETWORKS = {"bridge": (), "host": ("--network", "host")}


def measure(rounds: int = 15) -> list[Row]:
    check_image()
    with tempfile.TemporaryDirectory() as folder:
        source = f"{folder}/source"
        write_script(source, "print('hello', flush=True)\n")
        environ = make_environ(f"{folder}/home")
        time.sleep(0.2)  # a file that has just been written is not trusted to stay as it is
        sides = {}
        for network, options in NETWORKS.items():
            ours = [*make_localrun(LOCALRUN, *options), "script.py"]
            subprocess.run(ours, env=environ, cwd=source, stdout=subprocess.DEVNULL, check=True)
            sides[f"localrun {network}"] = partial(run_once, ours, environ, source)
            sides[network] = partial(run_once, [*make_docker(source, *options), "script.py"], environ, source)
        found = alternate(sides, rounds)
    rows = []
    for network in NETWORKS:
        ours, plain = found[f"localrun {network}"], found[network]
        first, ends = (pick(ours, "first"), pick(plain, "first")), (pick(ours, "exit"), pick(plain, "exit"))
        rows.append(Row(f"container, {network}: first line", "ms", *first, "docker run", most_over=15))
        rows.append(Row(f"container, {network}: exit", "ms", *ends, "docker run", most_over=0))
    return rows


if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
