"""References to environments by name, in the spellings of Azure ML v1 and v2."""

from __future__ import annotations

import re

from localrun.errors import BadInput
from localrun.values import value

LATEST = "latest"
_REGISTRY = re.compile(
    r"azureml://registries/(?P<registry>[^/@]+)/environments/(?P<name>[^/@]+)"
    r"(?:/versions/(?P<version>[^/]+)|/labels/(?P<label>[^/]+)|@(?P<at>[^/]+)|/(?P<bare>latest))?"
)
_RESOURCE = re.compile(
    r"(?:azureml:)?/subscriptions/.+/environments/(?P<name>[^/]+)(?:/versions/(?P<version>[^/]+)|/labels/(?P<label>[^/]+))?",
    re.IGNORECASE,
)
_SHORT = re.compile(r"(?P<name>[^:/@]+)(?::(?P<version>[^/@]+)|@(?P<label>[^:/@]+))?")
_HINT = (
    "write azureml:NAME@latest, azureml:NAME:VERSION or azureml://registries/azureml/environments/NAME/labels/latest"
)


@value
class Reference:
    """Which registered environment is meant.

    Attributes:
        name: Its name.
        version: Its version; empty: the one of the label.
        label: `latest` when neither was given.
        registry: The registry of Azure ML that was named; empty for the workspace.
    """

    name: str
    version: str = ""
    label: str = LATEST
    registry: str = ""


def parse_reference(text: str) -> Reference:
    """Give what a reference to a registered environment means.

    Args:
        text: `NAME`, `NAME:VERSION`, `NAME@LABEL`, each of them behind `azureml:` or not, a registry's
            `azureml://registries/REGISTRY/environments/NAME/versions/VERSION` (or `labels/LABEL`), or the long
            resource id of a workspace.

    Raises:
        BadInput: it is none of these.
    """
    rest = text.removeprefix("azureml:") if text.startswith("azureml:azureml://") else text
    found = _REGISTRY.fullmatch(rest) or _RESOURCE.fullmatch(rest) or _SHORT.fullmatch(rest.removeprefix("azureml:"))
    if found is None or not text.isprintable():
        raise BadInput(f"{text!r} is not a reference to an environment", hint=_HINT)
    given = {key: item for key, item in found.groupdict().items() if item}
    label = given.get("label") or given.get("at") or LATEST
    version = given.get("version", "")
    if version == LATEST:  # `NAME:latest` is refused by Azure ML, but what it means is plain
        version, label = "", LATEST
    return Reference(name=given["name"], version=version, label=label, registry=given.get("registry", ""))
