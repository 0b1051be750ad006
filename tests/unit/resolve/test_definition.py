"""What counts in an environment, and what does not: every sensitivity that Azure ML documents."""

from __future__ import annotations

import copy

import pytest

from localrun.resolve.definition import compare_documents, fingerprint_document

BASE = {
    "name": "train", "version": "1", "environmentVariables": {"A": "1"},
    "python": {
        "userManagedDependencies": False, "interpreterPath": "python", "condaDependenciesFile": None,
        "condaDependencies": {
            "name": "project_environment", "channels": ["conda-forge", "defaults"],
            "dependencies": ["python=3.11", "numpy=1.26", {"pip": ["scipy==1.11", "dask"]}], "variables": {"V": "1"},
        },
    },
    "docker": {
        "baseImage": "mcr.microsoft.com/azureml/openmpi:1", "baseDockerfile": None, "buildContext": None,
        "baseImageRegistry": {"address": None, "username": None, "password": None}, "arguments": [], "shmSize": "2g",
    },
    "spark": {
        "repositories": ["https://a", "https://b"],
        "packages": [{"group": "g", "artifact": "a", "version": "1"}, {"group": "g", "artifact": "b", "version": "1"}],
        "precachePackages": True,
    },
    "assetId": None,
}  # fmt: skip


def changed(path, item):
    document = copy.deepcopy(BASE)
    *folders, last = path.split(".")
    place = document
    for key in folders:
        place = place[key]
    place[last] = item
    return document


def of(document):
    return fingerprint_document(document, platform="linux-64")


CONDA = "python.condaDependencies."


@pytest.mark.parametrize(
    ("path", "item"),
    [
        ("name", "other"),
        ("version", "2"),
        ("assetId", "x"),
        ("environmentVariables", {"B": "2"}),
        (CONDA + "name", "other"),
        (CONDA + "variables", {"V": "2"}),
        ("python.interpreterPath", "/usr/bin/python3"),
        ("docker.arguments", ["--ipc=host"]),
        ("docker.shmSize", "8g"),
        ("docker.baseImageRegistry", {"address": None, "username": "u", "password": "p"}),
    ],
)
def test_what_does_not_define_the_content_does_not_count(path, item):
    assert of(changed(path, item)) == of(BASE)


@pytest.mark.parametrize(
    ("path", "item"),
    [
        (CONDA + "channels", ["defaults", "conda-forge"]),
        (CONDA + "channels", ["conda-forge"]),
        (CONDA + "dependencies", ["numpy=1.26", "python=3.11", {"pip": ["scipy==1.11", "dask"]}]),
        (CONDA + "dependencies", ["python=3.11", "numpy=1.26", {"pip": ["dask", "scipy==1.11"]}]),
        (CONDA + "dependencies", ["python=3.11", "numpy=1.26", {"pip": ["scipy==1.12", "dask"]}]),
        (CONDA + "dependencies", ["python=3.11", "numpy=1.26", "pandas", {"pip": ["scipy==1.11", "dask"]}]),
        (CONDA + "dependencies", ["python=3.11", {"pip": ["scipy==1.11", "dask"]}]),
        (CONDA + "dependencies", ["python=3.12", "numpy=1.26", {"pip": ["scipy==1.11", "dask"]}]),
        ("python.userManagedDependencies", True),
    ],
)
def test_python_packages_and_every_order_count_for_both(path, item):
    new, old = of(changed(path, item)), of(BASE)
    assert new.python != old.python
    assert new.image != old.image


@pytest.mark.parametrize(
    ("path", "item"),
    [
        ("docker.baseImage", "mcr.microsoft.com/azureml/openmpi:2"),
        ("docker.baseImageRegistry", {"address": "mine.example"}),
        ("docker.baseDockerfile", "FROM a\n"),
        ("docker.buildContext", {"locationType": "git", "location": "https://g", "dockerfilePath": "Dockerfile"}),
        ("spark.repositories", ["https://b", "https://a"]),
        ("spark.packages", list(reversed(BASE["spark"]["packages"]))),
        ("spark.packages", [{"group": "g", "artifact": "a", "version": "2"}]),
        ("spark.packages", []),
        ("spark.precachePackages", False),
    ],
)
def test_base_image_docker_steps_and_spark_packages_count_for_the_image_alone(path, item):
    new, old = of(changed(path, item)), of(BASE)
    assert new.python == old.python
    assert new.image != old.image


def test_other_dockerfile_of_a_context_elsewhere_is_another_image():
    context = {"locationType": "git", "location": "https://g", "dockerfilePath": "Dockerfile"}
    old = of(changed("docker.buildContext", context))
    assert of(changed("docker.buildContext", context | {"dockerfilePath": "gpu/Dockerfile"})).image != old.image


def test_fingerprints_keep_their_golden_values():
    assert of(BASE).python == "96c3ff1e5b03e5c968bfe98d4eb0984844ded6fa60d71104a779b5a9db56e342"
    assert of(BASE).image == "832d5808e2fac153444be0470331ced2d210a452a6a929d2c9719458fbcaa5f4"


def test_plan_of_the_same_environment_has_the_same_fingerprint():
    from localrun.formats.v1_environment import spec_of_document
    from localrun.resolve import plan_environment
    from localrun.resolve.facts import HostFacts
    from localrun.spec import RunSpec

    facts = HostFacts(platform="linux-64", cpu_count=1, python_version="3.11")
    plan = plan_environment(RunSpec(script="a.py", environment=spec_of_document(BASE)), facts)
    assert plan.fingerprint == of(BASE).python


def test_documents_are_compared_field_by_field():
    new = changed(CONDA + "channels", ["defaults"])
    new["docker"]["shmSize"] = "4g"
    del new["assetId"]
    assert compare_documents(BASE, new) == [
        ("python.condaDependencies.channels", ["conda-forge", "defaults"], ["defaults"]),
        ("docker.shmSize", "2g", "4g"),
    ]
    assert compare_documents({"a": True}, {"a": 1}) == [("a", True, 1)]
