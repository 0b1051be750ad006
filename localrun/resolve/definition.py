"""What an environment's document defines: the fingerprints of its Python part and of its image, and what changed."""

from __future__ import annotations

from localrun.fingerprint import image_fingerprint
from localrun.formats.v1_environment import spec_of_document
from localrun.resolve.locks import fingerprint_packages
from localrun.spec import ImageBuildSpec, SparkSpec
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


def fingerprint_document(document: Mapping[str, Any], *, platform: str) -> Fingerprints:
    """Give the fingerprints of an environment, its references to images and build contexts taken as they are written.

    Args:
        document: The environment.
        platform: The conda subdirectory, such as `linux-64`.

    Raises:
        BadInput: it defines nothing, or its Python packages cannot be used.
    """
    asked = spec_of_document(document)
    python = fingerprint_packages(asked.python, platform) if asked.python else ""
    build, spark = asked.build or ImageBuildSpec(), asked.spark or SparkSpec()
    image = image_fingerprint(
        python=python,
        base_image=asked.image,
        dockerfile=build.dockerfile,
        context=f"{build.dockerfile_path} {build.context}" if build.context else "",
        spark_repositories=spark.repositories,
        spark_packages=spark.packages if spark.precached else (),
    )
    return Fingerprints(python=python, image=image)


def compare_documents(before: object, after: object, path: str = "") -> list[tuple[str, object, object]]:
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
