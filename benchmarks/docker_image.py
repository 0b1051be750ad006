"""The image of an environment with numpy and pandas, on a base without Python; package caches and base image are there.

    python benchmarks/docker_image.py [ROUNDS]

Made from a ready lock, against `docker build` that copies the same prefix onto the same base; made for one more pip
package, against the making of the whole; found in the engine, in process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time

from docker_anchor import check_image
from pairs import Row, Sample, alternate, pick, print_table

from localrun.adapters.files import Reading
from localrun.adapters.host import probe_host
from localrun.environments import find, materialize
from localrun.environments.settings import BuildSettings
from localrun.resolve import plan_environment
from localrun.spec import EnvironmentSpec, PythonSpec, RunSpec
from localrun.testing import make_channel

BASE = "localrun-test/bare"
ASIDE = "localrun-benchmark/aside"
MORE = "tabulate"
LOOKUPS = 20


def make_plan(channel: str, packages: tuple[str, ...]):
    python = PythonSpec(channels=(channel,), conda=("python", "pip"), pip=packages)
    environment = EnvironmentSpec(image=BASE, python=python, name="benchmark")
    spec = RunSpec(command="true", environment=environment, target="docker")
    return plan_environment(spec, probe_host(spec, os.environ, Reading()), "docker")


def make(plan, home: str) -> float:
    """Make an image, and give the seconds; what was found instead would be no measurement."""
    begin = time.perf_counter()
    made = materialize(plan, home=home, settings=BuildSettings(), report=lambda _: None)
    taken = time.perf_counter() - begin
    assert not made.reused
    return taken


def call(*words: str) -> str:
    environ = {**os.environ, "DOCKER_BUILDKIT": "0"}
    return subprocess.run(("docker", *words), env=environ, capture_output=True, text=True, check=True).stdout.strip()


def set_aside(plan) -> None:
    """Take its name from an image and from the layer of conda packages below it; they are removed at the very end.

    Why not now: see `pairs.set_aside`.
    """
    found = subprocess.run(("docker", "image", "inspect", plan.image.name), capture_output=True, check=False)
    if found.returncode:
        return
    layer = (json.loads(found.stdout)[0]["Config"]["Labels"] or {}).get("localrun.layer", "")
    for name in (plan.image.name, f"azureml/layer_{layer[:32]}"):
        if call("image", "ls", "--quiet", name):
            call("tag", name, f"{ASIDE}:{time.monotonic_ns()}")
            call("image", "rm", name)


def remove_all() -> None:
    """Remove every image that was set aside, in that order: what stands on others comes before them."""
    for tag in sorted(call("image", "ls", "--format", "{{.Tag}}", ASIDE).split(), key=int):
        call("image", "rm", "--force", f"{ASIDE}:{tag}")


def copy_prefix(plan, folder: str) -> None:
    """Take the prefix out of the image, as the context of a build that copies it."""
    container = call("create", plan.image.name)
    call("cp", f"{container}:{plan.image.prefix}", f"{folder}/prefix")
    call("rm", container)
    with open(f"{folder}/Dockerfile", "w", encoding="utf-8") as file:
        file.write(f"FROM {BASE}\nCOPY prefix {plan.image.prefix}\n")


def time_copy(folder: str) -> Sample:
    begin = time.perf_counter()
    image = call("build", "--quiet", "--no-cache", folder)
    taken = time.perf_counter() - begin
    call("tag", image, f"{ASIDE}:{time.monotonic_ns()}")
    return {"time": taken}


def time_ours(plan, more, home: str) -> Sample:
    set_aside(more)
    set_aside(plan)
    return {"time": make(plan, home), "more": make(more, home)}


def time_lookup(plan, home: str) -> list[float]:
    taken = []
    for _ in range(LOOKUPS):
        begin = time.perf_counter()
        assert find(plan, home=home)
        taken.append((time.perf_counter() - begin) * 1000)
    return taken[1:]  # the first one imports


def measure(rounds: int = 3, packages: tuple[str, ...] = ("numpy", "pandas")) -> list[Row]:
    check_image(BASE)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        home, context = f"{folder}/home", f"{folder}/context"
        for name in (home, context):
            os.mkdir(name, 0o700)
        channel = make_channel(f"{folder}/channel")
        plan, more = make_plan(channel, packages), make_plan(channel, (*packages, MORE))
        try:
            make(plan, home)
            copy_prefix(plan, context)
            found = alternate(
                {"localrun": lambda: time_ours(plan, more, home), "docker": lambda: time_copy(context)}, rounds
            )
            lookups = time_lookup(plan, home)
        finally:
            set_aside(more)
            set_aside(plan)
            remove_all()
    first, copied = pick(found["localrun"], "time"), pick(found["docker"], "time")
    return [
        Row("image from a ready lock", "s", first, copied, "docker build, COPY", most_ratio=0.5),
        Row("image with one more package", "s", pick(found["localrun"], "more"), first, "the first", most_ratio=0.25),
        Row("image found in the engine", "ms", lookups, most=5),
    ]


QUICK = {"packages": ("six",)}

if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
