"""Loading an environment folder of 500 packages and fingerprinting it, in process.

    python benchmarks/load_environment.py [ROUNDS] [PACKAGES]

ruamel.yaml's plain reading of the same conda file stands beside it.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from pairs import Row, Sample, alternate, pick, print_table

from localrun.formats.v1_environment import read_environment_files, write_environment_files
from localrun.resolve.definition import fingerprint_document

if TYPE_CHECKING:
    from collections.abc import Callable


def make_files(packages: int) -> dict[str, bytes]:
    half = packages // 2
    conda = [f"package-{number}=1.{number}" for number in range(half)]
    pip = [f"wheel-{number}==2.{number}.0" for number in range(packages - half)]
    document = {
        "name": "benchmark", "version": None, "environmentVariables": {},
        "python": {
            "userManagedDependencies": False, "interpreterPath": "python", "condaDependenciesFile": None,
            "baseCondaEnvironment": None,
            "condaDependencies": {"channels": ["conda-forge"], "dependencies": ["python=3.11", *conda, {"pip": pip}]},
        },
        "docker": {"baseImage": "python:3.11", "baseDockerfile": None},
    }  # fmt: skip
    return write_environment_files(document)


def time_step(step: Callable[[], object]) -> Sample:
    begin = time.perf_counter()
    step()
    return {"time": (time.perf_counter() - begin) * 1000}


def measure(rounds: int = 20, packages: int = 500) -> list[Row]:
    from ruamel.yaml import YAML

    files = make_files(packages)
    text = files["conda_dependencies.yml"].decode()

    def load() -> None:
        document = read_environment_files(files, where="benchmark")[0]
        fingerprint_document(document, platform="linux-64")

    sides = {
        "localrun": lambda: time_step(load),
        "ruamel": lambda: time_step(lambda: YAML(typ="safe", pure=True).load(text)),
    }
    found = {name: pick(samples, "time") for name, samples in alternate(sides, rounds).items()}
    name = f"environment of {packages} packages, read and fingerprinted"
    return [Row(name, "ms", found["localrun"], found["ruamel"], "ruamel.yaml alone", most=20)]


if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
