"""Azure ML v2 command jobs (`commandJob` YAML), as azure-ai-ml's loader takes them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from localrun.errors import BadInput, EnvironmentNotFound
from localrun.formats.conda_file import check_variable_name
from localrun.formats.docker_arguments import read_docker_arguments
from localrun.formats.environment import UNDERSTOOD, read_environment_mapping, read_registered
from localrun.formats.expressions import check_references, rewrite_legacy
from localrun.formats.gate import load_yaml
from localrun.formats.nodes import (
    LARGEST_COUNT,
    Node,
    beside,
    choice,
    describe,
    items,
    mapping,
    nearest,
    notes_on_reading,
    read_beside,
    root,
    text,
    text_on_azure,
    whole_number,
)
from localrun.formats.overrides import apply_overrides
from localrun.formats.ports import read_inputs, read_outputs
from localrun.spec import ContainerSpec, DistributionSpec, EnvironmentSpec, RunSpec
from localrun.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.formats.environment import FindRegistered

LONGEST_TIMEOUT_S = 10**9

_READ_ONLY = ("creation_context", "id", "status", "log_files", "parameters")
_CLOUD = ("compute", "identity", "services", "queue_settings", "properties", "parent_job_name", *_READ_ONLY)
_KEYS = (
    "$schema", "type", "command", "code", "environment", "environment_variables", "inputs", "outputs", "resources",
    "distribution", "limits", "name", "display_name", "experiment_name", "description", "tags", *_CLOUD,
)  # fmt: skip
_KINDS = (
    "command",
    "pipeline",
    "sweep",
    "spark",
    "automl",
    "parallel",
    "import",
    "data_transfer",
    "finetuning",
    "distillation",
)
_CLOUD_RESOURCES = ("instance_type", "locations", "max_instance_count", "properties")
_DISTRIBUTIONS: dict[str, dict[str, type]] = {
    "pytorch": {"process_count_per_instance": int},
    "mpi": {"process_count_per_instance": int},
    "tensorflow": {"worker_count": int, "parameter_server_count": int},
    "ray": {
        "port": int, "address": str, "include_dashboard": bool, "dashboard_port": int,
        "head_node_additional_args": str, "worker_node_additional_args": str,
    },
}  # fmt: skip


def read_command_job(
    data: bytes,
    *,
    file: str,
    read: Callable[[str], bytes],
    overrides: tuple[tuple[str, str], ...] = (),
    environment_given: bool = False,
    find_registered: FindRegistered | None = None,
) -> RunSpec:
    """Give the run configuration of a v2 command job.

    Args:
        data: The file's bytes.
        file: Its name; a relative one starts from the working directory.
        read: Gives the bytes of a referenced file by its absolute path.
        overrides: `--set` pairs, applied before anything is checked.
        environment_given: Another is used: the job's own is not read, may be missing, and is None in the result.
        find_registered: Finds registered and curated environments; None when there is no workspace.

    Raises:
        BadInput: it is no command job, or something in it cannot be used.
    """
    document = apply_overrides(load_yaml(data, file=file), overrides)
    job = root(document)
    _check_kind(job)
    inputs, notes = read_inputs(job.part("inputs")) if "inputs" in job.data else ((), [])
    outputs, cloud = read_outputs(job.part("outputs")) if "outputs" in job.data else ((), [])
    variables, variable_notes = _read_variables(job)
    environment = None if environment_given else _read_environment(job, read, find_registered)
    spec = RunSpec(
        **_read_names(job),
        **_read_code(job),
        **_read_resources(job, read),
        command=_read_command(job),
        environment=environment and replace(environment, notes=()),
        environment_variables=variables,
        inputs=inputs,
        outputs=outputs,
        distribution=_read_distribution(job),
        timeout_s=_read_timeout(job),
        cloud_keys=tuple(_in_order(job, cloud)),
        file=file,
        lines=document.lines(),
    )
    more = notes + variable_notes + list(environment.notes if environment else ())
    return replace(_check_expressions(job, spec), notes=tuple(more))


def _check_kind(job: Node) -> None:
    if job.data is None:
        raise job.refuse("the file is empty", hint="a command job needs command and environment")
    mapping(job)
    kind = job.data.get("type", "command")
    if kind != "command":
        part = job.part("type")
        if isinstance(kind, str) and kind in _KINDS:
            raise part.refuse(f"a job of type {kind} is not run here yet", hint="only command jobs are")
        near = nearest(kind.lower(), _KINDS) if isinstance(kind, str) else ""
        hint = f"did you mean {near}?" if near else "write type: command"
        raise part.refuse(f"expected the type of a job, found {describe(kind)}", hint=hint)
    if job.data.keys() & {"is_deterministic", "version"}:
        hint = "write a job with its command, environment and inputs"
        raise job.refuse("this is a component, not a job", hint=hint)
    if "component" in job.data:
        hint = "write command, environment and inputs of the component into the job"
        raise job.part("component").refuse("a component is not run here yet", hint=hint)
    if "type" not in job.data and "jobs" in job.data:
        raise job.part("jobs").refuse("a pipeline is not run here yet", hint="only command jobs are")
    if "type" not in job.data and "trial" in job.data:
        raise job.part("trial").refuse("a sweep is not run here yet", hint="only command jobs are")
    if "command" not in job.data and job.data.keys() & {"image", "conda_file", "build", "dependencies"}:
        hint = f"run a script in it: localrun run -E {job.document.file} train.py"
        raise job.refuse("this is an environment, not a job", hint=hint)
    mapping(job, _KEYS)


def _read_command(job: Node) -> str:
    node = _required(job, "command")
    if not text(node).strip():
        raise node.refuse("the command is empty", hint="write what bash is to run, such as python train.py")
    return text(node)


def _required(job: Node, name: str) -> Node:
    if name not in job.data:
        raise BadInput(f"a command job needs the key {name}", file=job.document.file, key=name, hint=f"add {name}:")
    return job.part(name)


def _read_names(job: Node) -> dict[str, Any]:
    names = ("name", "display_name", "experiment_name", "description")
    found: dict[str, Any] = {name: text(job.part(name)) for name in names if name in job.data}
    if "parent_job_name" in job.data:
        text(job.part("parent_job_name"))
    if "properties" in job.data:
        _read_texts(job.part("properties"))
    if "tags" in job.data:
        found["tags"] = _read_texts(job.part("tags"))
    return found


def _read_texts(node: Node) -> tuple[tuple[str, str], ...]:
    pairs = [(str(part.path[-1]), "" if part.data is None else text(part)) for part in mapping(node)]
    return tuple(pairs)


def _read_code(job: Node) -> dict[str, Any]:
    if "code" not in job.data:
        return {}
    part = job.part("code")
    code = text(part)
    if code.startswith(("azureml:", "http:", "https:", "git+", "git@", "git:", "ssh:", "file:")):
        hint = "write the path alone, without file:" if code.startswith("file:") else "download it and name the folder"
        raise part.refuse(f"{code} is not a local path", hint=hint)
    # Whether it is a folder or a single file is known where the host is looked at.
    return {"source_directory": beside(part, code)[0]} if code else {}


def _read_resources(job: Node, read: Callable[[str], bytes]) -> dict[str, Any]:
    if "resources" not in job.data:
        return {}
    node = job.part("resources")
    mapping(node, ("instance_count", "shm_size", "docker_args", *_CLOUD_RESOURCES))
    if "instance_type" in node.data:
        text(node.part("instance_type"))
    found: dict[str, Any] = {"container": _read_container(node, read)}
    if "instance_count" in node.data:
        found["nodes"] = whole_number(node.part("instance_count"), minimum=1, maximum=LARGEST_COUNT)
    return found


def _read_container(resources: Node, read: Callable[[str], bytes]) -> ContainerSpec:
    shm_size = text(resources.part("shm_size")) if "shm_size" in resources.data else ""
    if "docker_args" not in resources.data:
        return ContainerSpec(shm_size=shm_size)
    node = resources.part("docker_args")
    given = [text(part) for part in items(node)] if isinstance(node.data, list) else text(node)
    try:
        found = read_docker_arguments(given, directory=os.path.dirname(node.path_of_file), read=read)
    except BadInput as error:
        raise node.refuse(error.message, hint=error.hint) from None
    return replace(found, shm_size=shm_size)


def _read_distribution(job: Node) -> DistributionSpec:
    if "distribution" not in job.data:
        return DistributionSpec()
    node = job.part("distribution")
    mapping(node)
    if "type" not in node.data:
        raise node.refuse("expected the key type, found none", hint=f"type is one of {', '.join(_DISTRIBUTIONS)}")
    kind = choice(node.part("type"), _DISTRIBUTIONS)
    known = _DISTRIBUTIONS[kind]
    mapping(node, ("type", *known))
    counts: dict[str, int] = {}
    for name in node.data.keys() & known.keys():
        part = node.part(name)
        if known[name] is str:
            text(part)
        elif known[name] is int and name != "process_count_per_instance":
            counts[name] = whole_number(part, minimum=0, maximum=10**6)
    count = 1
    if "process_count_per_instance" in node.data:
        count = whole_number(node.part("process_count_per_instance"), minimum=1, maximum=LARGEST_COUNT)
    workers, servers = counts.get("worker_count", 0), counts.get("parameter_server_count", 0)
    if kind == "tensorflow" and "worker_count" in counts and not workers:
        raise node.part("worker_count").refuse("a job without workers does nothing", hint="give 1 or more")
    return DistributionSpec(type=kind, processes_per_node=count, workers=workers, parameter_servers=servers)


def _read_timeout(job: Node) -> float:
    if "limits" not in job.data:
        return 0
    node = job.part("limits")
    mapping(node, ("timeout",))
    if "timeout" not in node.data:
        return 0
    return whole_number(node.part("timeout"), minimum=0, maximum=LONGEST_TIMEOUT_S)


def _read_variables(job: Node) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    if "environment_variables" not in job.data:
        return (), []
    found = []
    notes: list[str] = []
    for part in mapping(job.part("environment_variables")):
        found.append((check_variable_name(part), text_on_azure(part)))
        notes += notes_on_reading(part)
    return tuple(found), notes


def _read_environment(
    job: Node, read: Callable[[str], bytes], find_registered: FindRegistered | None
) -> EnvironmentSpec:
    node = _required(job, "environment")
    if isinstance(node.data, dict):
        return read_environment_mapping(node, read=read)
    if not isinstance(node.data, str):
        raise node.refuse(f"expected an environment, found {describe(node.data)}", hint=UNDERSTOOD)
    if node.data.startswith("file:"):
        data, shown = read_beside(node, node.data.removeprefix("file:"), read)
        return read_environment_mapping(root(load_yaml(data, file=shown)), read=read)
    if node.data.startswith("azureml:"):
        try:
            return read_registered(node.data, find_registered, read)
        except (BadInput, EnvironmentNotFound) as error:
            raise node.refuse(error.message, hint=f"{error.hint}; or name another with -E") from None
    hint = f"write file:{node.data}" if node.data.endswith((".yml", ".yaml")) else "name one with -E: " + UNDERSTOOD
    raise node.refuse(f"{node.data!r} is not an environment", hint=hint)


def _in_order(job: Node, of_outputs: list[str]) -> list[str]:
    found = []
    for name in job.data:
        if name in _CLOUD and (name, job.data[name]) != ("compute", "local"):
            found.append(name)
        elif name == "resources":
            found += [f"resources.{key}" for key in job.data[name] if key in _CLOUD_RESOURCES]
        elif name == "outputs":
            found += of_outputs
    return found


def _check_expressions(job: Node, spec: RunSpec) -> RunSpec:
    inputs = [item.name for item in spec.inputs]
    outputs = [item.name for item in spec.outputs]
    command = rewrite_legacy(spec.command)
    texts = [(job.part("command"), command)]
    if spec.environment_variables:
        parts = mapping(job.part("environment_variables"))
        texts += [(part, item[1]) for part, item in zip(parts, spec.environment_variables, strict=True)]
    for node, content in texts:
        line, key = node.mark.line, node.key
        check_references(content, inputs=inputs, outputs=outputs, file=spec.file, line=line, key=key)
    return replace(spec, command=command)
