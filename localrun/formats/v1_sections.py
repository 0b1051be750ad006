"""The sections of a v1 environment: for each key how it is read, and what counts when it is missing.

A document is a plain dict with these keys in this order, as azureml-core writes them, and behind them what is not
known: it is told to the user, and kept, so that reading and writing loses nothing. Where a key is missing counts what
azureml-core 1.61 takes then, which is not what a new `Environment` starts with.
"""

from __future__ import annotations

import copy
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from localrun.formats.conda_file import check_variable_name
from localrun.formats.nodes import Node, choice, describe, items, mapping, nearest, note, text
from localrun.formats.v1_conda import check_conda_mapping
from localrun.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Reader: TypeAlias = Callable[[Node, "Manner"], Any]
    Table: TypeAlias = Mapping[str, tuple[Reader, Any]]

LOCATION_TYPES = ("git", "storageAccount")


@value
class Manner:
    """How a document is read.

    Attributes:
        warnings: Gets a line for everything that the user should know, above all what azureml-core passes over in
            silence.
        tolerant: snake_case and PascalCase are right too, as in a `.runconfig`.
    """

    warnings: list[str]
    tolerant: bool = False


def read_section(node: Node, table: Table, manner: Manner) -> dict[str, Any]:
    """Read a mapping by its table, key by key, in the table's order.

    Args:
        node: The mapping.
        table: For each key its reader and what counts when the key is missing.
        manner: How to read.

    Raises:
        BadInput: it is no mapping, or a value is not what its key asks for.
    """
    given: dict[str, Node] = {}
    unknown: dict[str, Any] = {}
    parts = mapping(node)
    written = {str(part.path[-1]) for part in parts}
    for part in parts:
        name = str(part.path[-1])
        known = find_key(name, table)
        if not known or (known != name and known in written):
            manner.warnings.append(note(part, _unknown(name, known, table)))
            unknown[name] = copy.deepcopy(part.data)
            continue
        if known != name and not manner.tolerant:
            manner.warnings.append(note(part, f"read as {known}; Azure ML passes over this spelling, write {known}"))
        given[known] = part
    found = {
        key: reader(given[key], manner) if key in given else copy.deepcopy(missing)
        for key, (reader, missing) in table.items()
    }
    return found | unknown


def find_key(name: str, known: Mapping[str, Any]) -> str:
    """Give the known key that a name is, in camelCase, snake_case or PascalCase; empty when it is none."""
    if name in known:
        return name
    bare = name.replace("_", "").lower()
    return next((key for key in known if key.lower() == bare), "")


def _unknown(name: str, known: str, table: Table) -> str:
    if known:
        return f"not used: {known} is there too"
    near = nearest(name, table)
    return "unknown key, kept but not used" + (f"; did you mean {near}?" if near else "")


def _text(node: Node, _: Manner) -> str | None:
    if isinstance(node.data, int | float):
        raise node.refuse(f"expected text, found {describe(node.data)}", hint='write it in quotes, such as "3"')
    return None if node.data is None else text(node)


def _label(node: Node, _: Manner) -> str | None:
    if node.data is None or isinstance(node.data, str):
        return node.data
    if isinstance(node.data, bool) or not isinstance(node.data, int):
        raise node.refuse(f"expected text, found {describe(node.data)}", hint='write it in quotes, such as "3"')
    return str(node.data)


def _flag(node: Node, _: Manner) -> bool:
    if node.data is None:
        return False
    if not isinstance(node.data, bool):
        hint = "write true or false"
        if isinstance(node.data, str):
            hint = f"write {'false' if node.data.lower() in {'false', 'no', 'off', '0', ''} else 'true'} without quotes"
        raise node.refuse(f"expected true or false, found {describe(node.data)}", hint=hint)
    return node.data


def _texts(node: Node, _: Manner) -> list[str]:
    return [] if node.data is None else [text(part) for part in items(node)]


def _texts_or_none(node: Node, manner: Manner) -> list[str] | None:
    return None if node.data is None else _texts(node, manner)


def _arguments(node: Node, _: Manner) -> list[Any]:
    found = []
    for part in items(node) if node.data is not None else ():
        if part.data is None or isinstance(part.data, dict | list):
            raise part.refuse(f"expected text, found {describe(part.data)}", hint="write one text an item")
        found.append(part.data)
    return found


def _variables(node: Node, _: Manner) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in mapping(node) if node.data is not None else ():
        name = check_variable_name(part)
        if isinstance(part.data, dict | list):
            raise part.refuse(f"expected text, found {describe(part.data)}", hint="write the value as one text")
        found[name] = part.data
    return found


def _image(node: Node, manner: Manner) -> str | None:
    if isinstance(node.data, list) and len(node.data) == 1 and isinstance(node.data[0], str):
        manner.warnings.append(note(node, "a list of one image is read as that image; write it without the brackets"))
        return node.data[0]
    return None if node.data is None else text(node)


def _registry(node: Node, manner: Manner) -> dict[str, Any]:
    if node.data is None:
        return copy.deepcopy(NO_REGISTRY)
    if isinstance(node.data, str):
        manner.warnings.append(note(node, "a text is read as the address of the registry; Azure ML loses it here"))
        return {**copy.deepcopy(NO_REGISTRY), "address": node.data}
    return read_section(node, REGISTRY, manner)


