"""A v1 environment directory (`azureml_environment.json`, `conda_dependencies.yml`, `BaseDockerfile`), both ways.

The **document** of an environment is the plain nested dict with the keys and the key order of
`azureml_environment.json`, the conda file's mapping inline under `python.condaDependencies` (None without one) and the
Dockerfile's text under `docker.baseDockerfile`. What only names an environment has the keys name and version alone:
`is_reference` tells.
"""

from __future__ import annotations

import copy
import os
from typing import TYPE_CHECKING, Any

from localrun.errors import BadInput
from localrun.formats.conda_file import read_conda_mapping
from localrun.formats.docker_section import name_password, read_docker_section, read_spark, warn_of_secrets
from localrun.formats.gate import decode_text, refuse_to_read
from localrun.formats.json_text import load_json
from localrun.formats.lock_names import is_locked
from localrun.formats.nodes import Node, mapping, root
from localrun.formats.secret_names import hide_variables
from localrun.formats.v1_conda import conda_node, default_hint, find_python, read_conda_document
from localrun.formats.v1_sections import (
    DOCKER,
    ENVIRONMENT,
    Manner,
    find_key,
    find_reference,
    read_missing,
    read_section,
)
from localrun.spec import EnvironmentSpec
from localrun.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

JSON_FILE = "azureml_environment.json"
CONDA_FILE = "conda_dependencies.yml"
DOCKERFILE = "BaseDockerfile"
FILES = (JSON_FILE, CONDA_FILE, DOCKERFILE)
"""The names of the files of an environment directory."""


def read_environment_files(files: Mapping[str, bytes], *, where: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Give the document of an environment directory, and warnings.

    As azureml-core does: a conda file and a Dockerfile of their own win over what the JSON says. Other than there,
    nothing is lost or passed over in silence.

    Args:
        files: The bytes of those of `FILES` that are there.
        where: The directory as the user named it, for messages.

    Raises:
        BadInput: a file is missing or cannot be used.
    """
    if JSON_FILE not in files:
        hint = "name a folder with an environment.yml, or one that `localrun environment scaffold` has written"
        raise BadInput(f"there is no {JSON_FILE}", file=where, hint=hint)
    manner = Manner(warnings=[])
    with default_hint(f"compare it with the {JSON_FILE} that `localrun environment scaffold` writes"):
        node = root(load_json(files[JSON_FILE], file=os.path.join(where, JSON_FILE)))
        document = read_environment_mapping(node, manner)
        if is_reference(document) and (CONDA_FILE in files or DOCKERFILE in files):
            document = read_section(node, ENVIRONMENT, manner)
    if CONDA_FILE in files:
        _lay_conda_file(document, files[CONDA_FILE], os.path.join(where, CONDA_FILE), manner)
    if DOCKERFILE in files:
        _lay_dockerfile(document, files[DOCKERFILE], os.path.join(where, DOCKERFILE), manner)
    return document, tuple(manner.warnings)


def read_environment_mapping(node: Node, manner: Manner) -> dict[str, Any]:
    """Give the document of a mapping, such as the root of the JSON file or `environment:` of a `.runconfig`.

    A mapping with nothing but name and version stays as it is: it names an environment and does not define one.

    Raises:
        BadInput: something in it cannot be used.
    """
    keys = {find_key(str(part.path[-1]), ENVIRONMENT) for part in mapping(node)}
    if keys <= {"name", "version"}:
        found = read_section(node, {key: ENVIRONMENT[key] for key in ("name", "version")}, manner)
        return {"name": found["name"], "version": found["version"]}
    return read_section(node, ENVIRONMENT, manner)


def is_reference(document: Mapping[str, Any]) -> bool:
    """Say whether a document only names an environment that a workspace knows."""
    return "python" not in document


def _lay_conda_file(document: dict[str, Any], data: bytes, file: str, manner: Manner) -> None:
    conda, warnings = read_conda_document(data, file=file)
    manner.warnings.extend(warnings)
    if document["python"]["condaDependencies"] not in (None, conda):
        manner.warnings.append(f"{file}: used instead of python.condaDependencies in {JSON_FILE}")
    document["python"]["condaDependencies"] = conda


def _lay_dockerfile(document: dict[str, Any], data: bytes, file: str, manner: Manner) -> None:
    text = decode_text(data, file=file)
    docker = document["docker"] = document["docker"] or read_missing(DOCKER)
    if docker["baseImage"] is not None:
        manner.warnings.append(f"{file}: used instead of docker.baseImage {docker['baseImage']}")
        docker["baseImage"] = None
    docker["baseDockerfile"] = text


def write_environment_files(document: Mapping[str, Any]) -> dict[str, bytes]:
    """Give the files of an environment directory by name, as azureml-core names and lays them out.

    Secrets are not among what is written: see `hide_secrets`.

    Raises:
        BadInput: something in the document has no place in a file.
    """
    from localrun.formats.dump import dump_json, dump_yaml  # a run that only looks an environment up writes nothing

    hidden, _ = hide_secrets(document)
    files = {}
    python, docker = hidden.get("python"), hidden.get("docker")
    if python is not None and (conda := python.pop("condaDependencies", None)):
        files[CONDA_FILE] = dump_yaml(conda).encode()
    if docker is not None and (dockerfile := docker.get("baseDockerfile")):
        del docker["baseDockerfile"]
        files[DOCKERFILE] = dockerfile.encode()
    files[JSON_FILE] = dump_json(hidden).encode()
    return files


def hide_secrets(document: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Give a copy of a document without secrets, and a line for each that was taken out.

    In its place stands `${NAME}`, a reference to an environment variable whose name is made of what it opens
    (`${PASSWORD_OF_MYREGISTRY_EXAMPLE_ORG}`). A secret that is already written as `${NAME}` stays. A variable whose
    name or value tells that it is a secret gets a reference to one: see `hide_variables`.
    """
    hidden: dict[str, Any] = copy.deepcopy(dict(document))
    lines = []
    for holder, key, prefix, owner in _find_secrets(hidden):
        secret = holder[key]
        if not isinstance(secret, str) or not secret or find_reference(secret):
            continue
        name = name_password(owner).replace("PASSWORD_OF_", prefix, 1)
        holder[key] = f"${{{name}}}"
        lines.append(f"the secret of {owner or 'the registry'} is not written; set the environment variable {name}")
    return hidden, (*lines, *hide_variables(hidden.get("environmentVariables")))


def _find_secrets(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, str, Any]]:
    registry = (document.get("docker") or {}).get("baseImageRegistry")
    if isinstance(registry, dict):
        yield registry, "password", "PASSWORD_OF_", registry.get("address")
    for package in (document.get("r") or {}).get("githubPackages") or ():
        if isinstance(package, dict):
            yield package, "authToken", "TOKEN_OF_", package.get("repository")


