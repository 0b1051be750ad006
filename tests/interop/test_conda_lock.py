"""Locks held against conda-lock itself: it reads those of localrun, and localrun installs those that it writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "integration"))  # tests are not packages
from environment_kit import fill_channel, text_package
from lock_kit import listed
from run_kit import Driver

pytestmark = pytest.mark.channel

STAND_IN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "conda_stand_in.py")


@pytest.fixture
def localrun(own_workspace, tmp_path):
    driver = Driver(own_workspace, tmp_path / "source")
    yield driver
    assert not driver.wait_for_processes()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "channel"
    fill_channel(folder, [text_package("part", "1.0"), text_package("whole", depends=("part >=1",))])
    return folder


@pytest.fixture
def conda_lock(tmp_path):
    """Give conda-lock's command line; where it would call conda to solve, py-rattler does it."""
    conda = tmp_path / "conda"
    conda.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{STAND_IN}" "$@"\n')
    conda.chmod(0o755)
    names = tmp_path / "names.yml"
    names.write_text("{}")

    def run(*words, folder):
        environ = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
        options = {"cwd": folder, "env": environ, "capture_output": True, "text": True, "timeout": 250}
        if words[0] == "lock":
            words = (*words, "--conda", conda, "--pypi_to_conda_lookup_file", f"file://{names}")
        done = subprocess.run([sys.executable, "-m", "conda_lock", *words], check=False, **options)
        assert done.returncode == 0, done.stderr
        return done

    return run


def describe(folder, *dependencies):
    return json.dumps({"channels": [f"file://{folder}"], "dependencies": list(dependencies)})


def test_lock_of_localrun_is_rendered(localrun, folder, conda_lock):
    localrun.write("environment.yml", describe(folder, "whole"))
    done = localrun.command("env", "lock", "--platform", "linux-64", "--platform", "osx-arm64")
    assert done.returncode == 0, done.stderr
    conda_lock("render", "--kind", "explicit", "-p", "linux-64", "-p", "osx-arm64", folder=localrun.source)
    for platform in ("linux-64", "osx-arm64"):
        with open(os.path.join(localrun.source, f"conda-{platform}.lock"), encoding="utf-8") as file:
            lines = [line.partition("#")[0] for line in file.read().split("@EXPLICIT\n")[1].splitlines()]
        assert lines == [f"file://{folder}/noarch/{name}-1.0-0.conda" for name in ("part", "whole")]


def lay_out(localrun, folder):
    """Write each form of an environment whose conda file has a name, and give the flags that mean it."""
    localrun.write("environment.yml", describe(folder, "whole"))
    os.makedirs(os.path.join(localrun.source, "v1"))
    localrun.write("v1/azureml_environment.json", json.dumps({"name": "one", "version": None, "python": {}}))
    localrun.write("v1/conda_dependencies.yml", describe(folder, "whole"))
    localrun.write("wrapped.yml", "name: wrapped\nconda_file: environment.yml\n")
    job = {"command": "ls", "environment": {"image": "some/image", "conda_file": "../environment.yml"}}
    os.makedirs(os.path.join(localrun.source, "jobs"))
    localrun.write("jobs/job.yml", json.dumps(job))
    python = {"condaDependenciesFile": "environment.yml"}
    localrun.write("train.runconfig", json.dumps({"command": "ls", "environment": {"name": "two", "python": python}}))
    return {
        "file": ("-E", "environment.yml", "--command", "ls"),
        "environment YAML": ("-E", "wrapped.yml", "--command", "ls"),
        "v1 folder": ("-E", "v1", "--command", "ls"),
        "v2 job": ("-t", "local", "jobs/job.yml"),
        "run configuration": ("-t", "local", "train.runconfig"),
    }


