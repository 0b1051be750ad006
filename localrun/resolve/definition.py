"""What an environment's document defines: the fingerprints of its Python part and of its image, and what changed."""

from __future__ import annotations

from localrun.fingerprint import environment_fingerprint, image_fingerprint
from localrun.formats.v1_environment import spec_of_document
from localrun.resolve.credentials import hide_credentials
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


@value
class Fingerprints:
    """The fingerprints of an environment.

    Attributes:
        python: Of what is installed, 64 hex digits, as a plan has it; empty when the user manages the packages.
        image: Of the image, 64 hex digits.
    """

    python: str
    image: str


def fingerprint_document(
    document: Mapping[str, Any], *, platform: str, image_id: str = "", context: str = ""
) -> Fingerprints:
    """Give the fingerprints of an environment.

    Args:
        document: The environment.
        platform: The conda subdirectory, such as `linux-64`.
        image_id: What the base image's tag stands for now; empty: the reference itself counts.
        context: A hash of a local build context; empty: the document's own words about it count.

    Raises:
        BadInput: the Python packages cannot be used.
    """
    docker = document.get("docker") or {}
    spark = document.get("spark") or {}
    python = _fingerprint_python(document, platform)
    return Fingerprints(
        python=python,
        image=image_fingerprint(
            python=python,
            base_image=image_id or _image(docker),
            dockerfile=str(docker.get("baseDockerfile") or ""),
            context=context or _text(docker.get("buildContext")),
            spark_repositories=tuple(map(str, spark.get("repositories") or ())),
            spark_packages=tuple(map(_coordinates, spark.get("packages") or ())),
            spark_precached=bool(spark.get("precachePackages", True)),
        ),
    )


def _fingerprint_python(document: Mapping[str, Any], platform: str) -> str:
    python = document.get("python") or {}
    if python.get("userManagedDependencies") or python.get("condaDependencies") is None:
        return ""
    found = spec_of_document(document).python
    if found is None:
        return ""
    return environment_fingerprint(
        platform=platform,
        channels=tuple(map(hide_credentials, found.channels)),
        conda=tuple(map(hide_credentials, found.conda)),
        pip=tuple(map(hide_credentials, found.pip)),
    )


def _image(docker: Mapping[str, Any]) -> str:
    address = (docker.get("baseImageRegistry") or {}).get("address") or ""
    return f"{address}/{docker.get('baseImage') or ''}".strip("/")


def _coordinates(package: Any) -> str:
    if not isinstance(package, dict):
        return str(package)
    return ":".join(str(package.get(key) or "") for key in ("group", "artifact", "version"))


def _text(item: Any) -> str:
    import json

    return json.dumps(item, sort_keys=True) if item else ""


def compare_documents(before: Any, after: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Give what differs between two documents, field by field in the order of the first.

    Lists of plain items are compared as a whole: their order counts.

    Returns:
        For each field its dotted path, what it was and what it is; None stands for a field that is not there.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        keys = list(dict.fromkeys([*before, *after]))
        return [
            change
            for key in keys
            for change in compare_documents(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
        ]
    return [] if before == after and type(before) is type(after) else [(path, before, after)]
