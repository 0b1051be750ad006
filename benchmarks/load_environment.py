"""Loading an environment folder of 500 packages and fingerprinting it, in process.

    python benchmarks/load_environment.py [PACKAGES] [TIMES]

Goal: at most 20 ms together. PyYAML's and ruamel.yaml's plain reading of the same conda file stands beside it.
"""

from __future__ import annotations

import statistics
import sys
import time

from localrun.formats.v1_environment import read_environment_files, write_environment_files
from localrun.resolve.definition import fingerprint_document


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


def main(packages: int, times: int) -> None:
    from ruamel.yaml import YAML

    files = make_files(packages)
    text = files["conda_dependencies.yml"].decode()

    def load() -> object:
        return read_environment_files(files, where="benchmark")[0]

    document = load()
    steps = {
        "load": load,
        "fingerprint": lambda: fingerprint_document(document, platform="linux-64"),
        "load and fingerprint": lambda: fingerprint_document(load(), platform="linux-64"),
        "ruamel.yaml alone, safe": lambda: YAML(typ="safe", pure=True).load(text),
    }
    for name, step in steps.items():
        taken = []
        for _ in range(times):
            begin = time.perf_counter()
            step()
            taken.append((time.perf_counter() - begin) * 1000)
        print(f"{name:28} {statistics.median(taken):7.1f} ms (fastest {min(taken):6.1f}), {packages} packages")


if __name__ == "__main__":
    main(int((sys.argv[1:] or ["500"])[0]), int((sys.argv[2:] or ["20"])[0]))
