"""Inputs and outputs of a v2 job."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localrun.formats.nodes import (
    Node,
    beside,
    choice,
    describe,
    mapping,
    note,
    notes_on_reading,
    refuse_date,
    text,
    text_on_azure,
    value_on_azure,
)
from localrun.spec import InputSpec, OutputSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
"""What azure-ai-ml allows as the name of an input or output."""
TYPES = ("uri_folder", "uri_file", "mltable", "mlflow_model", "custom_model", "triton_model")
MODES = {
    "ro_mount": "ro_mount",
    "download": "download",
    "direct": "direct",
    "eval_mount": "ro_mount",
    "eval_download": "download",
}
"""The modes of an input and what they are here; the last two are of mltable only."""
OUTPUT_MODES = ("rw_mount", "upload", "mount", "direct")

_URI = re.compile(r"(?:azureml|https?|wasbs?|abfss?|adl|gs|s3|hdfs|runs):|(?!file:)[A-Za-z][A-Za-z0-9+.-]*://")
_ASSET = re.compile(r"azureml:(?!//|https?:|wasbs?:|abfss?:|adl:)")


def read_inputs(node: Node) -> tuple[tuple[InputSpec, ...], list[str]]:
    """Give a job's inputs, and notes.

    Raises:
        BadInput: one of them cannot be used on this machine, or at all.
    """
    found = []
    notes: list[str] = []
    for part in mapping(node):
        name = _name(part)
        if isinstance(part.data, dict) and "value" not in part.data:
            found.append(_data_input(part, name))
            continue
        literal, more = _literal(part)
        found.append(InputSpec(name=name, value=literal))
        notes += more
    return tuple(found), notes


def read_outputs(node: Node) -> tuple[tuple[OutputSpec, ...], list[str]]:
    """Give a job's outputs, and the dotted keys that only the cloud can honour.

    Raises:
        BadInput: one of them cannot be used.
    """
    found = []
    cloud: list[str] = []
    for part in mapping(node):
        name = _name(part)
        if part.data is None:
            found.append(OutputSpec(name=name))
            continue
        mapping(part, ("type", "mode", "path", "name", "version"))
        if "mode" in part.data:
            choice(part.part("mode"), OUTPUT_MODES)
        for key in ("path", "name"):
            if key in part.data:
                text(part.part(key))
        kind = choice(part.part("type"), TYPES) if "type" in part.data else "uri_folder"
        found.append(OutputSpec(name=name, type=kind))
        cloud += [part.part(key).key for key in part.data if key in ("path", "name", "version")]
    return tuple(found), cloud


def _name(node: Node) -> str:
    name = str(node.path[-1])
    if not NAME.fullmatch(name):
        hint = "use letters, digits and _, and start with a letter or _"
        raise node.refuse(f"{name!r} cannot be the name of an input or output", hint=hint)
    return name


def _literal(node: Node) -> tuple[str, list[str]]:
    if node.data is None or isinstance(node.data, list):
        hint = "write '' for an empty text" if node.data is None else "pass several values as one text"
        raise node.refuse(f"expected a value, found {describe(node.data)}", hint=hint)
    if not isinstance(node.data, dict):
        refuse_date(node)
        return text_on_azure(node), notes_on_reading(node)
    mapping(node, ("value",))
    part = node.part("value")
    if part.data is None or isinstance(part.data, list | dict):
        raise part.refuse(f"expected a value, found {describe(part.data)}", hint="write one text or number")
    refuse_date(part)
    plain = text_on_azure(part)
    wrapped = _wrapped(value_on_azure(part))
    if wrapped == plain:
        return plain, notes_on_reading(part)
    return wrapped, [note(part, f"Azure ML turns {plain} under value: into {wrapped}; write it without value:")]


def _wrapped(data: str | float) -> str:
    """Give what azure-ai-ml makes of `{value: …}`: text, else a truth value, else a whole number, in this order."""
    if isinstance(data, str | bool):
        return str(data)
    return str(bool(data)) if data in (0, 1) else str(int(data))


def _data_input(node: Node, name: str) -> InputSpec:
    mapping(node, ("type", "path", "mode", "datastore"))
    data = node.data
    kind = choice(node.part("type"), TYPES) if "type" in data else "uri_folder"
    mode = choice(node.part("mode"), _modes(kind)) if "mode" in data else "ro_mount"
    if "path" not in data:
        raise node.refuse("expected a path, found none", hint="name a local file or folder")
    part = node.part("path")
    path = text(part)
    if "${{" in path:
        raise part.refuse(f"{path} has no meaning here", hint="only a step of a pipeline binds a path")
    if _URI.match(path):
        return InputSpec(name=name, type=kind, mode=mode, value=_uri(part, path, mode))
    if not path.removeprefix("file:"):
        raise part.refuse("the path is empty", hint="name a local file or folder")
    absolute, _ = beside(part, _local(path))
    return InputSpec(name=name, type=kind, path=absolute, mode=MODES[mode], value=absolute if mode == "direct" else "")


def _modes(kind: str) -> Iterable[str]:
    return [mode for mode in MODES if kind == "mltable" or not mode.startswith("eval_")]


def _uri(node: Node, uri: str, mode: str) -> str:
    if mode != "direct":
        hint = "copy the data here and name its path; mode: direct passes the address itself"
        raise node.refuse(f"{uri} is not on this machine, and only local paths can be read here", hint=hint)
    if _ASSET.match(uri):
        raise node.refuse(f"only Azure ML knows where {uri} lies", hint="name a local path or the full address")
    return re.sub(r"^azureml:(?!//)", "", uri)


def _local(path: str) -> str:
    """Give the path of `file:path`, `file:///path` or `path`."""
    stripped = path.removeprefix("file:")
    return "/" + stripped.lstrip("/") if stripped.startswith("//") else stripped
