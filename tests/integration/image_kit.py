"""What the tests of images share: plans, makings in this process and in others, and images thrown away again."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
import zipfile

from localrun.adapters.files import Reading
from localrun.adapters.host import probe_host
from localrun.environments import find, materialize
from localrun.environments.image_leftovers import PREFIX, is_dead
from localrun.environments.settings import BuildSettings
from localrun.resolve import plan_environment
from localrun.spec import EnvironmentSpec, ImageBuildSpec, PythonSpec, RunSpec
from localrun.values import replace

BUILDER = os.path.join(os.path.dirname(__file__), "build_environment.py")


class Images:
    """Makes images on the machine's engine; what it made is removed by `clean`.

    Attributes:
        home: The workspace.
        channel: The conda channel.
        told: The texts of the progress of the last making.
    """

    def __init__(self, engine, home, channel):
        self.engine = engine
        self.home = str(home)
        self.channel = channel
        self.told = []
        self.names = []

    def plan(self, image="", *, conda=(), pip=(), dockerfile="", context="", directory="", name="test", **more):
        python = None
        if conda:
            python = PythonSpec(channels=(self.channel,), conda=conda, pip=pip, directory=str(directory))
        build = None
        if dockerfile:
            build = ImageBuildSpec(dockerfile=dockerfile, context=str(context))
        environment = EnvironmentSpec(image=image, python=python, build=build, name=name, **more)
        spec = RunSpec(command="true", environment=environment, target="docker")
        made = plan_environment(spec, probe_host(spec, os.environ, Reading()), "docker")
        if made.image.fingerprint:
            self.names.append(made.image.name)
        return made

    def make(self, plan, **settings):
        self.told = []
        return materialize(
            plan,
            home=self.home,
            settings=BuildSettings(**settings),
            report=lambda progress: self.told.append(progress.text),
        )

    def find(self, plan):
        return find(plan, home=self.home)

    def builder(self, plan, **settings):
        """Start a making in a process of its own."""
        request = json.dumps({"plan": plain(plan), "home": self.home, "settings": settings})
        return subprocess.Popen(
            [sys.executable, BUILDER, request], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, image, *words, options=()):
        return self.engine.docker("run", "--rm", "--label", f"localrun-test={self.home}", *options, image, *words)

    def inspect(self, image):
        return self.engine.inspect(image, "image")

    def containers(self):
        """Give the names of the containers that builds have left; others may be building just now."""
        left = self._list_left()
        for _ in range(600):
            if not left:
                break
            time.sleep(0.1)  # the engine may be removing them
            left = self._list_left()
        return left

    def _list_left(self):
        listed = [one["Names"][0].lstrip("/") for one in self.engine.list("container", f"name=^/{PREFIX}")]
        return [name for name in listed if is_dead(name.removeprefix(PREFIX).partition("_")[0], remote=False)]

    def clean(self):
        for name in dict.fromkeys(self.names):
            self.engine.forget(name)


def plain(item):
    """Give nested values as JSON takes them, with their class where it is one of ours."""
    if hasattr(type(item), "__slots__") and not isinstance(item, str | tuple | int | float):
        return {name: plain(getattr(item, name)) for name in type(item).__slots__}
    return [plain(part) for part in item] if isinstance(item, tuple | list) else item


def write_wheel(folder, name, version="1.0", text=""):
    """Write a wheel of one module, and give its file name."""
    module = f"{name}.py", (text or f"VERSION = {version!r}\n").encode()
    info = f"{name}-{version}.dist-info"
    metadata = f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    tags = f"{info}/WHEEL", b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    rows = []
    for path, data in (module, metadata, tags):
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(data)}\n")
    record = f"{info}/RECORD", "".join([*rows, f"{info}/RECORD,,\n"]).encode()
    file = f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, file), "w") as archive:
        for path, data in (module, metadata, tags, record):
            archive.writestr(path, data)
    return file


def with_image(plan, **changes):
    return replace(plan, image=replace(plan.image, **changes))
