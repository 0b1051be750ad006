"""What makes environments: one body, held against the fake, an interpreter, and conda from an offline channel."""

from __future__ import annotations

import os
import sys

import pytest

from localrun import environments
from localrun.environments.settings import BuildSettings
from localrun.fingerprint import environment_fingerprint, environment_name
from localrun.plan import EnvironmentPlan
from localrun.testing import FakeEngine, Package, PackageFile, index_channel, write_archive


def plan_conda(folder):
    write_archive(
        Package(name="tiny", version="1.0", files=(PackageFile(path="share/tiny", content=b"x"),)), str(folder)
    )
    os.makedirs(folder / "linux-64", exist_ok=True)
    index_channel(str(folder))
    definition = {"platform": "linux-64", "channels": (f"file://{folder}",), "conda": ("tiny",), "pip": ()}
    digest = environment_fingerprint(**definition)
    return EnvironmentPlan(kind="conda", name=environment_name(digest), fingerprint=digest, **definition)


@pytest.fixture(params=["fake", "interpreter", "conda"])
def port(request, tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    if request.param == "conda":
        (tmp_path / "channel").mkdir()
        return environments, plan_conda(tmp_path / "channel"), str(home)
    if request.param == "interpreter":
        return environments, EnvironmentPlan(kind="interpreter", interpreter=sys.executable), str(home)
    return FakeEngine(sys.executable), EnvironmentPlan(kind="conda", name="azureml_0"), str(home)


def make(engine, plan, home, **settings):
    return engine.materialize(plan, home=home, settings=BuildSettings(**settings), report=lambda progress: None)


def test_nothing_is_found_before_it_is_made(port):
    engine, plan, home = port
    assert engine.find(plan, home=home) is None


def test_what_was_made_is_found_and_is_the_same(port):
    engine, plan, home = port
    made = make(engine, plan, home)
    found = engine.find(plan, home=home)
    assert found is not None
    assert (found.kind, found.python, found.prefix, found.path) == (made.kind, made.python, made.prefix, made.path)


def test_the_second_time_it_is_reused(port):
    engine, plan, home = port
    make(engine, plan, home)
    assert make(engine, plan, home).reused


def test_its_evidence_holds(port):
    engine, plan, home = port
    for path, size, mtime_ns, inode in make(engine, plan, home).evidence:
        facts = os.stat(path)
        assert (facts.st_size, facts.st_mtime_ns, facts.st_ino) == (size, mtime_ns, inode)
