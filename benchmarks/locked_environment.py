"""An environment of python, numpy, pandas and scikit-learn from its lock, package caches warm and no network.

    python benchmarks/locked_environment.py [ROUNDS]

`localrun run --offline -E conda-lock.yml` with an environment that is not there, the whole command, against `python -m
venv` and `pip install` of the same with pip's own cache warm. The lock is `localrun env lock`'s, of a channel that is
made here from this Python and of the package index that the variables of uv and pip name. pip's own settings do not
count: an index that is a folder of this machine has no addresses that a lock could name.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from conda_environment import time_ours, time_pip, write_environment
from pairs import LOCALRUN, Row, alternate, make_environ, pick, print_table

from localrun.testing import make_channel

PACKAGES = ("numpy", "pandas", "scikit-learn")
CHECK = "import numpy, pandas, sklearn"
QUICK = {"packages": ("six",), "check": "import six"}


def make_lock(environ: dict[str, str], folder: str, packages: tuple[str, ...]) -> str:
    """Lock the environment, and install the lock once, so that the caches have all that it names; give its path."""
    environment = write_environment(folder, make_channel(f"{folder}/channel"), packages)
    lock = f"{folder}/source/conda-lock.yml"
    commands = [
        [LOCALRUN, "env", "lock", "-q", "-E", environment, "-o", lock],
        [LOCALRUN, "run", "-q", "-E", lock, "--command", "true"],
    ]
    for command in commands:
        subprocess.run(command, env=environ, cwd=f"{folder}/source", check=True)
    return lock


def measure(rounds: int = 5, packages: tuple[str, ...] = PACKAGES, check: str = CHECK) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        environ = make_environ(f"{folder}/home") | {"PIP_CACHE_DIR": f"{folder}/pip-cache"}
        environ["PIP_CONFIG_FILE"] = os.devnull
        options = ("--offline", "-E", make_lock(environ, folder, packages))
        found = alternate(
            {
                "localrun": lambda: time_ours(environ, folder, options, check),
                "pip": lambda: time_pip(environ, folder, packages, check),
            },
            rounds,
        )
    ours, pip = pick(found["localrun"], "time"), pick(found["pip"], "time")
    return [Row("environment from its lock", "s", ours, pip, "venv + pip install", most=1, most_ratio=0.125)]


if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
