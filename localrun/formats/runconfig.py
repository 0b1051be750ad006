"""v1 run configurations (`.runconfig`): where they lie, what they say, and how they are written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from localrun.errors import BadInput
from localrun.formats.dump import dump_yaml
from localrun.formats.gate import load_yaml
from localrun.formats.nodes import mapping, root
from localrun.formats.overrides import apply_overrides
from localrun.formats.runconfig_environment import Places, read_environment_key
from localrun.formats.runconfig_keys import RUN_CONFIGURATION, complete, find_lines
from localrun.formats.secret_names import hide_variables
from localrun.formats.v1_environment import hide_secrets
from localrun.formats.v1_sections import Manner, read_section
from localrun.values import value

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDERS = ("aml_config", ".azureml")
"""The folders of a project that hold run configurations; the first one wins where it is there."""
ENDING = ".runconfig"
CONDA_FILE = "conda_dependencies.yml"
ENVIRONMENT_FILE = "environment.yml"
DATA_MODES = ("mount", "download", "upload")


@value
class RunConfigurationFile:
    """A run configuration as a file gave it.

    Attributes:
        document: Every key of the format, defaults filled in, the environment's packages inline; `environment` is
            None where it was not wanted.
        file: Its name for messages.
        project: The absolute path of the project's folder: the source folder of its runs.
        packages: The absolute path of the folder from which relative paths among pip's requirements start.
        notes: What came up while it was read, one line each.
        lines: The line of each canonical key.
    """

    document: dict[str, Any]
    file: str
    project: str
    packages: str = ""
    notes: tuple[str, ...] = ()
    lines: tuple[tuple[str, int], ...] = ()


def find_run_configuration(path: str, name: str, *, look: Callable[[str], str]) -> str:
    """Give the absolute path of a run configuration, looked for where azureml-core looks.

    Args:
        path: The file itself, or a project's folder.
        name: Its name in that folder, with or without `.runconfig`; empty for a file.
        look: Tells what stands at an absolute path: `file`, `folder`, `other` or `missing`.

    Raises:
        BadInput: it is not there.
    """
    whole = os.path.abspath(path)
    if look(whole) == "file":
        return whole
    if not name:
        if look(whole + ENDING) == "file":
            return whole + ENDING
        hint = "name the file, or the folder of a project and the name of a run configuration in it"
        raise BadInput(f"Failed to load RunConfiguration from path={path} name=None", hint=hint)
    places = [os.path.join(whole, name_folder(path, look=look), name)]
    places += [places[0] + ENDING, os.path.join(whole, name + ENDING)]
    for place in places:
        if look(place) == "file":
            return place
    hint = f"looked for {', '.join(places)}"
    raise BadInput(f"Failed to load RunConfiguration from path={path} name={name}", hint=hint)


def name_folder(project: str, *, look: Callable[[str], str]) -> str:
    """Give the name of the folder in which a project keeps its run configurations."""
    older, newer = FOLDERS
    return older if look(os.path.join(os.path.abspath(project), older)) == "folder" else newer


def read_run_configuration(
    data: bytes,
    *,
    file: str,
    read: Callable[[str], bytes],
    project: str = "",
    overrides: tuple[tuple[str, str], ...] = (),
    environment_wanted: bool = True,
) -> RunConfigurationFile:
    """Give what a run configuration says.

    Args:
        data: The file's bytes.
        file: Its name; a relative one starts from the working directory.
        read: Gives the bytes of a file by its absolute path: of the conda file and the environment's file.
        project: The folder that it was looked for in; empty when the file was named: then it is the folder above
            `.azureml` or `aml_config`, or the file's own.
        overrides: `--set` pairs, applied before anything is checked.
        environment_wanted: False when another environment is used: the file's own is not read and may be missing.

    Raises:
        BadInput: it is no run configuration, or something in it cannot be used.
    """
    node = root(apply_overrides(load_yaml(data, file=file), overrides))
    if node.data is None:
        raise node.refuse("the file is empty", hint="a run configuration has script or command, and environment")
    mapping(node)
    manner = Manner(warnings=[], tolerant=True)
    document = read_section(node, RUN_CONFIGURATION, manner) | {"environment": None}
    lines = tuple(find_lines(node, RUN_CONFIGURATION))
    folder = os.path.dirname(node.path_of_file)
    whole = os.path.abspath(project) if project else _find_project(folder)
    packages = folder
    if environment_wanted:
        places = Places(folders=(whole, folder) if project else (folder, whole), read=read)
        document["environment"], packages = read_environment_key(node, places, manner)
    _check_data(document, file, dict(lines))
    return RunConfigurationFile(
        document=document,
        file=file,
        project=whole,
        packages=packages,
        notes=tuple(manner.warnings),
        lines=lines,
    )


def _find_project(folder: str) -> str:
    return os.path.dirname(folder) if os.path.basename(folder) in FOLDERS else folder


def _check_data(document: dict[str, Any], file: str, lines: dict[str, int]) -> None:
    for name, reference in document["dataReferences"].items():
        mode = reference.get("mode", "mount") if isinstance(reference, dict) else None
        if not isinstance(mode, str) or mode.lower() not in DATA_MODES:
            key = f"dataReferences.{name}"
            message = f"mode {mode} is not supported. Only mount, download allowed"
            raise BadInput(message, file=file, line=lines.get(key, 0), key=key, hint="write mode: mount")


def list_unwritten(document: dict[str, Any]) -> tuple[str, ...]:
    """Give a line for each secret in plain text that `write_run_configuration` does not write."""
    _, lines = hide_secrets(document.get("environment") or {})
    return (*lines, *hide_variables({**(document.get("environmentVariables") or {})}))


def write_run_configuration(
    document: dict[str, Any], *, folder: str, conda_file: str, separate_environment: bool = False
) -> dict[str, bytes]:
    """Give the files of a run configuration, as azureml-core writes them, by their names.

    Secrets are not among what is written: see `hide_secrets`, and `list_unwritten` for what the user should know of it.

    Args:
        document: Its document, the environment's packages inline.
        folder: The folder of the run configuration in its project with a `/` at the end; empty for a file that
            stands on its own.
        conda_file: The name of the conda file, relative to the project; empty: `conda_dependencies.yml` in `folder`.
        separate_environment: Whether the environment goes to a file of its own, `environment.yml` in `folder`.

    Returns:
        The run configuration itself under the empty name, the others by names relative to the project.

    Raises:
        BadInput: something in the document has no place in a file.
    """
    whole = complete(document, RUN_CONFIGURATION)
    environment, _ = hide_secrets(whole["environment"] or {})
    hide_variables(whole["environmentVariables"])
    files: dict[str, bytes] = {}
    for holder, name in (
        (whole, "environmentVariables"),
        (environment, "environmentVariables"),
        (whole["spark"], "configuration"),
    ):
        if holder.get(name):
            holder[name] = {key: _as_native(item) for key, item in holder[name].items()}
    if python := environment.get("python"):
        conda = python.pop("condaDependencies", None)
        if conda is not None:
            python["condaDependenciesFile"] = conda_file or f"{folder}{CONDA_FILE}"
            files[python["condaDependenciesFile"]] = dump_yaml(conda).encode()
    if whole["history"]["ambientAuthentication"] is None:
        del whole["history"]["ambientAuthentication"]
    whole["environment"] = environment
    if separate_environment:
        files[f"{folder}{ENVIRONMENT_FILE}"] = dump_yaml(environment).encode()
        whole["environment"] = f"{folder}{ENVIRONMENT_FILE}"
    return {**files, "": dump_yaml(whole).encode()}


def _as_native(item: object) -> object:
    """Give a variable's value as azureml-core can read it from YAML: it refuses numbers with a fraction."""
    return str(item) if isinstance(item, float) else item
