"""What the tests of environments share: small channels, plans, and builders in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from localrun.environments import materialize
from localrun.environments.settings import BuildSettings
from localrun.fingerprint import environment_fingerprint, environment_name
from localrun.plan import EnvironmentPlan
from localrun.testing.archive import write_archive
from localrun.testing.packages import Package, PackageFile
from localrun.testing.repodata import index_channel

BUILDER = os.path.join(os.path.dirname(__file__), "build_environment.py")


def text_package(name, version="1.0", *, count=1, depends=(), **more):
    files = tuple(
        PackageFile(path=f"share/{name}/{number}.txt", content=f"{name} {version} {number}\n".encode() * 20)
        for number in range(count)
    )
    return Package(name=name, version=version, depends=tuple(depends), **{"files": files, **more})


def fill_channel(folder, packages):
    for package in packages:
        write_archive(package, str(folder))
    os.makedirs(os.path.join(folder, "linux-64"), exist_ok=True)
    index_channel(str(folder))
    return f"file://{folder}"


def make_plan(channel, conda=("many",), pip=(), **more):
    fields = {
        "platform": "linux-64",
        "channels": (channel,) if channel else (),
        "conda": tuple(conda),
        "pip": tuple(pip),
    }
    digest = environment_fingerprint(**fields)
    return EnvironmentPlan(
        kind="conda", name=environment_name(digest), fingerprint=digest, label="test", **fields, **more
    )


def make(plan, home, report=lambda progress: None, **settings):
    return materialize(plan, home=str(home), settings=BuildSettings(**settings), report=report)


def start_builder(plan, home, **settings):
    plain = {name: getattr(plan, name) for name in type(plan).__slots__}
    request = json.dumps({"plan": plain, "home": str(home), "settings": settings})
    return subprocess.Popen(
        [sys.executable, BUILDER, request], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def last_line(process):
    output, errors = process.communicate(timeout=120)
    assert output, errors
    return json.loads(output.strip().split("\n")[-1])