def spec_of_document(
    document: Mapping[str, Any],
    *,
    file: str = "",
    directory: str = "",
    read: Callable[[str], bytes] | None = None,
    read_context: Callable[[str], bytes] | None = None,
    conda_file: str = "",
) -> EnvironmentSpec:
    """Give what is to be run in.

    A user-managed environment gives its interpreter, every other one its Python packages; the image is given with the
    address of its registry in front.

    Args:
        document: The environment's document.
        file: What it was read from, for messages.
        directory: The folder that relative paths among the pip requirements start from; empty: that of `file`.
        read: Gives the bytes of a requirements file that the pip section includes, by its absolute path; None:
            including files is refused.
        read_context: The same for the Dockerfile in a build context; None: `read`.
        conda_file: What its Python packages were read from, for messages; empty: `file`.

    Raises:
        BadInput: it only names an environment, or its Python packages cannot be used.
    """
    name = str(document.get("name") or "")
    if is_reference(document):
        message = f"environment {name} is only named here, not defined" if name else "no environment is defined here"
        raise BadInput(message, file=file, hint="register it in the workspace, or write out its python section")
    python = document["python"] or {}
    spec = EnvironmentSpec(
        name=name,
        spark=read_spark(document.get("spark") or {}),
        **read_docker_section(document.get("docker") or {}, file=file, directory=directory, read=read_context or read),
        environment_variables=tuple(
            (key, "" if text is None else str(text)) for key, text in (document["environmentVariables"] or {}).items()
        ),
        file=file,
        notes=_notes(document, file),
    )
    if python.get("userManagedDependencies"):
        return replace(spec, interpreter=_read_interpreter(python, file))
    if python.get("condaDependencies") is None:
        return _without_packages(spec, file)
    path = os.path.join(directory, CONDA_FILE) if directory else os.path.abspath(file or CONDA_FILE)
    node = conda_node(python["condaDependencies"], file=conda_file or file, path=path)
    return _with_packages(spec, node, read or refuse_to_read)


def _read_interpreter(python: Mapping[str, Any], file: str) -> str:
    interpreter = python.get("interpreterPath") or "python"
    if not isinstance(interpreter, str):
        message = f"expected the path of an interpreter, found {interpreter!r}"
        raise BadInput(message, file=file, key="python.interpreterPath", hint="write its path, or python3")
    return interpreter


def _with_packages(spec: EnvironmentSpec, node: Node, read: Callable[[str], bytes]) -> EnvironmentSpec:
    """Give an environment with the packages of its conda file, which get a Python when they name none."""
    found = read_conda_mapping(node, read=read)
    assert found.python is not None  # noqa: S101 - a conda file always gives one
    conda = found.python.conda
    if not find_python(conda) and not is_locked(conda):
        conda = ("python", *conda)
    return replace(spec, python=replace(found.python, conda=conda), notes=spec.notes + found.notes)


def _without_packages(spec: EnvironmentSpec, file: str) -> EnvironmentSpec:
    if not spec.image and not spec.build:
        message = f"environment {spec.name} says neither what to install nor which interpreter to use"
        hint = f"write {CONDA_FILE}, or set userManagedDependencies and interpreterPath"
        raise BadInput(message, file=file, key="python", hint=hint)
    return spec


def _notes(document: Mapping[str, Any], file: str) -> tuple[str, ...]:
    """Say what of a document has no effect here."""
    docker = document.get("docker") or {}
    start = f"{file}: " if file else ""
    notes = list(warn_of_secrets(docker.get("baseDockerfile") or "", file))
    if document["python"].get("condaDependenciesFile") and not document["python"].get("condaDependencies"):
        notes.append(f"{start}python.condaDependenciesFile is ignored, as Azure ML does; write {CONDA_FILE}")
    return tuple(notes)
