"""What a rebuild would bring: shown without a change, and before a rebuild."""

from __future__ import annotations

import json
import os
import shutil
import sys

import pytest

from localrun.environments.outdated import foresee_rebuild
from localrun.environments.settings import BuildSettings

sys.path.insert(0, os.path.dirname(__file__))  # tests are not packages
from environment_kit import fill_channel, make, make_plan, text_package
from lock_kit import listed

pytestmark = pytest.mark.channel


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "growing"
    fill_channel(
        folder, [text_package("part", "1.0"), text_package("old"), text_package("whole", depends=("part", "old"))]
    )
    return folder


def grow(folder):
    new = (text_package("part", "2.0"), text_package("new"), text_package("whole", "2.0", depends=("part", "new")))
    fill_channel(folder, new)


CHANGES = [
    {"manager": "conda", "name": "new", "before": None, "after": "1.0"},
    {"manager": "conda", "name": "old", "before": "1.0", "after": None},
    {"manager": "conda", "name": "part", "before": "1.0", "after": "2.0"},
    {"manager": "conda", "name": "whole", "before": "1.0", "after": "2.0"},
]
LINES = ("+ new 1.0", "- old 1.0", "  part 1.0 -> 2.0", "  whole 1.0 -> 2.0")


def snapshot(home):
    """Give all that lies in the environments of a workspace, with the times."""
    found = {}
    for path, _, names in os.walk(os.path.join(home, "environments")):
        found |= {os.path.join(path, name): os.lstat(os.path.join(path, name)).st_mtime_ns for name in names}
    return found


def test_outdated_shows_changes_and_changes_nothing_and_a_rebuild_says_them_before(localrun, folder):
    localrun.write("environment.yml", json.dumps({"channels": [f"file://{folder}"], "dependencies": ["whole"]}))
    refused = localrun.command("env", "outdated")
    assert refused.returncode == 125
    assert b"has not been made yet" in refused.stderr
    made = localrun.command("env", "build", "environment.yml")
    prefix = made.stdout.decode().strip()
    same = localrun.command("env", "outdated", "-q")
    assert same.stdout == b"a rebuild brings the same packages\n"
    grow(folder)
    shutil.rmtree(prefix)  # made again, an unpinned package is what it was at first
    assert localrun.command("env", "build", "-q", "environment.yml").returncode == 0
    assert listed(prefix) == ["old-1.0-0.json", "part-1.0-0.json", "whole-1.0-0.json"]
    before = snapshot(localrun.home)
    found = localrun.command("env", "outdated", "--format", "json")
    assert found.returncode == 0, found.stderr
    said = json.loads(found.stdout)
    assert said["changes"] == CHANGES
    assert said["environment"] == os.path.basename(prefix)
    text = localrun.command("env", "outdated")
    assert text.stdout.decode().splitlines() == list(LINES)
    assert snapshot(localrun.home) == before
    assert not [name for name in os.listdir(os.path.join(localrun.home, "cache")) if name.startswith(".tmp")]
    rebuilt = localrun.command("env", "build", "--rebuild", "environment.yml")
    told = rebuilt.stderr.decode().splitlines()
    places = [told.index(f"localrun: {line}") for line in LINES]
    assert places == sorted(places)
    assert max(places) < next(place for place, line in enumerate(told) if "rebuilding as asked" in line)
    assert listed(prefix) == ["new-1.0-0.json", "part-2.0-0.json", "whole-2.0-0.json"]
    assert localrun.command("env", "outdated", "-q").stdout == b"a rebuild brings the same packages\n"


def test_rebuild_makes_what_was_said_though_the_channel_has_gone_on(folder, own_workspace):
    plan = make_plan(f"file://{folder}", ("whole",))
    prefix = make(plan, own_workspace).prefix
    grow(folder)
    told = []
    coming = foresee_rebuild(plan, home=str(own_workspace), settings=BuildSettings(), report=told.append)
    assert [(one.name, one.after) for one in coming.changes if one.after] == [
        ("new", "1.0"), ("part", "2.0"), ("whole", "2.0")
    ]  # fmt: skip
    fill_channel(folder, [text_package("part", "3.0")])
    make(plan, own_workspace, rebuild=True, solution=coming.solution)
    assert listed(prefix) == ["new-1.0-0.json", "part-2.0-0.json", "whole-2.0-0.json"]
    make(plan, own_workspace, rebuild=True)
    assert listed(prefix) == ["new-1.0-0.json", "part-3.0-0.json", "whole-2.0-0.json"]


