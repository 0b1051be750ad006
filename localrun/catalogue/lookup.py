"""An environment by reference: registered in the workspace, else curated."""

from __future__ import annotations

import os

from localrun import catalogue
from localrun.errors import EnvironmentNotFound
from localrun.formats.references import LATEST, Reference, parse_reference
from localrun.workspace import registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def find_registered(home: str, reference: str, *, look: Callable[[str], object] | None = None) -> dict[str, Any] | None:
    """Give the document of the environment that a reference means; None when nothing is called so.

    Args:
        home: The workspace folder.
        reference: As `formats.references.parse_reference` takes it.
        look: Told of every path that the answer depends on.

    Raises:
        BadInput: it is no reference.
        EnvironmentNotFound: there is an environment of that name, but not that version or label; or it is a curated one
            that is not here.
        StoreFailed: the registry cannot be read.
    """
    asked = parse_reference(reference)
    if look is not None:
        for path in _evidence(home, asked.name):
            look(path)
    if not asked.registry:
        found = registry.get(home, asked.name, version=asked.version, label=asked.label)
        if found:
            return found[1]
    if catalogue.versions(home, asked.name):
        return _get_curated(home, asked)
    if not asked.registry and any(row[0] == asked.name for row in registry.names(home)):
        what = f"version {asked.version}" if asked.version else f"label {asked.label}"
        hint = f"localrun env versions {asked.name} lists them"
        raise EnvironmentNotFound(f"environment {asked.name} has no {what}", hint=hint)
    if asked.registry or catalogue.is_reserved(asked.name):
        place = os.path.join(home, "catalogue", asked.name, asked.version or "1")
        message = f"the curated environment {asked.name} is not on this machine"
        raise EnvironmentNotFound(message, hint=f"save a copy of it, with its azureml_environment.json, as {place}")
    return None


def _get_curated(home: str, asked: Reference) -> dict[str, Any]:
    if not asked.version and asked.label != LATEST:
        message = f"the curated environment {asked.name} has no label {asked.label}"
        raise EnvironmentNotFound(message, hint=f"write {asked.name}@latest")
    return catalogue.get(home, asked.name, asked.version)


def _evidence(home: str, name: str) -> list[str]:
    """Give the paths that change when another answer would be given."""
    path = os.path.join(home, "environments.db")
    known = catalogue.versions(home, name)
    following = str(len(known) + 1)
    own = os.path.join(home, "catalogue", name)
    return [path, f"{path}-wal", own, *(os.path.join(own, version) for version in (*known, following))]
