from __future__ import annotations

import os

import pytest

from localrun import catalogue
from localrun.catalogue.lookup import find_registered
from localrun.errors import BadInput, EnvironmentNotFound
from localrun.formats.v1_environment import spec_of_document
from localrun.workspace import registry

PUBLIC = [
    "AzureML-Minimal", "AzureML-Tutorial", "AzureML-acpt-pytorch-2.8-cuda12.6", "AzureML-lightgbm-3.3",
    "AzureML-sklearn-1.5", "AzureML-tensorflow-2.16-cuda12",
]  # fmt: skip


@pytest.fixture
def home(tmp_path):
    return str(tmp_path)


def make_own(home, name, version, package):
    folder = os.path.join(home, "catalogue", name, version)
    os.makedirs(folder)
    with open(os.path.join(folder, "azureml_environment.json"), "w", encoding="utf-8") as file:
        file.write('{"name": "ignored", "environmentVariables": {}}')
    with open(os.path.join(folder, "conda_dependencies.yml"), "w", encoding="utf-8") as file:
        file.write(f"dependencies:\n- python=3.11\n- {package}\n")


def dependencies(document):
    return document["python"]["condaDependencies"]["dependencies"]


def test_catalogue_has_the_public_names(home):
    assert catalogue.names(home) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_curated_environment_can_be_planned_and_names_its_source(home, name):
    document = catalogue.get(home, name)
    spec = spec_of_document(document)
    assert (document["name"], document["version"]) == (name, "1")
    assert any(package.startswith("python") for package in spec.python.conda)
    assert any(line.startswith("azureml-core") for line in spec.python.pip)
    assert spec.image
    folder = catalogue.find_folder(home, name)
    with open(os.path.join(folder, "source.txt"), encoding="utf-8") as file:
        assert "azure" in file.read()


def test_name_is_found_in_any_case_and_without_the_prefix_of_the_registry(home):
    for name in ("azureml-SKLEARN-1.5", "sklearn-1.5"):
        assert catalogue.get(home, name)["name"] == "AzureML-sklearn-1.5"


@pytest.mark.parametrize(
    "reference",
    [
        "azureml:AzureML-sklearn-1.5@latest", "azureml:AzureML-sklearn-1.5:1", "azureml:AzureML-sklearn-1.5",
        "AzureML-sklearn-1.5", "azureml://registries/azureml/environments/sklearn-1.5/versions/1",
        "azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
    ],
)  # fmt: skip
def test_every_reference_finds_the_curated_environment(home, reference):
    assert find_registered(home, reference)["name"] == "AzureML-sklearn-1.5"


def test_own_catalogue_comes_first_and_adds_versions(home):
    make_own(home, "AzureML-sklearn-1.5", "41", "own-package")
    assert catalogue.versions(home, "AzureML-sklearn-1.5") == ["1", "41"]
    assert "own-package" in dependencies(find_registered(home, "azureml:AzureML-sklearn-1.5@latest"))
    assert "own-package" not in dependencies(find_registered(home, "azureml:AzureML-sklearn-1.5:1"))
    make_own(home, "AzureML-sklearn-1.5", "1", "first")
    assert "first" in dependencies(find_registered(home, "azureml:AzureML-sklearn-1.5:1"))


def test_workspace_comes_before_the_catalogue(home):
    make_own(home, "team-env", "1", "curated")
    assert "curated" in dependencies(find_registered(home, "team-env"))
    registry.register(home, "team-env", {"python": {"condaDependencies": {"dependencies": ["registered"]}}})
    assert dependencies(find_registered(home, "team-env")) == ["registered"]
    assert dependencies(find_registered(home, "azureml://registries/r/environments/team-env")) != ["registered"]


def test_missing_name_version_and_label_are_told_apart(home):
    assert find_registered(home, "nothing") is None
    with pytest.raises(EnvironmentNotFound, match="has no version 99 here"):
        find_registered(home, "azureml:AzureML-sklearn-1.5:99")
    with pytest.raises(EnvironmentNotFound, match="has no label prod"):
        find_registered(home, "azureml:AzureML-sklearn-1.5@prod")
    registry.register(home, "mine", {"docker": {}})
    with pytest.raises(EnvironmentNotFound, match="environment mine has no version 2"):
        find_registered(home, "mine:2")


@pytest.mark.parametrize(
    ("reference", "place"),
    [
        ("azureml://registries/azureml/environments/model-9/labels/latest", "model-9/1"),
        ("azureml://registries/r/environments/x/versions/33", "x/33"),
        ("azureml:AzureML-pytorch-1.0@latest", "AzureML-pytorch-1.0/1"),
    ],
)
def test_a_curated_environment_that_is_not_here_says_where_a_copy_may_be_put(home, reference, place):
    with pytest.raises(EnvironmentNotFound, match="is not on this machine") as raised:
        find_registered(home, reference)
    assert f"{home}/catalogue/{place}" in raised.value.hint
    make_own(home, *place.split("/"), "curated")
    assert "curated" in dependencies(find_registered(home, reference))


def test_answer_depends_on_the_paths_that_are_looked_at(home):
    seen = []
    find_registered(home, "mine", look=seen.append)
    assert f"{home}/environments.db" in seen
    assert f"{home}/catalogue/mine/1" in seen


@pytest.mark.parametrize("name", ["AzureML-x", "azureml-x", "AZUREML", "Microsoft", "microsoft-thing", "AzureMLx"])
@pytest.mark.parametrize("registering", [True, False])
def test_reserved_names_are_refused_in_the_words_of_the_service(home, name, registering):
    prefix = "Microsoft" if name.lower().startswith("m") else "AzureML"
    words = f"^Environment name can not start with the prefix {prefix}. To alter a curated environment first create a"
    with pytest.raises(BadInput, match=words):
        catalogue.refuse_reserved(home, {"name": name}, registering=registering)


@pytest.mark.parametrize("name", ["my-AzureML", "azure-ml", "", None, "micro"])
def test_other_names_are_not_reserved(home, name):
    catalogue.refuse_reserved(home, {"name": name}, registering=True)
    assert not (isinstance(name, str) and catalogue.is_reserved(name))


def test_unchanged_curated_environment_may_run_and_a_changed_one_may_not(home):
    document = catalogue.get(home, "AzureML-Minimal")
    catalogue.refuse_reserved(home, document, registering=False)
    with pytest.raises(BadInput):
        catalogue.refuse_reserved(home, document, registering=True)
    dependencies(document).append("numpy")
    with pytest.raises(BadInput, match="To alter a curated environment first create a copy of it"):
        catalogue.refuse_reserved(home, document, registering=False)
    catalogue.refuse_reserved(home, document | {"name": "mine"}, registering=True)


@pytest.mark.parametrize("name", ["..", ".", "", "a/../b", "AzureML-Minimal/..", "AzureML-Minimal/1"])
def test_name_cannot_leave_the_catalogue(home, name):
    assert catalogue.versions(home, name) == []
    with pytest.raises(EnvironmentNotFound):
        catalogue.get(home, name)


@pytest.mark.parametrize("version", ["..", ".", "../1", "1/../1"])
def test_version_cannot_leave_the_catalogue(home, version):
    with pytest.raises(EnvironmentNotFound):
        catalogue.get(home, "AzureML-Minimal", version)
