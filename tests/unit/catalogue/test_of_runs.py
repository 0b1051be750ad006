"""The environments of runs: registered, not listed, found by their version."""

from __future__ import annotations

import os

import pytest

from localrun import catalogue
from localrun.catalogue.of_runs import ANONYMOUS, name_environment
from localrun.errors import BadInput
from localrun.formats.environment_document import document_of_spec
from localrun.formats.v1_environment import spec_of_document
from localrun.spec import EnvironmentSpec, ImageBuildSpec, PythonSpec, RegistrySpec, SparkSpec
from localrun.values import replace
from localrun.workspace import registry

PYTHON = PythonSpec(channels=("https://me:secret@c.example/t/tk/x",), conda=("python=3.11", "pip"), pip=("click",))
SPECS = [
    EnvironmentSpec(name="e", interpreter="python3"),
    EnvironmentSpec(name="e", python=PYTHON, image="base:1", environment_variables=(("A", "1"),)),
    EnvironmentSpec(name="e", python=PYTHON, build=ImageBuildSpec(dockerfile="FROM base"), platform="linux/arm64"),
    EnvironmentSpec(
        name="e", interpreter="python", image="r:5000/base",
        registry=RegistrySpec(address="r:5000", username="me", password="${PASSWORD_OF_R}"),
        spark=SparkSpec(repositories=("https://r",), packages=("g:a:1",), precached=False),
    ),
]  # fmt: skip


@pytest.fixture
def home(tmp_path):
    return str(tmp_path)


@pytest.mark.parametrize("spec", SPECS, ids=range(len(SPECS)))
def test_a_document_made_of_an_environment_is_read_to_the_same_environment(spec):
    found = spec_of_document(document_of_spec(spec))
    python = found.python and replace(found.python, directory="")
    assert replace(found, python=python, notes=()) == spec


def test_the_environment_of_a_run_is_registered_once_and_not_listed(home):
    named = [name_environment(home, spec, pytest.fail) for spec in (SPECS[1], SPECS[1], replace(SPECS[1], file="x"))]
    assert len(set(named)) == 1
    name, _, version = named[0].partition(":")
    assert name == "e"
    assert version.startswith("Autosave_")
    assert registry.names(home) == []
    document = registry.get(home, name, version=version)[1]
    conda = document["python"]["condaDependencies"]
    assert conda["dependencies"] == ["python=3.11", "pip", {"pip": ["click"]}]
    assert "secret" not in str(document)
    assert "/tk/" not in str(document)


def test_one_without_a_name_or_with_one_that_is_none_is_registered_anonymously(home):
    for name in ("", "my env"):
        assert name_environment(home, replace(SPECS[0], name=name), pytest.fail).startswith(f"{ANONYMOUS}:Autosave_")


def test_a_registered_one_keeps_its_name(home):
    assert name_environment(home, replace(SPECS[0], registered="e:3"), pytest.fail) == "e:3"
    assert os.listdir(home) == []


def test_a_copy_of_a_curated_environment_is_that_one_and_a_changed_one_is_refused(home):
    spec = spec_of_document(catalogue.get(home, "AzureML-sklearn-1.5"))
    assert name_environment(home, spec, pytest.fail) == "AzureML-sklearn-1.5:1"
    changed = replace(spec, python=replace(spec.python, pip=(*spec.python.pip, "click")))
    with pytest.raises(BadInput, match="can not start with the prefix AzureML"):
        name_environment(home, changed, pytest.fail)


def test_a_workspace_that_cannot_keep_it_is_told_and_the_run_goes_on(home):
    os.mkdir(os.path.join(home, "environments.db"))
    said = []
    assert name_environment(home, SPECS[0], said.append) == ""
    assert "is not registered" in said[0]
