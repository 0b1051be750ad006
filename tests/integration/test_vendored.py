"""Packages of a lock, collected in a folder, and environments made from it without a network."""

from __future__ import annotations

import json
import os
import shutil
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))  # tests are not packages
from channel_kit import link_or_copy
from lock_kit import NAMES, listed, make_parts, serve, write_lock, write_python_lock
from run_kit import Driver

pytestmark = pytest.mark.channel

NOWHERE = {
    "UV_INDEX_URL": "http://127.0.0.1:1/simple",
    "UV_EXTRA_INDEX_URL": "",
    "UV_FIND_LINKS": "",
    "HTTPS_PROXY": "http://127.0.0.1:1",
    "HTTP_PROXY": "http://127.0.0.1:1",
}
"""Environment variables of a machine that reaches nothing."""


@pytest.fixture
def channel(tmp_path):
    return make_parts(tmp_path / "channel")


@pytest.fixture
def own_channel(python_channel, tmp_path):
    """Give a channel with python that a test may take away."""
    folder = tmp_path / "python"
    shutil.copytree(python_channel.removeprefix("file://"), folder, copy_function=link_or_copy)
    return f"file://{folder}"


@pytest.fixture
def served(channel):
    with serve(channel) as address:
        yield address


@pytest.fixture
def elsewhere(localrun, unpacked, tmp_path):
    """Give the command line of another machine: a workspace of its own, no package in it, but bytecode of its python."""
    unpacked(tmp_path / "other-home", "bytecode")
    driver = Driver(tmp_path / "other-home", tmp_path / "elsewhere")
    yield driver
    assert not driver.wait_for_processes()


def test_environment_is_built_from_the_folder_on_a_machine_that_reaches_nothing(localrun, elsewhere, served, channel):
    write_lock(localrun, served, channel, NAMES)
    done = localrun.command("env", "vendor", "packages")
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"packages\n"
    carried = os.path.join(elsewhere.source, "a, b c")
    shutil.move(os.path.join(localrun.source, "packages"), carried)
    shutil.rmtree(channel)
    made = elsewhere.command("env", "build", "--offline", "--vendored", "a, b c", env=NOWHERE)
    assert made.returncode == 0, made.stderr
    prefix = made.stdout.decode().strip()
    assert listed(prefix) == ["part-1.0-0.json", "whole-1.0-0.json"]
    with open(os.path.join(prefix, "conda-meta", "part-1.0-0.json"), encoding="utf-8") as file:
        record = json.load(file)
    assert record["url"] == f"{served}/noarch/part-1.0-0.conda"
    shutil.rmtree(carried)
    planned = elsewhere.command("env", "build", os.path.join(localrun.source, "conda-lock.yml"), env=NOWHERE)
    assert planned.stdout == made.stdout, planned.stderr  # it is the environment of that lock, wherever it came from


def test_what_is_there_is_not_fetched_again_and_what_is_damaged_is(localrun, served, channel):
    write_lock(localrun, served, channel, NAMES)
    assert localrun.command("env", "vendor", "packages").returncode == 0
    os.unlink(channel / "noarch" / "whole-1.0-0.conda")
    part = localrun.write("packages/conda/noarch/part-1.0-0.conda", "damaged")
    os.unlink(os.path.join(localrun.source, "packages", "conda-lock.yml"))
    done = localrun.command("env", "vendor", "packages")
    assert done.returncode == 0, done.stderr
    assert os.path.getsize(part) > 100
    assert sorted(os.listdir(os.path.join(localrun.source, "packages"))) == ["conda", "conda-lock.yml", "wheels"]


def test_package_that_is_gone_or_has_other_bytes_is_named_and_the_folder_is_not_complete(localrun, served, channel):
    write_lock(localrun, served, channel, NAMES)
    os.unlink(channel / "noarch" / "part-1.0-0.conda")
    refused = localrun.command("env", "vendor", "packages")
    assert refused.returncode == 125
    assert b"part 1.0 of the lock is gone" in refused.stderr
    assert b"--as-of" in refused.stderr
    shutil.copy(channel / "noarch" / "part-2.0-0.conda", channel / "noarch" / "part-1.0-0.conda")
    refused = localrun.command("env", "vendor", "packages")
    assert refused.returncode == 125
    assert b"part 1.0 is not what the lock says" in refused.stderr
    assert not os.path.exists(os.path.join(localrun.source, "packages", "conda", "noarch", "part-1.0-0.conda"))
    refused = localrun.command("env", "build", "--vendored", "packages")
    assert refused.returncode == 125
    assert b"there is no conda-lock.yml" in refused.stderr
    assert b"env vendor" in refused.stderr


def test_package_that_the_folder_lacks_is_not_fetched(localrun, elsewhere, served, channel):
    write_lock(localrun, served, channel, NAMES)
    assert localrun.command("env", "vendor", "packages").returncode == 0
    folder = os.path.join(localrun.source, "packages")
    os.unlink(os.path.join(folder, "conda", "noarch", "part-1.0-0.conda"))
    refused = elsewhere.command("env", "build", "--vendored", folder)
    assert refused.returncode == 125
    assert b"part 1.0 is not among the collected packages" in refused.stderr
    shutil.copy(channel / "noarch" / "part-2.0-0.conda", os.path.join(folder, "conda", "noarch", "part-1.0-0.conda"))
    refused = elsewhere.command("env", "build", "--vendored", folder)
    assert refused.returncode == 125
    assert b"part-1.0-0.conda is not the package" in refused.stderr


