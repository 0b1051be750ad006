"""What Azure ML lets one download of a run, made into a run configuration that runs here.

Of v1: the JSON of `Run.get_details()`, whose `runDefinition` is a run configuration with more keys. Of v2: the job as
`az ml job show` prints it, with keys that only the service writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localrun.errors import BadInput
from localrun.formats.dump import dump_json, dump_yaml
from localrun.formats.gate import load_yaml
from localrun.formats.json_text import load_json
from localrun.formats.runconfig import list_unwritten, read_run_configuration, write_run_configuration
from localrun.formats.runconfig_keys import RUN_CONFIGURATION
from localrun.formats.secret_names import hide_variables
from localrun.values import value

if TYPE_CHECKING:
    from collections.abc import Callable

REMOTE = ("azureml:", "azureml://", "http://", "https://", "wasbs://", "abfss://", "git+", "git@")
"""What begins like this is elsewhere."""
_FOR_THE_CLOUD = (
    "target", "data", "dataReferences", "datacaches", "outputData", "sourceDirectoryDataStore", "priority", "hdi",
    "amlcompute", "kubernetescompute", "autoClusterComputeSpecification", "applicationEndpoints",
    "credentialPassthrough",
)  # fmt: skip
_OF_THE_SERVICE = (
    "compute", "identity", "services", "queue_settings", "properties", "parent_job_name", "creation_context", "id",
    "status", "log_files", "parameters", "resources", "name",
)  # fmt: skip


_LINE = 100
"""Characters of a value that are shown."""


@value
class Imported:
    """A run configuration made of a remote run.

    Attributes:
        files: The bytes of each file to write, by its name; the first is the run configuration.
        left: What could not be carried over, one line each.
    """

    files: tuple[tuple[str, bytes], ...]
    left: tuple[str, ...] = ()


def is_details(data: bytes, *, file: str) -> bool:
    """Tell whether a JSON file holds a v1 run definition, on its own or in the details of a run."""
    try:
        return bool(_find_definition(load_json(data, file=file).data))
    except BadInput:
        return False


def _find_definition(document: object) -> dict[str, Any]:
    if not isinstance(document, dict):
        return {}
    for name in ("runDefinition", "run_definition"):
        if isinstance(document.get(name), dict):
            return dict(document[name])
    known = {name.lower() for name in document}
    return dict(document) if {"environment", "framework"} <= known and known & {"script", "command"} else {}


def is_job(data: bytes, *, file: str) -> bool:
    """Tell whether a YAML file holds a v2 command job."""
    try:
        document = load_yaml(data, file=file).data
    except BadInput:
        return False
    return isinstance(document, dict) and "command" in document and document.get("type", "command") == "command"


def import_details(
    data: bytes, *, file: str, environment: bytes | None, read: Callable[[str], bytes], name: str = "imported"
) -> Imported:
    """Make a run configuration of the details of a v1 run.

    Args:
        data: The JSON.
        file: Its name, for messages.
        environment: The bytes of the run's `azureml_environment.json`; None when there is none.
        read: Gives the bytes of a file by its absolute path.
        name: What to call the run configuration.

    Raises:
        BadInput: it cannot be read.
    """
    definition = _find_definition(load_json(data, file=file).data)
    names = {known.lower(): known for known in RUN_CONFIGURATION}
    kept: dict[str, Any] = {}
    left = []
    for key, item in definition.items():
        known = names.get(key.replace("_", "").lower(), "")
        if not known or known in _FOR_THE_CLOUD:
            left += [f"{key}: {_shorten(item)}"] if _says_something(item) else []
        elif item is not None:
            kept[known] = item
    if environment is not None:
        kept["environment"] = load_json(environment, file="azureml_environment.json").data
    kept.setdefault("environment", None)
    found = read_run_configuration(dump_yaml(kept).encode(), file=file, read=read)
    secrets = list_unwritten(found.document)
    files = write_run_configuration(found.document, folder="", conda_file="")
    listed = ((path or f"{name}.runconfig", text) for path, text in files.items())
    return Imported(
        files=tuple(sorted(listed, key=lambda item: item[0] != f"{name}.runconfig")), left=(*left, *secrets)
    )


def _says_something(item: object) -> bool:
    """Tell whether a value says more than that there is none."""
    if isinstance(item, dict):
        return any(map(_says_something, item.values()))
    defaults = (None, False, "", "local", "yarnDeployMode", "cluster", "None", 0, 1)
    return item not in defaults if not isinstance(item, list) else bool(item)


def _shorten(item: object) -> str:
    text = item if isinstance(item, str) else dump_json(item).replace("\n", "").replace("    ", " ")
    return text if len(text) <= _LINE else f"{text[:_LINE]} ..."


def import_job(data: bytes, *, file: str, code: str, environment: bytes | None, name: str = "imported") -> Imported:
    """Make a job file of a v2 job as the service tells of it.

    Args:
        data: The YAML.
        file: Its name, for messages.
        code: Where the snapshot is, relative to where the job file goes; empty when there is none.
        environment: The bytes of the run's `azureml_environment.json`; None when there is none.
        name: What to call the job file.

    Raises:
        BadInput: it cannot be read.
    """
    document: dict[str, Any] = dict(load_yaml(data, file=file).data)
    left = []
    for key in _OF_THE_SERVICE:
        item = document.pop(key, None)
        if key == "resources" and isinstance(item, dict):
            kept = {part: item.pop(part) for part in ("instance_count", "shm_size", "docker_args") if item.get(part)}
            document |= {"resources": kept} if kept else {}
        left += [f"{key}: {_shorten(item)}"] if _says_something(item) and item != {} else []
    if code:
        document["code"] = code
    elif str(document.get("code") or "").startswith(REMOTE):
        left.append(f"code: {document.pop('code')}: there is no snapshot in the folder")
    if environment is not None:
        document["environment"] = _inline_environment(
            load_json(environment, file="azureml_environment.json").data, left
        )
    elif str(document.get("environment") or "").startswith(REMOTE):
        left.append(f"environment: {document['environment']}: register it here, or name another with -E")
    left += hide_variables(document.get("environment_variables"))
    _bring_data(document, left)
    document = {key: item for key, item in document.items() if item not in (None, {}, [])}
    return Imported(files=((f"{name}.yml", dump_yaml(document).encode()),), left=tuple(left))


def _inline_environment(document: object, left: list[str]) -> dict[str, Any]:
    """Give a v1 environment as a v2 job has it in its own file.

    Raises:
        BadInput: it is none.
    """
    docker, python = (document.get(key) or {} if isinstance(document, dict) else None for key in ("docker", "python"))
    if not isinstance(docker, dict) or not isinstance(python, dict):
        raise BadInput("it is no environment", file="azureml_environment.json", hint="download it again, or remove it")
    found: dict[str, Any] = {"image": docker.get("baseImage") or ""}
    if python.get("condaDependencies") and not python.get("userManagedDependencies"):
        found["conda_file"] = python["condaDependencies"]
    if docker.get("baseDockerfile"):
        left.append("environment: its Dockerfile; build it with the v1 environment's own folder and -E")
    if not found["image"]:
        del found["image"]
    return found


def _bring_data(document: dict[str, Any], left: list[str]) -> None:
    """Let inputs that are elsewhere start from a folder beside the job file; outputs have no place of their own."""
    inputs = document.get("inputs")
    for name, item in (inputs if isinstance(inputs, dict) else {}).items():
        path = item.get("path") if isinstance(item, dict) else None
        if isinstance(path, str) and path.startswith(REMOTE):
            item["path"] = f"./inputs/{name}"
            left.append(f"inputs.{name}: {path}: put the data at inputs/{name} beside the job file")
    outputs = document.get("outputs")
    for name, item in (outputs if isinstance(outputs, dict) else {}).items():
        named = [key for key in ("path", "name", "version") if isinstance(item, dict) and item.get(key)]
        left += [f"outputs.{name}.{key}: {item.pop(key)}" for key in named]
