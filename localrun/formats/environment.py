"""Environments by reference (`-E REF`), and the environment YAML of Azure ML v2."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from localrun.errors import BadInput, EnvironmentNotFound
from localrun.formats.conda_file import read_conda_file, read_conda_mapping
from localrun.formats.docker_section import read_build, read_dockerfile
from localrun.formats.gate import load_yaml, read_if_there, read_referenced
from localrun.formats.lock_beside import lay_lock_beside
from localrun.formats.nodes import Node, choice, describe, mapping, note, read_beside, root, text
from localrun.formats.requirements import read_requirements
from localrun.spec import EnvironmentSpec
from localrun.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    FindRegistered = Callable[[str], Mapping[str, Any] | None]
    """Gives the document of a registered or curated environment by a reference to it; None when there is none."""

KEYS = (
    "name", "version", "description", "tags", "image", "conda_file", "build", "os_type", "inference_config",
    "datastore", "$schema", "id", "creation_context", "intellectual_property", "properties",
)  # fmt: skip
"""The keys of an environment YAML; the last five are ignored by azure-ai-ml as well."""

UNDERSTOOD = (
    "an environment is a conda file (environment.yml), an environment YAML with image, build or conda_file, "
    "a lock file (conda-lock.yml), a requirements.txt, a Dockerfile, a folder with azureml_environment.json or "
    "environment.yml, image:NAME[,interpreter=PATH], or the NAME[:VERSION] of a registered one"
)

YAML_FILES = ("environment.yml", "environment.yaml")
"""What a folder is looked through for that has no file of a v1 directory."""

_PART = "[a-z0-9]+(?:(?:[.]|__?|-+)[a-z0-9]+)*"
IMAGE = (
    f"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?{_PART}(?:/{_PART})*"
    "(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9+._-]*:[0-9A-Fa-f]+)?"
)
"""What names an image: registry, path in small letters, tag, digest; source: the reference grammar of distribution."""


def read_environment(
    reference: str,
    *,
    read: Callable[[str], bytes],
    is_directory: Callable[[str], bool],
    find_registered: FindRegistered | None = None,
) -> EnvironmentSpec:
    """Give the environment that the user refers to.

    Args:
        reference: `environment.yml`, `requirements.txt`, a v1 directory, `image:NAME`, or what `find_registered` knows,
            with or without `azureml:`; a relative path starts from the working directory.
        read: Gives the bytes of a file by its absolute path.
        is_directory: Says whether an absolute path is a folder.
        find_registered: Finds registered and curated environments; None when there is no workspace.

    Raises:
        BadInput: it is none of these, or the file cannot be used.
    """
    if reference.startswith("image:"):
        image, _, interpreter = reference.removeprefix("image:").partition(",interpreter=")
        return EnvironmentSpec(image=check_image(image, reference), interpreter=interpreter)
    path = os.path.abspath(reference)
    if not reference or "\0" in reference:
        raise BadInput(f"{reference!r} names no environment", hint=UNDERSTOOD)
    if reference.startswith("azureml:"):
        return read_registered(reference, find_registered, read)
    if is_directory(path):
        files = _read_files(reference, read, is_directory)
        yaml = None if files else _read_yaml(reference, read, is_directory)
        spec = yaml or _read_directory(reference, files, read, find_registered)
        return lay_lock_beside(spec, read=read, look=is_directory)
    if found := _read_file(reference, path, read):
        return lay_lock_beside(found, read=read, look=is_directory)
    if "/" in reference or find_registered is None:
        raise BadInput(f"environment {reference} is not known", hint=UNDERSTOOD)
    return read_registered(reference, find_registered, read)


def _read_file(reference: str, path: str, read: Callable[[str], bytes]) -> EnvironmentSpec | None:
    """Give the environment of a file that its name tells the form of; None when it tells none."""
    name = os.path.basename(path).lower()
    if name.startswith("dockerfile") or name.endswith(".dockerfile"):
        return read_dockerfile(reference, read=read)
    if name.endswith((".yml", ".yaml")):
        data = read_referenced(path, read=read, shown=reference)
        return read_environment_yaml(data, file=reference, read=read)
    if name.endswith((".txt", ".in")):
        return read_requirements(read_referenced(path, read=read, shown=reference), file=reference, read=read)
    return None


def _read_yaml(
    reference: str, read: Callable[[str], bytes], is_directory: Callable[[str], bool]
) -> EnvironmentSpec | None:
    """Give the environment of the YAML file in a folder; None when there is none."""
    for name in YAML_FILES:
        file = os.path.join(reference, name)
        path = os.path.abspath(file)
        is_directory(path)  # as in `_read_files`
        data = read_if_there(path, read=read, shown=file)
        if data is not None:
            return read_environment_yaml(data, file=file, read=read)
    return None


def _read_directory(
    reference: str, files: dict[str, bytes], read: Callable[[str], bytes], find_registered: FindRegistered | None
) -> EnvironmentSpec:
    """Give the environment of a v1 directory with these files; what only names one there is looked up."""
    from localrun.formats.v1_environment import (
        CONDA_FILE,
        JSON_FILE,
        is_reference,
        read_environment_files,
        spec_of_document,
    )

    folder = os.path.abspath(reference)
    document, warnings = read_environment_files(files, where=reference)
    if is_reference(document) and find_registered is not None and document["name"]:
        version = f":{document['version']}" if document["version"] else ""
        try:
            return read_registered(f"azureml:{document['name']}{version}", find_registered, read)
        except (BadInput, EnvironmentNotFound) as error:
            file = os.path.join(reference, JSON_FILE)
            raise BadInput(error.message, file=file, key="name", hint=error.hint) from None
    conda_file = os.path.join(reference, CONDA_FILE if CONDA_FILE in files else JSON_FILE)
    spec = spec_of_document(document, file=reference, directory=folder, read=read, conda_file=conda_file)
    return replace(spec, notes=warnings + spec.notes)


def _read_files(reference: str, read: Callable[[str], bytes], is_directory: Callable[[str], bool]) -> dict[str, bytes]:
    """Give the bytes of those files of a v1 directory that are there, by name."""
    from localrun.formats.v1_environment import FILES

    files = {}
    for name in FILES:
        path = os.path.abspath(os.path.join(reference, name))
        is_directory(path)  # who watches what was looked at learns of files that are not there, too
        data = read_if_there(path, read=read, shown=os.path.join(reference, name))
        if data is not None:
            files[name] = data
    return files


def read_registered(
    reference: str, find_registered: FindRegistered | None, read: Callable[[str], bytes]
) -> EnvironmentSpec:
    """Give the registered or curated environment that a reference means.

    Args:
        reference: With or without `azureml:`.
        find_registered: As for `read_environment`.
        read: Gives the bytes of the Dockerfile in a build context, by its absolute path.

    Raises:
        BadInput: it is no reference, nothing is called so, or its definition cannot be used.
        EnvironmentNotFound: there is an environment of that name, but not that version or label.
    """
    from localrun.formats.v1_environment import spec_of_document

    document = find_registered(reference) if find_registered else None
    if document is None:
        hint = "localrun env list lists the registered environments, with --curated the curated ones; " + UNDERSTOOD
        name = reference if "://" in reference else reference.removeprefix("azureml:")
        raise BadInput(f"there is no environment {name}", hint=hint)
    spec = spec_of_document(document, file=reference, read_context=read)
    known = document.get("version") and spec.name
    return replace(spec, registered=f"{spec.name}:{document['version']}") if known else spec


def read_environment_yaml(data: bytes, *, file: str, read: Callable[[str], bytes]) -> EnvironmentSpec:
    """Give the environment of a YAML file, a conda file or an environment YAML by its keys.

    Raises:
        BadInput: it is neither, or something in it cannot be used.
    """
    node = root(load_yaml(data, file=file))
    keys = {str(part.path[-1]) for part in mapping(node)}
    if keys & {"metadata", "package"} == {"metadata", "package"}:
        from localrun.formats.lock_file import read_lock_mapping

        return read_lock_mapping(node)
    if keys & {"dependencies", "channels"}:
        return read_conda_mapping(node, read=read)
    return read_environment_mapping(node, read=read)


def read_environment_mapping(node: Node, *, read: Callable[[str], bytes]) -> EnvironmentSpec:
    """Give the environment of a mapping in the form of a v2 environment YAML; conda_file alone is enough here.

    Raises:
        BadInput: something in it cannot be used.
    """
    if isinstance(node.data, dict) and node.data.keys() & {"dependencies", "channels"}:
        hint = "put the conda file's path or content under conda_file:"
        raise node.refuse("channels and dependencies belong into a conda file", hint=hint)
    if isinstance(node.data, dict) and "command" in node.data:
        hint = f"run it: localrun run {node.document.file}"
        raise node.refuse("this is a job, not an environment", hint=hint)
    mapping(node, KEYS)
    data = node.data
    if "os_type" in data and choice(node.part("os_type"), ("linux", "windows")) == "windows":
        hint = "name one for Linux with -E"
        raise node.part("os_type").refuse("a Windows environment cannot be used here", hint=hint)
    if "build" in data and "image" in data:
        raise node.part("build").refuse("an environment has an image or a build, not both", hint="remove one of them")
    if not data.keys() & {"image", "conda_file", "build"}:
        raise node.refuse("expected image or conda_file or build, found none", hint=UNDERSTOOD)
    found = EnvironmentSpec(file=node.document.file)
    if "conda_file" in data:
        found = _read_conda(node.part("conda_file"), read)
    image = check_image_of(node.part("image")) if "image" in data else ""
    if "build" in data:
        build, warnings = read_build(node.part("build"), read)
        found = replace(found, build=build, notes=found.notes + warnings)
    name = text(node.part("name")) if data.get("name") is not None else found.name
    return replace(found, name=name, image=image, notes=found.notes + _notes(node))


def check_image(image: str, shown: str) -> str:
    """Give an image reference after a look at its signs.

    Raises:
        BadInput: it cannot be one.
    """
    if not re.fullmatch(IMAGE, image):
        raise BadInput(f"{shown!r} does not name an image", hint=_hint_image(image, "image:python:3.11"))
    return image


def check_image_of(node: Node) -> str:
    """Give the image reference that a key holds.

    Raises:
        BadInput: it cannot be one.
    """
    if not re.fullmatch(IMAGE, text(node)):
        raise node.refuse(f"{node.data!r} does not name an image", hint=_hint_image(text(node), "python:3.11"))
    return text(node)


def _hint_image(image: str, example: str) -> str:
    if re.fullmatch(IMAGE, image.lower()):
        return "the part in front of the tag is written in small letters"
    return f"write it as docker does, such as {example}"


def _read_conda(node: Node, read: Callable[[str], bytes]) -> EnvironmentSpec:
    if isinstance(node.data, dict):
        return read_conda_mapping(node, read=read)
    if not isinstance(node.data, str):
        message = f"expected the path or the content of a conda file, found {describe(node.data)}"
        raise node.refuse(message, hint="write conda_file: environment.yml, or channels and dependencies below it")
    if node.data.startswith(("file:", "http:", "https:", "azureml:")) or not node.data:
        raise node.refuse(f"{node.data!r} is not a path", hint="write the path alone, without file:")
    data, shown = read_beside(node, node.data, read)
    return read_conda_file(data, file=shown, read=read)


def _notes(node: Node) -> tuple[str, ...]:
    names = [name for name in ("inference_config", "datastore") if name in node.data]
    return tuple(note(node.part(name), "ignored: only Azure ML uses it") for name in names)
