"""Inputs and outputs of a job: where each is for the command, and how a script finds it."""

from __future__ import annotations

import os

from localrun.plan import RUN_FOLDER, InputPlan, OutputPlan
from localrun.resolve.refusal import refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from localrun.spec import InputSpec, RunSpec

RESERVED = ("path", "ld_library_path", "user", "logname", "home", "pwd", "shell")
"""An output is known to the script under its plain name too."""


def place_input(item: InputSpec) -> str:
    """Give the text that stands for an input in the command: a literal, a URI, or a path on this machine."""
    if item.type == "literal" or item.mode == "direct":
        return item.value
    if item.mode != "download":
        return item.path
    name = os.path.basename(item.path)
    folder = f"{RUN_FOLDER}/inputs/{item.name}"
    return f"{folder}/{name}" if item.type == "uri_file" else folder


def plan_inputs(spec: RunSpec, kinds: Mapping[str, str]) -> tuple[InputPlan, ...]:
    """Plan the data inputs.

    Args:
        spec: The run configuration.
        kinds: What stands at each path (`HostFacts.paths`).

    Raises:
        BadInput: nothing is there, or a folder stands where a file is asked for, or the other way round.
    """
    planned = []
    for item in spec.inputs:
        if not item.path:
            continue
        key = f"inputs.{item.name}.path"
        problem, hint = _judge_input(item, kinds.get(item.path, "missing"))
        if problem:
            raise refuse(spec, problem, key=key, flag=key, hint=hint)
        planned.append(InputPlan(name=item.name, path=item.path, copied=item.mode == "download"))
    return tuple(planned)


def _judge_input(item: InputSpec, kind: str) -> tuple[str, str]:
    """Give what is wrong with a data input and what to do; two empty texts when nothing is."""
    if kind == "missing":
        return f"there is no file or folder {item.path}", "check the path of this input"
    if item.type == "uri_file" and kind == "folder":
        return f"{item.path} is a folder, and the type is uri_file", "use type: uri_folder"
    if item.type == "uri_folder" and kind == "file":
        return f"{item.path} is a file, and the type is uri_folder", "use type: uri_file"
    return "", ""


def place_output(name: str) -> str:
    """Give the place of an output, relative to the run's folder."""
    return f"named-outputs/{name}"


def plan_outputs(spec: RunSpec) -> tuple[OutputPlan, ...]:
    """Plan the outputs: `named-outputs/<name>` in the run's folder, a file for `uri_file`, else an empty folder."""
    return tuple(
        OutputPlan(name=item.name, path=place_output(item.name), is_file=item.type == "uri_file")
        for item in spec.outputs
    )


def check_outputs(spec: RunSpec, kinds: Mapping[str, str]) -> None:
    """Refuse outputs whose names, as environment variables, would break every shell, and a file as their place.

    Source: the reserved port names of Azure ML's documentation.

    Args:
        spec: The run configuration.
        kinds: What stands at each path (`HostFacts.paths`).

    Raises:
        BadInput: an output has a reserved name, or they cannot be copied to where they are wanted.
    """
    faults = dict.fromkeys(("file", "other"), "is there and is no folder") | {"locked": "cannot be written by you"}
    if fault := faults.get(kinds.get(spec.outputs_directory, "")):
        message = f"{spec.outputs_directory} {fault}"
        raise refuse(spec, message, key="", flag="-o", hint="name a folder; it is made when it is not there")
    for place in [os.path.join(spec.source_directory, name) for name in ("outputs", "logs")] if spec.in_place else []:
        if kinds.get(place) == "locked":
            message = f"{place} cannot be written by you, and a run in the source folder itself uses it"
            raise refuse(spec, message, key="", flag="--in-place", hint="make it writable, or leave --in-place out")
    for item in spec.outputs:
        if item.name.lower() in RESERVED:
            key = f"outputs.{item.name}"
            message = f"{item.name} is a name that shells use themselves"
            raise refuse(spec, message, key=key, flag=key, hint="give the output another name")


def describe_assets(spec: RunSpec, placed: Mapping[str, str]) -> dict[str, str]:
    """Give the variables through which a script finds its inputs and outputs.

    Source: Azure ML's runtime (`AZURE_ML_INPUT_x`, `AZUREML_DATAREFERENCE_x`, `AZURE_ML_OUTPUT_x`, plain output names,
    `AZUREML_PARAMETER_x`).
    """
    named: dict[str, str] = {}
    for item in spec.inputs:
        text = placed[item.name]
        if item.type == "literal":
            named[f"AZUREML_PARAMETER_{item.name}"] = text
        else:
            named[f"AZURE_ML_INPUT_{item.name}"] = text
            named[f"AZUREML_DATAREFERENCE_{item.name}"] = text
    for output in spec.outputs:
        path = f"{RUN_FOLDER}/{place_output(output.name)}"
        named[f"AZURE_ML_OUTPUT_{output.name}"] = path
        named[output.name] = path
    return named