def test_folder_with_something_else_in_it_is_refused(localrun, served, channel):
    write_lock(localrun, served, channel, NAMES)
    refused = localrun.command("env", "vendor", ".")
    assert refused.returncode == 125
    assert b"it holds something else than packages" in refused.stderr
    assert os.listdir(localrun.source) == ["conda-lock.yml"]


def test_only_a_lock_is_collected_and_built_from(localrun, served, channel):
    write_lock(localrun, served, channel, NAMES)
    localrun.write("environment.yml", json.dumps({"channels": [served], "dependencies": ["part"]}))
    refused = localrun.command("env", "vendor", "--lock", "environment.yml", "packages")
    assert b"environment.yml is no lock file" in refused.stderr
    refused = localrun.command("env", "vendor", "--platform", "osx-64", "packages")
    assert b"the lock is for linux-64, not for osx-64" in refused.stderr
    assert localrun.command("env", "vendor", "packages").returncode == 0
    os.unlink(os.path.join(localrun.source, "conda-lock.yml"))
    refused = localrun.command("env", "build", "--vendored", "packages", "environment.yml")
    assert refused.returncode == 125
    assert b"the environment is not that of a lock" in refused.stderr
    refused = localrun.command("env", "build")
    assert refused.returncode == 125
    assert b"no environment is named" in refused.stderr


@pytest.mark.slow
def test_image_is_built_from_the_folder_with_packages_of_pip(
    localrun, elsewhere, engine, bare_image, own_channel, tmp_path
):
    folder = own_channel.removeprefix("file://")
    write_python_lock(localrun, folder, tmp_path)
    done = localrun.command("env", "vendor", "a, b", timeout=200)
    assert done.returncode == 0, done.stderr
    carried = os.path.join(elsewhere.source, "a, b")
    shutil.move(os.path.join(localrun.source, "a, b"), carried)
    shutil.rmtree(folder)
    shutil.rmtree(tmp_path / "wheels")
    conda_file = {"channels": ["file:///nowhere"], "dependencies": ["python", "pip", {"pip": ["greeting"]}]}
    elsewhere.write("wrapped.yml", json.dumps({"image": bare_image, "conda_file": conda_file}))
    words = ("env", "build", "--vendored", "a, b", "--lock", "a, b/conda-lock.yml", "wrapped.yml")
    local = elsewhere.command(*words, "-t", "local", env=NOWHERE, timeout=250)
    assert local.returncode == 0, local.stderr
    made = elsewhere.command(*words, "-t", "docker", env=NOWHERE, timeout=250)
    assert made.returncode == 0, made.stderr
    image = made.stdout.decode().strip()
    try:
        prefix = engine.docker("run", "--rm", image, "sh", "-c", "ls -d /azureml-envs/*").strip()
        program = "import greeting; print(greeting.hello())"
        said = engine.docker("run", "--rm", "--network", "none", image, f"{prefix}/bin/python", "-c", program)
        assert said.strip() == "we love you"
    finally:
        engine.docker("rmi", "--force", image)


@pytest.mark.pypi
def test_wheels_are_collected_and_installed_without_an_index(localrun, elsewhere, own_channel):
    pip = ["click==8.1.7", "markupsafe==2.1.5"]
    conda = {"channels": [own_channel], "dependencies": ["python", "pip", {"pip": pip}]}
    localrun.write("environment.yml", json.dumps(conda))
    done = localrun.command("env", "lock", timeout=200)
    assert done.returncode == 0, done.stderr
    done = localrun.command("env", "vendor", "packages", timeout=200)
    assert done.returncode == 0, done.stderr
    folder = os.path.join(localrun.source, "packages")
    wheels = os.listdir(os.path.join(folder, "wheels"))
    assert "click-8.1.7-py3-none-any.whl" in wheels
    shutil.rmtree(own_channel.removeprefix("file://"))
    made = elsewhere.command("env", "build", "-q", "--vendored", folder, env=NOWHERE, timeout=250)
    assert made.returncode == 0, made.stderr
    with open(made.stdout.decode().strip() + ".versions.json", encoding="utf-8") as file:
        found = {(one["name"].lower(), one["version"]) for one in json.load(file)["pip"]}
    assert found == {("click", "8.1.7"), ("markupsafe", "2.1.5")}


@pytest.mark.pypi
@pytest.mark.slow
def test_source_archive_is_built_with_what_was_collected_for_it(localrun, elsewhere, python_channel):
    conda = {"channels": [python_channel], "dependencies": ["python", "pip", {"pip": ["docopt==0.6.2"]}]}
    localrun.write("environment.yml", json.dumps(conda))
    done = localrun.command("env", "lock", timeout=200)
    assert done.returncode == 0, done.stderr
    done = localrun.command("env", "vendor", "packages", timeout=200)
    assert done.returncode == 0, done.stderr
    names = sorted(name.partition("-")[0] for name in os.listdir(os.path.join(localrun.source, "packages", "wheels")))
    assert {"docopt", "setuptools", "wheel"} <= set(names)
    folder = os.path.join(localrun.source, "packages")
    made = elsewhere.command("env", "build", "-q", "--vendored", folder, env=NOWHERE, timeout=250)
    assert made.returncode == 0, made.stderr
    with open(made.stdout.decode().strip() + ".versions.json", encoding="utf-8") as file:
        assert json.load(file)["pip"] == [{"name": "docopt", "version": "0.6.2"}]
