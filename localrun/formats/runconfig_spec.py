"""From the document of a v1 run configuration to what was asked for."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

from localrun.errors import BadInput, EnvironmentNotFound
from localrun.formats.docker_arguments import read_docker_arguments
from localrun.formats.gate import refuse_to_read
from localrun.formats.nodes import LARGEST_COUNT
from localrun.formats.runconfig_keys import RUN_CONFIGURATION, complete
from localrun.formats.v1_environment import is_reference, spec_of_document
from localrun.spec import ContainerSpec, DistributionSpec, EnvironmentSpec, RunSpec
from localrun.values import replace, value

if TYPE_CHECKING:
    from collections.abc import Callable

MPI = ("mpi", "openmpi", "intelmpi")
"""Communicators, in lower case, that start the ranks by `mpirun`."""
DEFAULT_DURATION_S = 30 * 24 * 3600
"""What `ScriptRunConfig` writes when nobody asked for a limit: the longest that Azure ML allows. Here it is none."""
DEFAULT_SHM = "2g"
"""What azureml-core writes when nobody asked for a size, here as well the default."""
LOCAL_TARGETS = ("local", "")
PLACEHOLDERS = ("DatasetConsumptionConfig:", "DatasetOutputConfig:", "$AZUREML_DATAREFERENCE_")
"""What azureml-core writes among the arguments in place of data in the cloud."""
NOT_RUN = {
    "pyspark": "a Spark job is not run here",
    "paralleltask": "a parallel task is not run here",
}
_NAMES = (
    ("distribution.type", "communicator"),
    ("distribution.process_count_per_instance", "pytorch.processCount"),
    ("distribution.worker_count", "tensorflow.workerCount"),
    ("resources.instance_count", "nodeCount"),
    ("limits.timeout", "maxRunDurationSeconds"),
    ("environment_variables", "environmentVariables"),
    ("resources.docker_args", "docker.arguments"),
    ("resources.shm_size", "docker.shmSize"),
)
"""For keys of a v2 job, as resolve calls them, those of a run configuration."""


@value
class Place:
    """Where a document came from, for messages: the file, and the line of each key."""

    file: str
    lines: tuple[tuple[str, int], ...]

    def refuse(self, key: str, message: str, *, hint: str = "") -> BadInput:
        """Make the error for a key."""
        return BadInput(message, file=self.file, line=dict(self.lines).get(key, 0), key=key, hint=hint)


def spec_of_runconfig(
    document: dict[str, Any],
    *,
    directory: str,
    packages: str = "",
    file: str = "",
    lines: tuple[tuple[str, int], ...] = (),
    read: Callable[[str], bytes] | None = None,
    find_environment: Callable[[str, str], EnvironmentSpec] | None = None,
) -> RunSpec:
    """Give what a run configuration asks for.

    Args:
        document: Its document, the environment's packages inline; an `environment` of None is left to the caller.
        directory: The source folder, absolute.
        packages: The folder from which relative paths among pip's requirements start; empty: the source folder.
        file: The name of the file that it came from, for messages; empty for a Python object.
        lines: For each canonical key of that file its line.
        read: Gives the bytes of a requirements file that the pip section includes, by its absolute path.
        find_environment: Gives a registered environment by its name and version (empty: the latest).

    Raises:
        BadInput: the document contradicts itself, or asks for what cannot be done here.
    """
    whole = complete(document, RUN_CONFIGURATION)
    place = Place(file=file, lines=lines)
    environment = _read_environment(whole["environment"], packages or directory, place, read, find_environment)
    return RunSpec(
        **_read_program(whole, directory, place),
        **_read_ranks(whole, place),
        source_directory=directory,
        environment=environment,
        environment_variables=_read_variables(whole["environmentVariables"], place),
        timeout_s=_read_timeout(whole, place),
        target=_read_target(whole),
        container=_read_container(whole, directory, place, read),
        in_place=not whole["history"]["snapshotProject"],
        cloud_keys=_find_cloud_keys(whole),
        notes=_find_notes(whole, place) + (environment.notes if environment else ()),
        file=file,
        lines=lines,
        key_names=_NAMES,
    )


def _read_program(whole: dict[str, Any], directory: str, place: Place) -> dict[str, Any]:
    command, script, given = whole["command"], whole["script"], whole["arguments"]
    if command and (script or given):
        key, what = ("script", "a script") if script else ("arguments", "arguments")
        hint = f"remove {key}, or command: a command holds its own arguments"
        raise place.refuse(
            key, f"a run configuration has a command or a script with arguments; here {what} too", hint=hint
        )
    if command:
        words = [command] if isinstance(command, str) else _read_words(command, "command", place)
        return {"command": " ".join(words)}
    if not script:
        hint = "give script: train.py or command:, or name the script after the run configuration"
        raise place.refuse("script", "the run configuration names neither a script nor a command", hint=hint)
    arguments = _split(given, place) if isinstance(given, str) else _read_words(given, "arguments", place)
    path = os.path.normpath(os.path.join(directory, script))
    return {"script": path, "arguments": tuple(arguments), "expand_arguments": True}


def _split(text: str, place: Place) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        message = f"{text!r} cannot be split into arguments: {error}".replace("No closing", "no closing")
        raise place.refuse("arguments", message, hint="write a list: one argument a line") from None


def _read_words(words: object, key: str, place: Place) -> list[str]:
    found = []
    if not isinstance(words, list | tuple):
        raise place.refuse(key, f"expected a list, found {type(words).__name__}", hint="write one word an item")
    for index, word in enumerate(words):
        where = f"{key}.{index}"
        if word is None or (isinstance(word, float) and word - word != 0):
            shown = "nothing" if word is None else f"the number {word}"
            raise place.refuse(where, f"expected text or a number, found {shown}", hint="write '' for an empty text")
        if isinstance(word, str) and word.startswith(PLACEHOLDERS):
            hint = "name a local file or folder in its place"
            raise place.refuse(where, f"{word} stands for data that only Azure ML has", hint=hint)
        if not isinstance(word, str | int | float | os.PathLike):
            kind = type(word).__name__
            raise place.refuse(where, f"expected text or a number, found a value of type {kind}", hint="write its text")
        found.append(_check_word(os.fspath(word) if isinstance(word, os.PathLike) else str(word), where, place))
    return found


def _check_word(word: str, where: str, place: Place) -> str:
    """Give an argument back that a program can be started with: a Python object may hold any characters."""
    try:
        encoded = os.fsencode(word)
    except UnicodeEncodeError:
        encoded = b"\0"
    if b"\0" in encoded:
        raise place.refuse(where, "the text holds a NUL or half of a surrogate pair", hint="remove it")
    return word


def _read_ranks(whole: dict[str, Any], place: Place) -> dict[str, Any]:
    communicator = str(whole["communicator"]).lower()
    framework = str(whole["framework"]).lower()
    for word, key in ((framework, "framework"), (communicator, "communicator")):
        if word in NOT_RUN:
            raise place.refuse(key, NOT_RUN[word], hint="only Python scripts and commands are")
    nodes = _at_least(whole, "nodeCount", 1, place) or 1
    if communicator in MPI:
        count = _at_least(whole, "mpi.processCountPerNode", 1, place) or 1
        return {"nodes": nodes, "distribution": DistributionSpec(type="mpi", processes_per_node=count)}
    if communicator in ("nccl", "gloo"):
        count = _share(whole, nodes, place)
        return {"nodes": nodes, "distribution": DistributionSpec(type="pytorch", processes_per_node=count)}
    if communicator == "parameterserver":
        return {"nodes": nodes, "distribution": _read_tasks(whole, place)}
    if communicator not in ("none", ""):
        hint = "known are None, nccl, gloo, OpenMpi, IntelMpi and ParameterServer"
        raise place.refuse("communicator", f"the communicator {whole['communicator']} is not known", hint=hint)
    return {"nodes": nodes}


def _read_tasks(whole: dict[str, Any], place: Place) -> DistributionSpec:
    workers = _at_least(whole, "tensorflow.workerCount", 1, place) or 1
    servers = _at_least(whole, "tensorflow.parameterServerCount", 0, place) or 0
    return DistributionSpec(type="tensorflow", workers=workers, parameter_servers=servers)


def _share(whole: dict[str, Any], nodes: int, place: Place) -> int:
    """Give the processes of each node: azureml-core's `process_count` is the total, None one a node."""
    total = _at_least(whole, "pytorch.processCount", 1, place)
    if total is None:
        return 1
    if total % nodes:
        hint = f"process_count is the total of all nodes: give a multiple of {nodes}"
        message = f"{total} processes cannot be shared out evenly among {nodes} nodes"
        raise place.refuse("pytorch.processCount", message, hint=hint)
    return total // nodes


