"""What pages need that a reader has: a channel, an engine, a registry, a clone, a wheel, a proxy."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "integration"))

from page_kit import REPOSITORY
from proxy_kit import Proxy
from run_kit import Driver

SETTINGS = ("CONDARC", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "VIRTUAL_ENV", "DOCKER_CONTEXT", "NO_COLOR", "FORCE_COLOR")
"""Variables of the shell that the tests are run from, which a reader does not have."""


@pytest.fixture
def localrun(own_workspace, tmp_path):
    return Driver(own_workspace, tmp_path / "source")


class Reader:
    """Somebody with a fresh folder who has what a page needs.

    Attributes:
        folder: Where the page is typed.
        environ: The variables of that shell.
    """

    def __init__(self, tmp_path, home, request, stack):
        self.folder = str(tmp_path / "reader")
        os.mkdir(self.folder)
        self.environ = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        self.environ |= {
            "LOCALRUN_HOME": str(home),
            "LOCALRUN_SECRETS": "file",  # a keyring of this machine is none of the test's business
            "DOCKER_CONFIG": str(tmp_path / "docker"),
            "PATH": os.pathsep.join((os.path.dirname(sys.executable), os.environ["PATH"])),
        }
        self._tmp_path, self._request, self._stack = tmp_path, request, stack
        self._driver = Driver(home, tmp_path / "source")
        self._registry = ""

    def get_ready(self, page):
        for need in sorted(page.needs):
            getattr(self, f"bring_{need}")(page)

    def check_nothing_lives(self):
        live = self._driver.command("ps", "-q").stdout.decode().split()  # it ends what has lost its supervisor, too
        if live:
            self._driver.command("stop", "-t", "1", *live)
        assert not live, "a run of the page still lives"
        assert not self._driver.wait_for_processes()

    def bring_channel(self, page):
        self._request.getfixturevalue("warm_workspace")
        self.environ["CONDARC"] = self._request.getfixturevalue("condarc")

    def bring_engine(self, page):
        from engine_kit import BARE, PYTHON, Engine

        engine = Engine()
        for name in (BARE, PYTHON):
            engine.docker("image", "inspect", name)
        self._stack.callback(lambda: remove_images(engine, self._driver, self._registry))

    def bring_proxy(self, page):
        """Stand in for a company's proxy; where this machine has one already, it is that one."""
        own = self.environ.get("HTTPS_PROXY") or self.environ.get("https_proxy")
        address = own or f"http://127.0.0.1:{self._stack.enter_context(Proxy()).port}"
        page.stands_for["http://proxy.example.com:3128"] = address

    def bring_registry(self, page):
        from registry_kit import Registry

        registry = self._stack.enter_context(Registry(self._tmp_path / "registry"))
        page.stands_for["registry.example.com:5000"] = self._registry = registry.address
        self.environ["REGISTRY_PASSWORD"] = registry.password

    def bring_samples(self, page):
        shutil.copytree(os.path.join(REPOSITORY, "samples"), os.path.join(self.folder, "samples"))

    def bring_wheel(self, page):
        from uv import find_uv_bin

        command = (find_uv_bin(), "build", "--quiet", "--wheel", "--out-dir", f"{self.folder}/dist", REPOSITORY)
        subprocess.run(command, check=True)


def remove_images(engine, driver, address):
    """Remove what a page has made in the engine: the images of its environments, and those of its registry."""
    listed = driver.command("image", "list", "--format", "json")
    made = [row["name"] for row in json.loads(listed.stdout or "[]") if row["environments"]]
    names = engine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
    for name in [*made, *(name for name in names if address and name.startswith(f"{address}/"))]:
        engine.try_docker("image", "rm", "--force", name)


@pytest.fixture
def reader(own_workspace, tmp_path, request):
    with contextlib.ExitStack() as stack:
        one = Reader(tmp_path, own_workspace, request, stack)
        yield one
        one.check_nothing_lives()