def plan(localrun, *flags):
    done = localrun.command("plan", "--format", "json", *flags)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_lock_of_conda_lock_beside_a_conda_file_is_used_wherever_that_file_is_named(
    localrun, folder, conda_lock, tmp_path
):
    forms = lay_out(localrun, folder)
    conda_lock("lock", "-f", "environment.yml", "-p", "linux-64", folder=localrun.source)
    conda_lock(
        "lock", "-f", "conda_dependencies.yml", "-p", "linux-64", folder=os.path.join(localrun.source, "v1")
    )  # fmt: skip
    fill_channel(folder, [text_package("part", "2.0")])
    names = set()
    for form, flags in forms.items():
        found = plan(localrun, *flags)
        packages = [line.partition("#")[0].rpartition("/")[2] for line in found["environment"]["conda"]]
        assert packages == ["part-1.0-0.conda", "whole-1.0-0.conda"], form
        names.add(found["environment"]["name"])
    assert len(names) == 1
    made = localrun.command("env", "build", "environment.yml")
    assert listed(made.stdout.decode().strip()) == ["part-1.0-0.json", "whole-1.0-0.json"], made.stderr
    done = localrun.run("-t", "local", "jobs/job.yml")
    assert done.returncode == 0, done.stderr
    for name in ("environment.yml", "v1/conda_dependencies.yml"):
        localrun.write(name, describe(folder, "whole", "part >=2"))
    for form, flags in forms.items():
        found = plan(localrun, *flags)
        assert "part >=2" in found["environment"]["conda"], form
        assert any("not used: it has part 1.0, not part >=2" in note for note in found["notes"]), form
    other = fill_channel(tmp_path / "other", [text_package("whole", "3.0")])
    localrun.write("environment.yml", json.dumps({"channels": [other], "dependencies": ["whole"]}))
    (note,) = (note for note in plan(localrun, *forms["file"])["notes"] if "conda-lock.yml" in note)
    assert f"not used: its channels are file://{folder}, not {other};" in note


def test_entry_that_was_deleted_from_a_lock_of_conda_lock_is_named(localrun, folder, conda_lock):
    localrun.write("environment.yml", describe(folder, "whole"))
    conda_lock("lock", "-f", "environment.yml", "-p", "linux-64", folder=localrun.source)
    with open(os.path.join(localrun.source, "conda-lock.yml"), encoding="utf-8") as file:
        before, *entries = file.read().split("\n- name: ")
    assert [entry.partition("\n")[0] for entry in entries] == ["part", "whole"]
    localrun.write("conda-lock.yml", f"{before}\n- name: {entries[1]}")
    refused = localrun.command("env", "build", "conda-lock.yml")
    assert refused.returncode == 125
    assert b"whole needs part, which the lock lacks for linux-64: it was edited" in refused.stderr
    localrun.write("conda-lock.yml", f"{before}\n- name: {entries[0]}\n")
    found = plan(localrun, "-E", "environment.yml", "--command", "ls")
    assert any("not used: it has no whole;" in note for note in found["notes"]), found["notes"]


def test_lock_of_localrun_beside_a_conda_file_is_used_wherever_that_file_is_named(localrun, folder):
    forms = lay_out(localrun, folder)
    assert localrun.command("env", "lock").returncode == 0
    for form in ("file", "environment YAML", "v2 job"):
        packages = plan(localrun, *forms[form])["environment"]["conda"]
        assert [line.partition("#")[0].rpartition("/")[2] for line in packages] == [
            "part-1.0-0.conda",
            "whole-1.0-0.conda",
        ], form


def test_lock_in_the_working_directory_is_none_of_a_registered_environment(localrun, folder, conda_lock):
    lay_out(localrun, folder)
    done = localrun.command("env", "register", "-d", "v1")
    assert done.returncode == 0, done.stderr
    conda_lock("lock", "-f", "environment.yml", "-p", "linux-64", folder=localrun.source)
    assert plan(localrun, "-E", "one", "--command", "ls")["environment"]["conda"] == ["python", "whole"]
