"""The `environment` of a v1 `.runconfig`: in the file itself, in a file of its own, or by reference."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from localrun.errors import BadInput
from localrun.formats.gate import load_yaml, read_if_there
from localrun.formats.nodes import Node, describe, note, root
from localrun.formats.v1_conda import check_conda_mapping
from localrun.formats.v1_environment import is_reference, read_environment_mapping
from localrun.formats.v1_sections import PYTHON, find_key
from localrun.values import replace, value

if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.formats.v1_sections import Manner

OLD_KEYS = ("ArgumentVector", "CondaDependenciesFile", "TrackedRun", "SparkDependenciesFile")
"""Keys of the run configurations of 2018."""


@value
class Places:
    """Where the files that a run configuration names are looked for: absolute folders, the likelier one first."""

    folders: tuple[str, ...]
    read: Callable[[str], bytes]


def read_environment_key(configuration: Node, places: Places, manner: Manner) -> tuple[dict[str, Any], str]:
    """Give the document of a run configuration's environment, its conda file inline, and that file's folder.

    The folder is that of the file which holds the packages; relative paths among pip's requirements start there. A
    reference to a registered environment has the keys `name` and `version` only.

    Raises:
        BadInput: there is none, or a file that it names cannot be read.
    """
    name = next((name for name in configuration.data if find_key(name, {"environment": None})), "")
    if not name:
        raise _refuse_missing(configuration)
    node = configuration.part(name)
    if isinstance(node.data, str):
        data, path = _read_near(node, node.data, places)
        node = replace(root(load_yaml(data, file=path)), path_of_file=path)
    if not isinstance(node.data, dict):
        hint = "give it a name, or packages, or name another environment with -E"
        raise node.refuse(f"expected an environment or a file's name, found {describe(node.data)}", hint=hint)
    folder = os.path.dirname(node.path_of_file)
    document = read_environment_mapping(node, manner)
    if is_reference(document):
        return document, folder
    python = document["python"]
    if python["condaDependencies"] is None and python["condaDependenciesFile"]:
        python["condaDependencies"], folder = _read_conda(node, document, places, manner)
    return document, folder


def _refuse_missing(configuration: Node) -> BadInput:
    old = next((name for name in configuration.data if find_key(name, dict.fromkeys(OLD_KEYS))), "")
    if old:
        hint = "azureml-core before 2019 wrote it: save it anew, or name the script with -E for its environment"
        return configuration.part(old).refuse("a run configuration of the old format is not read", hint=hint)
    hint = "add environment: with a name, or name one with -E"
    return configuration.refuse("a run configuration needs the key environment", hint=hint)


def _read_conda(
    node: Node, document: dict[str, Any], places: Places, manner: Manner
) -> tuple[dict[str, Any] | None, str]:
    python = node.part(next(name for name in node.data if find_key(name, {"python": None})))
    named = python.part(next(name for name in python.data if find_key(name, PYTHON) == "condaDependenciesFile"))
    try:
        data, path = _read_near(named, named.data, places)
    except BadInput:
        if not document["python"]["userManagedDependencies"]:
            raise
        message = f"there is no file {named.data}; a user-managed environment does without"
        manner.warnings.append(note(named, message))
        return None, os.path.dirname(node.path_of_file)
    conda, warnings = check_conda_mapping(replace(root(load_yaml(data, file=path)), path_of_file=path))
    manner.warnings.extend(warnings)
    return conda, os.path.dirname(path)


def _read_near(node: Node, name: str, places: Places) -> tuple[bytes, str]:
    """Read a file from the first folder that has it; give its bytes and its absolute path.

    Raises:
        BadInput: none has it, or it cannot be read.
    """
    paths = list(dict.fromkeys(os.path.normpath(os.path.join(folder, name)) for folder in places.folders))
    file, line = node.document.file, node.mark.line
    for path in paths:
        data = read_if_there(path, read=places.read, shown=name, file=file, line=line, key=node.key)
        if data is not None:
            return data, path
    raise node.refuse(f"there is no file {name}", hint=f"looked for {' and '.join(paths)}")
