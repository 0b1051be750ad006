"""The documents of environments in a workspace: registered there, found there; and the curated ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localrun.api.exceptions import UserErrorException
from localrun.api.notices import tell

if TYPE_CHECKING:
    from collections.abc import Mapping


def register(home: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Register an environment and give the registered one; see `Environment.register`."""
    from localrun import catalogue
    from localrun.formats.v1_environment import hide_secrets
    from localrun.workspace import registry

    document, notes = hide_secrets(given)
    catalogue.refuse_reserved(home, document, registering=True)
    if document["version"] is not None:
        message = "Environment version is set. Attempting to register desired version. "
        tell([message + "To auto-version, reset version to None."])
    found = registry.register(home, document["name"], document, version=document["version"] or "")
    tell(notes)
    return get(home, found.name, found.version, None)


def get(home: str, name: str, version: str | int | None, label: str | None) -> dict[str, Any]:
    """Give a registered or curated environment; see `Environment.get`."""
    from localrun import catalogue
    from localrun.workspace import registry

    if version is not None and label is not None:
        raise UserErrorException("Only one of version or label can be specified", hint="leave one of them out")
    if not isinstance(name, str):
        raise UserErrorException(f"expected the name of an environment, found {name!r}", hint="write it as text")
    wanted = "" if version is None else str(version)
    found = registry.get(home, name, version=wanted, label=label or "")
    if found:
        return found[1]
    if catalogue.versions(home, name) and label in {None, registry.LATEST}:
        return catalogue.get(home, name, wanted)
    raise registry.not_found(home, name, wanted)


def list_all(home: str) -> dict[str, dict[str, Any]]:
    """Give the latest version of every environment by name, the registered ones first."""
    from localrun import catalogue
    from localrun.workspace import registry

    registered = registry.documents(home)
    curated = [name for name in catalogue.names(home) if name not in registered]
    return registered | {name: catalogue.get(home, name) for name in curated}
