"""A new conda environment of python, numpy and pandas, package caches warm, against venv and pip with a warm cache.

    python benchmarks/conda_environment.py [ROUNDS]

The whole command counts: `localrun run` with a conda file that no environment exists for (resolve, solve, link, the pip
part, bytecode, checks, and a run of `true` in it) on one side, `python -m venv` and `pip install` on the other. The
channel is made here from this Python; numpy and pandas come from the package index that uv and pip are set up for.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

from pairs import LOCALRUN, Row, Sample, alternate, make_environ, pick, print_table, set_aside, write_script

from localrun.testing import make_channel


def write_environment(folder: str, channel: str, packages: tuple[str, ...]) -> str:
    """Write a conda file of python and pip packages into the source folder; give its path."""
    pins = "".join([f"      - {name}\n" for name in packages])
    text = f"channels: ['{channel}']\ndependencies:\n  - python\n  - pip\n  - pip:\n{pins}"
    return write_script(f"{folder}/source", text, "environment.yml")


def time_ours(environ: dict[str, str], folder: str, options: tuple[str, ...], check: str) -> Sample:
    """Make an environment anew by a run of `true` in it; `check` is what Python must be able to do there."""
    set_aside(folder, "home/environments", "home/plans")  # the caches of packages stay
    command = [LOCALRUN, "run", "-q", *options, "--command"]
    begin = time.perf_counter()
    subprocess.run([*command, "true"], env=environ, cwd=f"{folder}/source", check=True)
    taken = time.perf_counter() - begin
    subprocess.run([*command, f'python -c "{check}"'], env=environ, cwd=f"{folder}/source", check=True)
    return {"time": taken}


def time_pip(environ: dict[str, str], folder: str, packages: tuple[str, ...], check: str) -> Sample:
    set_aside(folder, "venv")
    python = f"{folder}/venv/bin/python"
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-m", "venv", f"{folder}/venv"], env=environ, check=True)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    subprocess.run(install, env=environ, check=True, stderr=subprocess.DEVNULL)
    taken = time.perf_counter() - begin
    subprocess.run([python, "-c", check], env=environ, check=True)
    return {"time": taken}


def measure(rounds: int = 5, packages: tuple[str, ...] = ("numpy", "pandas")) -> list[Row]:
    check = f"import {', '.join(packages)}"
    with tempfile.TemporaryDirectory() as folder:
        environment = write_environment(folder, make_channel(f"{folder}/channel"), packages)
        environ = make_environ(f"{folder}/home") | {"PIP_CACHE_DIR": f"{folder}/pip-cache"}
        found = alternate(
            {
                "localrun": lambda: time_ours(environ, folder, ("-E", environment), check),
                "pip": lambda: time_pip(environ, folder, packages, check),
            },
            rounds,
        )
    ours, pip = pick(found["localrun"], "time"), pick(found["pip"], "time")
    return [Row("new conda environment", "s", ours, pip, "venv + pip install", most=1.5, most_ratio=0.125)]


QUICK = {"packages": ("six",)}

if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