def _at_least(whole: dict[str, Any], key: str, minimum: int, place: Place) -> int | None:
    data: Any = whole
    for name in key.split("."):
        data = data[name]
    if data is None:
        return None
    if isinstance(data, bool) or not isinstance(data, int):
        raise place.refuse(key, f"expected a whole number, found {data!r}", hint="write digits alone, such as 4")
    if data < minimum or (minimum and data > LARGEST_COUNT):
        hint = f"give {minimum} or more" if data < minimum else f"give {LARGEST_COUNT:,} or less"
        raise place.refuse(key, f"expected a whole number from {minimum}, found {data}", hint=hint)
    return data


def _read_timeout(whole: dict[str, Any], place: Place) -> int:
    seconds = _at_least(whole, "maxRunDurationSeconds", 0, place) or 0
    return 0 if seconds == DEFAULT_DURATION_S else seconds


def _read_target(whole: dict[str, Any]) -> str:
    """Give `docker` when it is asked for; a target of `local` is this machine, in containers or not."""
    older = (whole["environment"] or {}).get("docker") or {}
    return "docker" if whole["docker"]["useDocker"] or older.get("enabled") else ""


def _read_container(
    whole: dict[str, Any], directory: str, place: Place, read: Callable[[str], bytes] | None
) -> ContainerSpec:
    """Read the docker section; where it says nothing, the older one of the environment counts."""
    section, older = whole["docker"], (whole["environment"] or {}).get("docker") or {}
    words = _read_words(section["arguments"] or older.get("arguments") or [], "docker.arguments", place)
    sizes = [section["shmSize"], older.get("shmSize")]
    shm_size = next((str(size) for size in sizes if size and str(size) != DEFAULT_SHM), "")
    try:
        found = read_docker_arguments(words, directory=directory, read=read or refuse_to_read)
    except BadInput as error:
        raise place.refuse("docker.arguments", error.message, hint=error.hint) from None
    return replace(found, shm_size=shm_size)


