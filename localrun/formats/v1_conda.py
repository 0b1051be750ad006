"""The conda file of a v1 environment as plain data, and what its entries say about Python and pip.

The data is the mapping as it stands in the file (`name`, `channels`, `dependencies`, `prefix`, `variables`, in its own
order), so that it can be written again; `localrun.formats.conda_file` says what it means.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from localrun.errors import BadInput
from localrun.formats.conda_file import KEYS, package_name, read_dependencies
from localrun.formats.gate import Document, Mark, load_yaml
from localrun.formats.nodes import Node, describe, items, mapping, nearest, note, root, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DEFAULT_CONDA = {
    "name": "project_environment",
    "dependencies": ["python=3.8.13", {"pip": ["azureml-defaults"]}],
    "channels": ["anaconda", "conda-forge"],
}
"""What `CondaDependencies()` starts with in azureml-core 1.61; copy it before changing it."""
PYTHON_VERSION = "3.10.18"
"""What azureml-core 1.61 puts in where a conda file names no version of Python."""

_EXACT = re.compile(r"(?:={1,2}\s*)?(\d[\w.+!]*)(?:(?:=|\s+)\S+)?")
_LAST = re.compile(r"\d+\.\d+(\.\d+)?([ab]\d+)?$")


@contextmanager
def default_hint(hint: str) -> Iterator[None]:
    """Give the errors of a block that have no hint of their own this one."""
    try:
        yield
    except BadInput as error:
        error.hint = error.hint or hint
        raise


def read_conda_document(data: bytes, *, file: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Give the mapping of a conda file, and warnings.

    Lists that are there but empty (`channels:`) become empty lists.

    Raises:
        BadInput: azureml-core would refuse or stumble over it: no mapping, an unknown key, a dependency that is none.
    """
    with default_hint("a conda file has name:, and channels: and dependencies: as lists"):
        return check_conda_mapping(root(load_yaml(data, file=file)))


def check_conda_mapping(node: Node) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Give a copy of a mapping in the form of a conda file, and warnings; see `read_conda_document`.

    Raises:
        BadInput: as there.
    """
    if not isinstance(node.data, dict):
        found = "an empty file" if node.data is None else describe(node.data)
        hint = "a conda file is a mapping with the keys channels and dependencies"
        raise node.refuse(f"Environment error: not a valid YAML structure: {found}", hint=hint)
    warnings: list[str] = []
    found_keys: dict[str, Any] = {}
    for part in mapping(node):
        name = str(part.path[-1])
        found_keys[name] = _check_key(part, name, warnings)
    return found_keys, tuple(warnings)


def _check_key(part: Node, name: str, warnings: list[str]) -> object:
    if name not in KEYS:
        near = nearest(name, KEYS)
        hint = f"did you mean {near}?" if near else f"known here: {', '.join(KEYS)}"
        raise part.refuse(f"Environment error: unknown {name} key in environment specification", hint=hint)
    if name == "channels":
        return [_channel(item) for item in items(part)] if part.data is not None else []
    if name == "dependencies":
        return _check_dependencies(part, warnings) if part.data is not None else []
    if name == "variables":
        return {str(item.path[-1]): _scalar(item) for item in mapping(part)} if part.data is not None else {}
    return _scalar(part)


def _channel(node: Node) -> str:
    if not text(node).strip():
        raise node.refuse("a channel is empty", hint="write a name, such as conda-forge, or a URL")
    return text(node)


def _check_dependencies(node: Node, warnings: list[str]) -> list[Any]:
    whole = node
    if any(isinstance(item, dict) and item == {"pip": None} for item in node.data):  # `pip:` with nothing below
        data = [{"pip": []} if item == {"pip": None} else item for item in node.data]
        whole = Node(document=node.document, path=node.path, data=data, path_of_file=node.path_of_file)
    _, sections = read_dependencies(whole)
    for section in sections:
        for item in items(section):
            text(item)
    if len(sections) > 1:
        warnings.append(note(sections[0], "not used: of several pip sections the last one counts"))
    return [{"pip": list(item["pip"])} if isinstance(item, dict) else item for item in whole.data]


def _scalar(node: Node) -> object:
    if isinstance(node.data, dict | list):
        raise node.refuse(f"expected text, found {describe(node.data)}", hint="write one text")
    return node.data


def conda_node(data: object, *, file: str, path: str) -> Node:
    """Give the mapping of a conda file as a node without lines; relative paths start from the folder of `path`."""
    document = Document(file=file, data=data, mark=Mark())
    return Node(document=document, path=(), data=data, path_of_file=path)


def find_python(dependencies: Iterable[object]) -> str | None:
    """Give the first entry that names Python, whatever its channel and version; None when there is none."""
    for item in dependencies:
        if isinstance(item, str) and package_name(item).lower() == "python":
            return item
    return None


def version_of(spec: str) -> str | None:
    """Give the version that a match spec pins: `python=3.8.5=h757_1` is `3.8.5`; None when it names none.

    For a range it is the version at the end, as azureml-core has it: `python>=3.6,<3.9` is `3.9`.
    """
    rest = constraint_of(spec)
    exact = _EXACT.fullmatch(rest)
    if exact:
        return exact[1]
    last = _LAST.search(rest)
    return last[0] if last else None


def constraint_of(spec: str) -> str:
    """Give what a match spec says behind the name: empty when any version will do."""
    return spec.rpartition("::")[2].strip()[len(package_name(spec)) :].strip()


def pip_section(dependencies: Iterable[object]) -> dict[str, Any] | None:
    """Give the last pip section among dependencies, which is the one that counts; None when there is none."""
    found = [item for item in dependencies if isinstance(item, dict) and "pip" in item]
    return found[-1] if found else None


def pip_name(requirement: str) -> str:
    """Give the name of a package that pip is asked for, as PEP 503 compares names; of a wheel that of its file.

    An address that names no package is its own name.
    """
    text = requirement.strip()
    path = re.split(r"[?#;]|\s", text, maxsplit=1)[0]
    if path.endswith(".whl"):
        text = path.rpartition("/")[2].split("-", 1)[0]
    elif "://" in text and " @ " not in text:
        return text
    return re.sub(r"[-_.]+", "-", re.split(r"[\s=<>~!\[;@]", text, maxsplit=1)[0]).lower()


def merge_requirements(requirements: Iterable[str]) -> list[str]:
    """Give requirements with the constraints of each package together, in the order of the packages."""
    merged: dict[str, list[str]] = {}
    for requirement in requirements:
        match = re.fullmatch(r"\s*([A-Za-z0-9._-]+(?:\[[^\]]*\])?)\s*(.*?)\s*", requirement)
        name, constraint = (match[1], match[2]) if match else (requirement, "")
        constraints = merged.setdefault(name, [])
        if constraint and constraint not in constraints:
            constraints.append(constraint)
    return [name + ",".join(constraints) for name, constraints in merged.items()]
