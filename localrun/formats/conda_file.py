"""Conda environment files (`environment.yml`), and the same as a mapping inside a job or an environment."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from localrun.formats.gate import load_yaml
from localrun.formats.lock_names import is_locked
from localrun.formats.nodes import Node, describe, items, mapping, nearest, note, refuse_key, root, text
from localrun.formats.requirements import Line, expand, split_lines
from localrun.spec import EnvironmentSpec, PythonSpec

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS = ("name", "channels", "dependencies", "variables", "prefix")
_OPERATORS = re.compile(r"[\s=<>~!\[|,;@]")


def read_conda_file(data: bytes, *, file: str, read: Callable[[str], bytes]) -> EnvironmentSpec:
    """Give the environment of a conda environment file.

    Args:
        data: The file's bytes.
        file: Its name; a relative one starts from the working directory.
        read: Gives the bytes of a file named in the pip section, by its absolute path.

    Raises:
        BadInput: something in it cannot be used.
    """
    return read_conda_mapping(root(load_yaml(data, file=file)), read=read)


def read_conda_mapping(node: Node, *, read: Callable[[str], bytes]) -> EnvironmentSpec:
    """Give the environment that a mapping in the form of a conda environment file describes.

    As conda does: pip is added where there is a pip section without it, and of several pip sections the last counts.

    Raises:
        BadInput: something in it cannot be used.
    """
    notes = []
    for part in mapping(node):
        name = str(part.path[-1])
        if name not in KEYS:
            if nearest(name, KEYS):
                raise refuse_key(part, name, KEYS)
            notes.append(note(part, "not a key of a conda file; ignored, as conda does"))
    data = node.data
    if "dependencies" not in data:
        hint = "list the packages under dependencies:"
        raise node.refuse("a conda file needs the key dependencies", hint=hint)
    if "prefix" in data:
        notes.append(note(node.part("prefix"), "ignored: localrun chooses where an environment lies"))
    conda, sections = read_dependencies(node.part("dependencies"))
    if len(sections) > 1:
        notes.append(note(sections[0], "not used: of several pip sections the last one counts, as conda does"))
    pip = _pip_lines(sections[-1], read) if sections else ()
    if sections and not is_locked(conda) and not any(package_name(spec) == "pip" for spec in conda):
        conda = (*conda, "pip")
    python = PythonSpec(
        channels=_texts(node.part("channels")) if "channels" in data else (),
        conda=conda,
        pip=pip,
        variables=_variables(node.part("variables")) if "variables" in data else (),
        directory=os.path.dirname(node.path_of_file),
    )
    name = text(node.part("name")) if data.get("name") is not None else ""
    return EnvironmentSpec(name=name, python=python, file=node.document.file, notes=tuple(notes))


def read_dependencies(node: Node) -> tuple[tuple[str, ...], list[Node]]:
    """Give the match specs of a `dependencies:` list, and its pip sections.

    Raises:
        BadInput: an entry is neither a spec nor a pip section.
    """
    specs: list[str] = []
    sections: list[Node] = []
    for part in items(node):
        if isinstance(part.data, dict):
            sections.append(_pip_section(part))
        else:
            specs.append(_spec(part))
    return tuple(specs), sections


def _spec(node: Node) -> str:
    if not isinstance(node.data, str):
        hint = 'write a package as text, such as "python=3.10"'
        raise node.refuse(f"expected a package, found {describe(node.data)}", hint=hint)
    spec = node.data.strip()
    if not spec or not spec.isprintable():
        raise node.refuse(f"{node.data!r} is not a package", hint="write a name, such as numpy or python=3.10")
    if spec.startswith("-"):
        raise node.refuse(f"{spec} is an option, not a package", hint="options of pip belong into the pip: section")
    return spec


def _pip_section(node: Node) -> Node:
    (name, *others) = node.data or ("",)
    if name == "pip" and not others:
        return node.part("pip")
    part = node.part(name) if name else node
    if others or isinstance(part.data, dict | list) or not name:
        found = ", ".join(node.data) or "an empty mapping"
        raise part.refuse(f"expected a package or pip:, found {found}", hint="only pip: holds a list")
    version = part.mark.plain if part.mark.plain is not None else part.data
    hint = f'write "{name}={version}"' if version else f"write {name}, without the colon"
    raise part.refuse(f"{name}: {version or ''} is a mapping, not a package", hint=hint)


def _pip_lines(node: Node, read: Callable[[str], bytes]) -> tuple[str, ...]:
    found: list[Line] = []
    for part in items(node):
        if not isinstance(part.data, str):
            hint = "write a requirement as text, such as numpy==1.26.4"
            raise part.refuse(f"expected a requirement, found {describe(part.data)}", hint=hint)
        lines = split_lines(part.data, file=node.document.file, first=part.mark.line, key=part.key)
        found += expand(lines, path=node.path_of_file, read=read)
    return tuple(line.text for line in found)


def _texts(node: Node) -> tuple[str, ...]:
    found = []
    for part in items(node):
        channel = text(part).strip()
        if not channel or not channel.isprintable():
            raise part.refuse(f"{part.data!r} is not a channel", hint="write a name, such as conda-forge, or a URL")
        found.append(channel)
    return tuple(found)


def _variables(node: Node) -> tuple[tuple[str, str], ...]:
    found = []
    for part in mapping(node):
        name = check_variable_name(part)
        if part.data is None or isinstance(part.data, dict | list):
            raise part.refuse(f"expected text, found {describe(part.data)}", hint="write the value as one text")
        found.append((name, str(part.data)))
    return tuple(found)


def check_variable_name(node: Node) -> str:
    """Give the name of an environment variable that is the last key of a node.

    Raises:
        BadInput: no variable can have that name.
    """
    name = str(node.path[-1])
    if not name or "=" in name:
        raise node.refuse(f"{name!r} cannot be the name of an environment variable", hint="write a name without =")
    return name


def package_name(spec: str) -> str:
    """Give the name of a conda match spec: `conda-forge::numpy >=1.2` is `numpy`."""
    return _OPERATORS.split(spec.rpartition("::")[2].strip(), maxsplit=1)[0]
