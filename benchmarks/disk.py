"""The disk that ten conda environments with most packages in common take, against one; hard links are switched on.

    python benchmarks/disk.py [ROUNDS] [COUNT]

What counts is what `du` says of the workspace with its package caches, so that a file of several names counts once.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

from conda_environment import write_environment
from pairs import LOCALRUN, Row, Sample, make_environ, pick, print_table

from localrun.testing import make_channel

SHARED = ("numpy", "pandas")
OWN = ("colorama", "humanize", "idna", "iniconfig", "packaging", "six", "tabulate", "toml", "wcwidth", "zipp")
"""One small package for each environment, so that no two are the same."""
MEGABYTE = 1e6
QUICK = {"count": 2}


def make_environment(environ: dict[str, str], folder: str, channel: str, name: str) -> None:
    environment = write_environment(folder, channel, (*SHARED, name))
    command = [LOCALRUN, "run", "-q", "-E", environment, "--command", "true"]
    subprocess.run(command, env=environ, cwd=f"{folder}/source", check=True)


def count_bytes(folder: str) -> float:
    done = subprocess.run(["du", "-s", "--block-size=1", folder], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0]) / MEGABYTE


def measure_once(count: int) -> Sample:
    with tempfile.TemporaryDirectory() as folder:
        channel = make_channel(f"{folder}/channel")
        environ = make_environ(f"{folder}/home") | {"LOCALRUN_HARD_LINKS": "1"}
        sizes = []
        for name in OWN[:count]:
            make_environment(environ, folder, channel, name)
            sizes.append(count_bytes(f"{folder}/home"))
    return {"all": sizes[-1], "one": sizes[0]}


def measure(rounds: int = 1, count: int = len(OWN)) -> list[Row]:
    found = [measure_once(count) for _ in range(rounds)]
    return [Row(f"disk of {count} environments", "MB", pick(found, "all"), pick(found, "one"), "one", most_ratio=1.3)]


if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
