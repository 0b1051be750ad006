"""The document of an environment from what was asked for, whatever file that was read from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localrun.formats.v1_sections import DOCKER, ENVIRONMENT, NO_REGISTRY, PYTHON, SPARK, read_missing

if TYPE_CHECKING:
    from localrun.spec import EnvironmentSpec, PythonSpec


def document_of_spec(asked: EnvironmentSpec) -> dict[str, Any]:
    """Give the document (see `v1_environment`) of an environment; equal environments have equal ones.

    Where a file was, and what its reader noted, is not among it.
    """
    document = read_missing(ENVIRONMENT)
    document["name"] = asked.name or None
    document["environmentVariables"] = dict(asked.environment_variables)
    document["python"] = read_missing(PYTHON)
    if asked.python is not None:
        document["python"]["condaDependencies"] = _describe_conda(asked.python)
    else:
        document["python"]["userManagedDependencies"] = True
        document["python"]["interpreterPath"] = asked.interpreter or "python"
    document["docker"] = _describe_docker(asked)
    document["spark"] = read_missing(SPARK)
    if asked.spark is not None:
        keys = ("group", "artifact", "version")
        document["spark"] = {
            "repositories": list(asked.spark.repositories),
            "packages": [dict(zip(keys, package.split(":"), strict=False)) for package in asked.spark.packages],
            "precachePackages": asked.spark.precached,
        }
    return document


def _describe_conda(python: PythonSpec) -> dict[str, Any]:
    dependencies: list[object] = list(python.conda)
    if python.pip:
        dependencies.append({"pip": list(python.pip)})
    found: dict[str, Any] = {"channels": list(python.channels)} if python.channels else {}
    found["dependencies"] = dependencies
    return found | ({"variables": dict(python.variables)} if python.variables else {})


def _describe_docker(asked: EnvironmentSpec) -> dict[str, Any]:
    found = read_missing(DOCKER)
    found["baseImage"] = asked.image or None
    if asked.build is not None:
        found["baseDockerfile"] = asked.build.dockerfile or None
        if asked.build.context:
            found["buildContext"] = {
                "locationType": None, "location": asked.build.context, "dockerfilePath": asked.build.dockerfile_path,
            }  # fmt: skip
    if asked.registry is not None:
        found["baseImageRegistry"] = NO_REGISTRY | {
            "address": asked.registry.address or None,
            "username": asked.registry.username or None,
            "password": asked.registry.password or None,
        }
    if asked.platform:
        system, _, architecture = asked.platform.partition("/")
        found["platform"] = {"os": system.capitalize(), "architecture": architecture}
    return found
