"""One more pip package in an image: what is there is not installed again, and what comes out is what it always was."""

from __future__ import annotations

import json

import pytest
from image_kit import write_wheel


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """Give a folder of wheels, the only place where packages are looked for."""
    (tmp_path / "wheels").mkdir()
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
    return tmp_path / "wheels"


@pytest.fixture
def build(images, python_channel, own_base, wheels, warm_workspace):
    """Make the image of some pip requirements; give its layers, its pip packages and what the log says of the way."""
    images.channel = python_channel

    def make(*pip, **settings):
        plan = images.plan(own_base, conda=("python", "pip"), pip=pip)
        made = images.make(plan, offline=True, **settings)
        assert not made.reused
        facts = images.inspect(plan.image.name)
        labels = facts["Config"]["Labels"]
        versions = {one["name"]: one["version"] for one in json.loads(labels["localrun.versions"])["pip"]}
        assert labels["localrun.fingerprint"] == plan.image.fingerprint
        assert images.find(plan)
        return facts["RootFS"]["Layers"], versions, images.run(plan.image.name, "python", "-c", SHOW), plan

    return make


SHOW = "import importlib\nfor name in ('lrone', 'lrtwo'):\n    try: print(importlib.import_module(name).VERSION)\n    except ImportError: print('none')"


def test_package_that_is_added_is_the_only_one_that_is_installed(build, wheels, images):
    write_wheel(wheels, "lrone")
    write_wheel(wheels, "lrtwo", "2.0")
    first, versions, _, plan = build("lrone")
    assert versions == {"lrone": "1.0"}
    more, versions, seen, _ = build("lrone", "lrtwo>=1")
    assert more[:-1] == first
    assert versions == {"lrone": "1.0", "lrtwo": "2.0"}
    assert seen.split() == ["1.0", "2.0"]

    # It does not need the one that it was begun with.
    images.engine.docker("image", "rm", "--force", plan.image.name)
    assert images.run(images.names[-1], "python", "-c", SHOW).split() == ["1.0", "2.0"]
    assert not images.find(plan)


def test_newer_version_of_what_is_there_is_taken_as_without_it(build, wheels):
    write_wheel(wheels, "lrone")
    write_wheel(wheels, "lrtwo")
    first, _, _, _ = build("lrone")
    write_wheel(wheels, "lrone", "1.1")
    more, versions, seen, _ = build("lrone", "lrtwo")
    assert more[:-1] == first[:-1]  # the conda layer
    assert versions == {"lrone": "1.1", "lrtwo": "1.0"}
    assert seen.split() == ["1.1", "1.0"]


def test_what_is_not_wanted_any_more_is_not_in_the_image(build, wheels):
    write_wheel(wheels, "lrone")
    write_wheel(wheels, "lrtwo")
    build("lrone", "lrtwo")
    _, versions, seen, _ = build("lrtwo")
    assert versions == {"lrtwo": "1.0"}
    assert seen.split() == ["none", "1.0"]


def test_rebuilding_on_purpose_begins_with_the_conda_layer(build, wheels):
    write_wheel(wheels, "lrone")
    write_wheel(wheels, "lrtwo")
    first, _, _, _ = build("lrone")
    more, _, _, _ = build("lrone", "lrtwo", rebuild=True)
    assert more[:-1] == first[:-1]