@pytest.mark.usefixtures("warm_workspace")
def test_registered_definitions_that_share_the_entry_are_named(localrun, folder, python_channel):
    conda = {"channels": [f"file://{folder}", python_channel], "dependencies": ["python", "whole"]}
    localrun.write("environment.yml", json.dumps(conda | {"name": "given"}))
    for name in ("one", "two", "other"):
        os.mkdir(os.path.join(localrun.source, name))
        localrun.write(f"{name}/azureml_environment.json", json.dumps({"name": name, "version": None, "python": {}}))
        more = {"dependencies": ["python", "part"]} if name == "other" else {}
        localrun.write(f"{name}/conda_dependencies.yml", json.dumps(conda | more))
        done = localrun.command("env", "register", "-d", name)
        assert done.returncode == 0, done.stderr
    done = localrun.command("env", "build", "environment.yml", timeout=250)
    assert done.returncode == 0, done.stderr
    grow(folder)
    found = json.loads(localrun.command("env", "outdated", "--format", "json").stdout)
    assert found["registered"] == ["one:1", "two:1"]
    rebuilt = localrun.command("env", "build", "--rebuild", "one", timeout=250)
    assert b"registered with these packages: one:1, two:1" in rebuilt.stderr


def test_environment_that_cannot_be_solved_any_more_survives_the_rebuild(localrun, folder):
    localrun.write("environment.yml", json.dumps({"channels": [f"file://{folder}"], "dependencies": ["whole"]}))
    prefix = localrun.command("env", "build", "environment.yml").stdout.decode().strip()
    os.unlink(folder / "noarch" / "repodata.json")
    fill_channel(folder, [])
    for name in os.listdir(folder / "noarch"):
        if name.startswith("whole"):
            os.unlink(folder / "noarch" / name)
    fill_channel(folder, [text_package("other")])
    refused = localrun.command("env", "build", "--rebuild", "environment.yml")
    assert refused.returncode == 125
    assert b"kind=solve" in refused.stderr
    assert listed(prefix) == ["old-1.0-0.json", "part-1.0-0.json", "whole-1.0-0.json"]
    assert localrun.command("env", "build", "environment.yml").returncode == 0


def test_lock_brings_nothing_new(localrun, folder):
    localrun.write("environment.yml", json.dumps({"channels": [f"file://{folder}"], "dependencies": ["whole"]}))
    assert localrun.command("env", "lock").returncode == 0
    assert localrun.command("env", "build", "conda-lock.yml").returncode == 0
    grow(folder)
    assert localrun.command("env", "outdated", "conda-lock.yml").stdout == b"a rebuild brings the same packages\n"


def test_image_is_looked_at_by_its_python_packages(localrun, folder, engine, bare_image):
    conda = {"channels": [f"file://{folder}"], "dependencies": ["whole"]}
    localrun.write("environment.yml", json.dumps({"image": bare_image, "conda_file": conda}))
    images = []
    try:
        made = localrun.command("env", "build", "-t", "docker", "environment.yml", timeout=200)
        assert made.returncode == 0, made.stderr
        images.append(made.stdout.decode().strip())
        grow(folder)
        found = localrun.command("env", "outdated", "-t", "docker", "--format", "json")
        assert json.loads(found.stdout)["changes"] == CHANGES, found.stderr
        rebuilt = localrun.command("env", "build", "-t", "docker", "--rebuild", "environment.yml", timeout=200)
        assert rebuilt.returncode == 0, rebuilt.stderr
        told = rebuilt.stderr.decode().splitlines()
        assert told.index(f"localrun: {LINES[0]}") < told.index("localrun: rebuilding as asked")
        same = localrun.command("env", "outdated", "-q", "-t", "docker")
        assert same.stdout == b"a rebuild brings the same packages\n"
    finally:
        for image in images:
            engine.docker("rmi", "--force", image)


@pytest.mark.pypi
@pytest.mark.usefixtures("warm_workspace")
def test_pip_part_is_looked_at_too(localrun, python_channel):
    conda = {"channels": [python_channel], "dependencies": ["python", "pip", {"pip": ["click>=8.1.6,<8.1.8"]}]}
    localrun.write("environment.yml", json.dumps(conda))
    made = localrun.command("env", "build", "-q", "environment.yml", timeout=250)
    assert made.returncode == 0, made.stderr
    prefix = made.stdout.decode().strip()
    with open(prefix + ".versions.json", encoding="utf-8") as file:
        versions = json.load(file)
    versions["pip"] = [{"name": "Click", "version": "8.1.6"}, {"name": "gone", "version": "1"}]
    with open(prefix + ".versions.json", "w", encoding="utf-8") as file:
        json.dump(versions, file)
    found = localrun.command("env", "outdated", "-q", timeout=250)
    assert found.stdout.decode().splitlines() == ["  click (pip) 8.1.6 -> 8.1.7", "- gone (pip) 1"], found.stderr
    rebuilt = localrun.command("env", "build", "--rebuild", "environment.yml", timeout=250)
    assert rebuilt.returncode == 0, rebuilt.stderr
    with open(prefix + ".versions.json", encoding="utf-8") as file:
        assert json.load(file)["pip"] == [{"name": "click", "version": "8.1.7"}]
