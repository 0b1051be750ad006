"""The environments of runs: registered without being listed, so that a run's own can be had again by its version."""

from __future__ import annotations

from localrun import catalogue
from localrun.errors import BadInput, StoreFailed
from localrun.formats.environment_document import document_of_spec
from localrun.formats.v1_environment import hide_secrets, spec_of_document
from localrun.resolve.credentials import hide_credentials
from localrun.values import replace
from localrun.workspace import registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from localrun.spec import EnvironmentSpec

ANONYMOUS = "localrun-anonymous"
"""The name under which the environment of a run is registered that has no name of its own."""


def name_environment(home: str, asked: EnvironmentSpec, say: Callable[[str], None]) -> str:
    """Give `NAME:VERSION` of a run's environment, registered now where it is not yet.

    Args:
        home: The workspace folder.
        asked: The environment.
        say: Told when the workspace cannot keep it; the run goes on without.

    Raises:
        BadInput: its name is reserved for curated environments, and it is none of them.
    """
    if asked.registered:
        return asked.registered
    document = _hide(document_of_spec(asked))
    if catalogue.is_reserved(asked.name):
        version = _find_curated(home, asked, registry.content_digest(document))
        if version:
            return f"{asked.name}:{version}"
        catalogue.refuse_reserved(home, document, registering=True)
    try:
        made = registry.register_anonymously(home, _name(asked), document)
    except StoreFailed as error:
        say(f"note: the environment of this run is not registered: {error.message}")
        return ""
    return f"{made.name}:{made.version}"


def _name(asked: EnvironmentSpec) -> str:
    try:
        return registry.check_name(asked.name)
    except BadInput:
        return ANONYMOUS


def _find_curated(home: str, asked: EnvironmentSpec, digest: str) -> str:
    """Give the version of the curated environment that this one is a copy of; empty when it is none."""
    for version in catalogue.versions(home, asked.name):
        curated = spec_of_document(catalogue.get(home, asked.name, version))
        if registry.content_digest(_hide(document_of_spec(curated))) == digest:
            return version
    return ""


def _hide(document: dict[str, Any]) -> dict[str, Any]:
    """Give a document without passwords, and without credentials in the addresses of channels and indexes."""
    hidden = hide_secrets(document)[0]
    conda = hidden["python"]["condaDependencies"]
    if conda:
        hidden["python"]["condaDependencies"] = _hide_texts(conda)
    return hidden


def _hide_texts(item: Any) -> Any:
    if isinstance(item, dict):
        return {key: _hide_texts(part) for key, part in item.items()}
    if isinstance(item, list):
        return [_hide_texts(part) for part in item]
    return hide_credentials(item) if isinstance(item, str) else item


def with_registered(asked: EnvironmentSpec | None, named: dict[str, str] | None) -> EnvironmentSpec | None:
    """Give an environment that knows its name and version, as `{"name": …, "version": …}` has them."""
    if asked is None or not named or not named["version"]:
        return asked
    return replace(asked, registered=f"{named['name']}:{named['version']}")
