"""Sections that are kept in files though nothing here uses them: their defaults, and that nothing of them is lost."""

from __future__ import annotations

import copy

import pytest

from localrun.api.container_registry import ContainerRegistry, RegistryIdentity
from localrun.api.distributed_jobs import ParallelTaskConfiguration
from localrun.api.libraries import (
    EggLibrary,
    JarLibrary,
    MavenLibrary,
    PyPiLibrary,
    RCranLibrary,
    RCranPackage,
    RGitHubPackage,
)
from localrun.api.run_sections import (
    AmlComputeConfiguration,
    HdiConfiguration,
    HistoryConfiguration,
    KubernetesComputeConfiguration,
    SparkConfiguration,
)
from localrun.api.sections import RSection

DEFAULTS = [
    (RegistryIdentity(), {"resourceId": None, "clientId": None}),
    (ParallelTaskConfiguration(), {"maxRetriesPerWorker": 0, "workerCountPerNode": 1, "terminalExitCodes": None}),
    (MavenLibrary("g:a:1", exclusions=["x"]), {"coordinates": "g:a:1", "repo": "", "exclusions": ["x"]}),
    (PyPiLibrary("numpy"), {"package": "numpy", "repo": ""}),
    (RCranLibrary("ade4", "https://cran"), {"package": "ade4", "repo": "https://cran"}),
    (JarLibrary("dbfs:/a.jar"), {"library": "dbfs:/a.jar"}),
    (EggLibrary(), {"library": ""}),
    (RCranPackage(), {"name": None, "version": None, "repository": None}),
    (RGitHubPackage(), {"repository": None, "authToken": None}),
    (
        HistoryConfiguration(),
        {
            "outputCollection": True,
            "snapshotProject": True,
            "directoriesToWatch": ["logs"],
            "ambientAuthentication": None,
        },
    ),
    (
        SparkConfiguration(),
        {"configuration": {"spark.app.name": "Azure ML Experiment", "spark.yarn.maxAppAttempts": 1}},
    ),
    (HdiConfiguration(), {"yarnDeployMode": "cluster"}),
    (
        AmlComputeConfiguration(),
        {"vmSize": None, "vmPriority": None, "retainCluster": False, "name": None, "clusterMaxNodeCount": None},
    ),
    (KubernetesComputeConfiguration(), {"instanceType": None}),
]


@pytest.mark.parametrize(("section", "document"), DEFAULTS, ids=lambda given: type(given).__name__)
def test_a_new_section_is_written_as_azureml_core_writes_it_and_comes_back(section, document):
    assert section.to_document() == document
    again = type(section).from_document(document | {"newer": {"key": [1]}})
    assert again.to_document() == document | {"newer": {"key": [1]}}
    assert type(section).from_document(document) == section
    assert copy.deepcopy(section) == section
    assert section != document
    with pytest.raises(AttributeError, match="has no attribute nothing"):
        section.nothing = 1


def test_packages_of_r_are_kept_and_their_tokens_not_shown():
    package = RGitHubPackage()
    package.repository, package.auth_token = "me/package", "the-planted-token"
    assert "planted" not in repr(package)
    assert "'me/package'" in repr(package)
    assert "auth_token=None" in repr(RGitHubPackage())
    section = RSection()
    assert set(section.to_document().values()) == {None, False}
    section.r_version, section.github_packages, section.cran_packages = "4.0", [package], [RCranPackage()]
    again = RSection.from_document(section.to_document())
    assert again == section
    assert again.github_packages[0].auth_token == "the-planted-token"
    assert isinstance(again.cran_packages[0], RCranPackage)


def test_an_identity_of_a_registry_is_a_section_of_its_own():
    registry = ContainerRegistry()
    registry.address, registry.registry_identity = "r.example.org", RegistryIdentity()
    registry.registry_identity.client_id = "id"
    again = ContainerRegistry.from_document(registry.to_document())
    assert again == registry
    assert again.registry_identity.client_id == "id"
