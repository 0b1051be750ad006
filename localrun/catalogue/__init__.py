"""Environments by their names: the curated ones, and the way from a name to a definition.

What lives here: curated environments and their reader, the search by reference (`lookup`: registered, else curated),
and the names that runs give theirs (`of_runs`). What does not: the registered ones; they are `workspace.registry`'s.

A curated environment is a folder `environments/NAME/VERSION` in the form of a saved one, with its `source.txt`. A
user's own catalogue, `<home>/catalogue/NAME/VERSION`, has the same form and comes first. A name that begins with a
reserved prefix belongs to a catalogue: it may be run as it is, and not registered.
"""

from __future__ import annotations

import os

from localrun.errors import BadInput, EnvironmentNotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PREFIXES = ("AzureML", "Microsoft")
"""What no name of a user's environment begins with, whatever the case; source: Azure ML's documentation."""
_PACKAGE = os.path.join(os.path.dirname(__file__), "environments")


def is_reserved(name: str) -> bool:
    """Tell whether a name is reserved for curated environments."""
    return name.lower().startswith(tuple(prefix.lower() for prefix in PREFIXES))


def refuse_reserved(home: str, document: Mapping[str, Any], *, registering: bool) -> None:
    """Refuse an environment whose name is reserved, unless it is that curated environment, unchanged.

    Args:
        home: The workspace folder.
        document: The environment.
        registering: It is to be registered: a curated one is not, changed or not.

    Raises:
        BadInput: its name is reserved, in the words of Azure ML.
    """
    name = document.get("name")
    if not isinstance(name, str) or not is_reserved(name):
        return
    if not registering and _is_curated(home, name, document):
        return
    prefix = next(prefix for prefix in PREFIXES if name.lower().startswith(prefix.lower()))
    message = f"Environment name can not start with the prefix {prefix}. "
    message += "To alter a curated environment first create a copy of it."
    hint = f"the environment is called {name}: give it another name, as clone(new_name) does"
    raise BadInput(message, hint=hint)


def _is_curated(home: str, name: str, document: Mapping[str, Any]) -> bool:
    from localrun.workspace.registry import content_digest

    digest = content_digest(document)
    return any(content_digest(get(home, name, version)) == digest for version in versions(home, name))


def names(home: str) -> list[str]:
    """Give the names of all curated environments, in alphabetical order."""
    return sorted({name for root in _roots(home) for name in _folders(root)})


def versions(home: str, name: str) -> list[str]:
    """Give the versions of a curated environment, oldest first; empty when there is none of that name.

    Args:
        home: The workspace folder.
        name: Its name in any case; that of an `azureml` registry may lack the prefix (`sklearn-1.5`).
    """
    return sorted({version for folder in _find(home, name) for version in _folders(folder)}, key=_order)


def _order(version: str) -> tuple[int, str]:
    return (int(version) if version.isdecimal() else 0, version)


def get(home: str, name: str, version: str = "") -> dict[str, Any]:
    """Give the document of a curated environment.

    Args:
        home: The workspace folder.
        name: As for `versions`.
        version: The version; empty for the latest.

    Raises:
        EnvironmentNotFound: there is no such name or version.
        BadInput: a file of a user's catalogue cannot be read.
    """
    from localrun.formats.v1_environment import FILES, read_environment_files

    folder = find_folder(home, name, version)
    paths = {file: os.path.join(folder, file) for file in FILES}
    files = {file: _read(path) for file, path in paths.items() if os.path.exists(path)}
    document: dict[str, Any] = read_environment_files(files, where=folder)[0]
    return document | {"name": os.path.basename(os.path.dirname(folder)), "version": os.path.basename(folder)}


def find_folder(home: str, name: str, version: str = "") -> str:
    """Give the folder of a version of a curated environment, the latest when none is given.

    Raises:
        EnvironmentNotFound: there is no such name or version.
    """
    known = versions(home, name)
    if not known:
        raise EnvironmentNotFound(f"there is no environment {name}", hint="localrun env list --curated lists them")
    wanted = version or known[-1]
    for folder in _find(home, name):
        if wanted in _folders(folder):
            return os.path.join(folder, wanted)
    hint = f"there is {', '.join(known)}; a copy of {wanted} may be put into {os.path.join(home, 'catalogue', name)}"
    raise EnvironmentNotFound(f"the curated environment {name} has no version {wanted} here", hint=hint)


def _find(home: str, name: str) -> list[str]:
    """Give the folders of a name, the user's own first."""
    wanted = {name.lower(), f"{PREFIXES[0]}-{name}".lower()}
    found = [os.path.join(root, known) for root in _roots(home) for known in _folders(root) if known.lower() in wanted]
    return sorted(found, key=lambda folder: os.path.basename(folder).lower() != name.lower())


def _roots(home: str) -> tuple[str, str]:
    return os.path.join(home, "catalogue"), _PACKAGE


def _folders(path: str) -> list[str]:
    try:
        with os.scandir(path) as found:
            return [entry.name for entry in found if entry.is_dir() and not entry.name.startswith((".", "_"))]
    except OSError:
        return []


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise BadInput(error.strerror or str(error), file=path, hint="it belongs to your own catalogue") from None