def _read_variables(given: object, place: Place) -> tuple[tuple[str, str], ...]:
    found = []
    if not isinstance(given, dict):
        shown = type(given).__name__
        raise place.refuse("environmentVariables", f"expected names and values, found {shown}", hint="give a dict")
    for name, data in given.items():
        key = f"environmentVariables.{name}"
        if not isinstance(name, str) or not name or "=" in name:
            message = f"{name!r} cannot be the name of an environment variable"
            raise place.refuse(key, message, hint="write a name without =")
        if not isinstance(data, str | int | float | None) or (isinstance(data, float) and data - data != 0):
            raise place.refuse(key, f"expected text or a number, found {type(data).__name__}", hint="write text")
        found.append((name, "" if data is None else str(data)))
    return tuple(found)


def _read_environment(
    document: dict[str, Any] | None,
    directory: str,
    place: Place,
    read: Callable[[str], bytes] | None,
    find_environment: Callable[[str, str], EnvironmentSpec] | None,
) -> EnvironmentSpec | None:
    if document is None:
        return None
    if not is_reference(document):
        return spec_of_document(document, file=place.file, directory=directory, read=read)
    name, version = document.get("name") or "", document.get("version") or ""
    if not name:
        raise place.refuse("environment", "the environment is empty", hint="give it a name, or packages, or use -E")
    if find_environment is None:
        shown = f"{name}:{version}" if version else name
        hint = "register it in this workspace, or name another with -E"
        raise place.refuse("environment", f"the environment {shown} is a reference to a registered one", hint=hint)
    try:
        return find_environment(name, version)
    except (BadInput, EnvironmentNotFound) as error:
        raise place.refuse("environment", error.message, hint=f"{error.hint}; or name another with -E") from None


def _find_cloud_keys(whole: dict[str, Any]) -> tuple[str, ...]:
    """Give the keys that only the cloud can honour, where they say something."""
    found = []
    if (whole["target"] or "").lower() not in LOCAL_TARGETS:
        found.append("target")
    names = ("priority", "dataReferences", "data", "datacaches", "outputData", "sourceDirectoryDataStore")
    more = ("autoClusterComputeSpecification", "credentialPassthrough", "applicationEndpoints")
    found += [name for name in (*names, *more) if whole[name]]
    for section in ("amlcompute", "kubernetescompute"):
        found += [f"{section}.{name}" for name, data in whole[section].items() if data]
    return tuple(found)


def _find_notes(whole: dict[str, Any], place: Place) -> tuple[str, ...]:
    history = whole["history"]
    notes = []
    if not history["outputCollection"]:
        notes.append((
            "history.outputCollection", "ignored: outputs and logs are kept with the run's record"
        ))  # fmt: skip
    if history["directoriesToWatch"] not in (["logs"], []):
        notes.append(("history.directoriesToWatch", "only outputs and logs are collected here"))
    return tuple(_note(key, message, place) for key, message in notes)


def _note(key: str, message: str, place: Place) -> str:
    line = dict(place.lines).get(key, 0)
    return f"{place.file}:{line}: {key}: {message}" if line else f"{key}: {message}"