def _secret(node: Node, manner: Manner) -> str | None:
    found = _text(node, manner)
    if found and not find_reference(found):
        message = "a secret stands here in clear; write ${NAME} instead, and set the environment variable NAME"
        manner.warnings.append(note(node, message))
    return found


def find_reference(secret: str) -> str:
    """Give NAME of a secret that is written as `${NAME}`; empty when it is the secret itself."""
    name = secret[2:-1] if secret.startswith("${") and secret.endswith("}") else ""
    return name if name.isidentifier() else ""


def _conda(node: Node, manner: Manner) -> dict[str, Any] | None:
    if node.data is None:
        return None
    found, more = check_conda_mapping(node)
    manner.warnings.extend(more)
    return found


def _location_type(node: Node, _: Manner) -> str | None:
    if node.data is None:
        return None
    word = choice(node, [name.lower() for name in LOCATION_TYPES])
    return next(name for name in LOCATION_TYPES if name.lower() == word)


def _optional(node: Node, manner: Manner, *, table: Table) -> dict[str, Any] | None:
    return None if node.data is None else read_section(node, table, manner)


def _several(node: Node, manner: Manner, *, table: Table) -> list[dict[str, Any]]:
    if node.data is None:
        return []
    return [read_section(part, table, manner) for part in items(node)]


def _several_or_none(node: Node, manner: Manner, *, table: Table) -> list[dict[str, Any]] | None:
    return None if node.data is None else _several(node, manner, table=table)


def read_missing(table: Table) -> dict[str, Any]:
    """Give the section that counts when none of its keys is there."""
    return {key: copy.deepcopy(missing) for key, (_, missing) in table.items()}


IDENTITY: Table = {"resourceId": (_text, None), "clientId": (_text, None)}
REGISTRY: Table = {
    "address": (_text, None),
    "username": (_text, None),
    "password": (_secret, None),
    "registryIdentity": (partial(_optional, table=IDENTITY), None),
}
NO_REGISTRY = {"address": None, "username": None, "password": None, "registryIdentity": None}
PLATFORM: Table = {"os": (_text, "Linux"), "architecture": (_text, "amd64")}
BUILD_CONTEXT: Table = {
    "locationType": (_location_type, None),
    "location": (_text, None),
    "dockerfilePath": (_text, "Dockerfile"),
}
PYTHON: Table = {
    "userManagedDependencies": (_flag, False),
    "interpreterPath": (_text, "python"),
    "condaDependenciesFile": (_text, None),
    "baseCondaEnvironment": (_text, None),
    "condaDependencies": (_conda, None),
}
DOCKER: Table = {
    "enabled": (_flag, False),
    "baseImage": (_image, None),
    "baseDockerfile": (_text, None),
    "buildContext": (partial(_optional, table=BUILD_CONTEXT), None),
    "sharedVolumes": (_flag, True),
    "shmSize": (_label, None),
    "arguments": (_arguments, []),
    "baseImageRegistry": (_registry, NO_REGISTRY),
    "platform": (partial(_optional, table=PLATFORM), {"os": "Linux", "architecture": "amd64"}),
}
SPARK_PACKAGE: Table = dict.fromkeys(("group", "artifact", "version"), (_text, None))
SPARK: Table = {
    "repositories": (_texts, []),
    "packages": (partial(_several, table=SPARK_PACKAGE), []),
    "precachePackages": (_flag, True),
}
MAVEN: Table = {"coordinates": (_text, ""), "repo": (_text, ""), "exclusions": (_texts, [])}
PACKAGE: Table = {"package": (_text, ""), "repo": (_text, "")}
LIBRARY: Table = {"library": (_text, "")}
DATABRICKS: Table = {
    "mavenLibraries": (partial(_several, table=MAVEN), []),
    "pypiLibraries": (partial(_several, table=PACKAGE), []),
    "rcranLibraries": (partial(_several, table=PACKAGE), []),
    "jarLibraries": (partial(_several, table=LIBRARY), []),
    "eggLibraries": (partial(_several, table=LIBRARY), []),
}
CRAN: Table = dict.fromkeys(("name", "version", "repository"), (_text, None))
GITHUB: Table = {"repository": (_text, None), "authToken": (_secret, None)}
R: Table = {
    "rVersion": (_label, None),
    "userManaged": (_flag, False),
    "rscriptPath": (_text, None),
    "snapshotDate": (_text, None),
    "cranPackages": (partial(_several_or_none, table=CRAN), None),
    "githubPackages": (partial(_several_or_none, table=GITHUB), None),
    "customUrlPackages": (_texts_or_none, None),
    "bioconductorPackages": (_texts_or_none, None),
}


def _python(node: Node, manner: Manner) -> dict[str, Any]:
    return read_missing(PYTHON) if node.data is None else read_section(node, PYTHON, manner)


ENVIRONMENT: Table = {
    "name": (_text, None),
    "version": (_label, None),
    "environmentVariables": (_variables, {}),
    "python": (_python, read_missing(PYTHON)),
    "docker": (partial(_optional, table=DOCKER), read_missing(DOCKER)),
    "spark": (partial(_optional, table=SPARK), read_missing(SPARK)),
    "databricks": (partial(_optional, table=DATABRICKS), read_missing(DATABRICKS)),
    "r": (partial(_optional, table=R), None),
    "inferencingStackVersion": (_label, None),
    "assetId": (_text, None),
}
"""Every key of an environment."""
