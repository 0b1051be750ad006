"""The name of an environment's content: equal definitions share one cached environment, different ones never do.

An environment on this machine is named after its Python part, an image after that and all that lies below and beside
it. As Azure ML documents it, neither name, version nor environment variables count, and every order does.
"""

from __future__ import annotations

import hashlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

FORM = "localrun-environment-1"
"""The form of what is hashed. A change of it makes every environment anew: name it in the change log."""


def environment_fingerprint(
    *,
    platform: str,
    channels: Iterable[str],
    conda: Iterable[str],
    pip: Iterable[str],
    files: Iterable[tuple[str, str]] = (),
    as_of: str = "",
) -> str:
    """Give the SHA-256, as 64 hex digits, of what defines an environment.

    Name, version, environment variables and the folder of the definition do not count; the order of channels and
    requirements does.

    Args:
        platform: The conda subdirectory, such as `linux-64`.
        channels: As written, highest priority first.
        conda: Match specs, in order.
        pip: Requirement lines, in order.
        files: For each local path that a requirement line names (`./pkg`, `-e ../x`), the line's own text and a hash
            of the content that stands there, so that an edit of that content is another environment.
        as_of: The instant whose packages count; empty for all packages, and then it is no part of what is hashed.
    """
    parts = [
        ("form", (FORM,)),
        ("platform", (platform,)),
        ("channels", channels),
        ("conda", conda),
        ("pip", pip),
        ("files", [text for pair in files for text in pair]),
    ]
    return _hash(parts + [("as of", (as_of,))] * bool(as_of))


IMAGE_FORM = "localrun-image-1"
"""The form of what is hashed for an image. A change of it builds every image anew: name it in the change log."""


def image_fingerprint(
    *,
    python: str = "",
    base_image: str = "",
    dockerfile: str = "",
    context: str = "",
    spark_repositories: Iterable[str] = (),
    spark_packages: Iterable[str] = (),
) -> str:
    """Give the SHA-256, as 64 hex digits, of what defines an image.

    Args:
        python: The `environment_fingerprint` of its Python part; empty when the user manages the packages.
        base_image: What the base image is: a reference with a digest or an immutable tag, else the id that the tag
            stands for now; empty when a Dockerfile says it.
        dockerfile: The text of the Dockerfile, or empty.
        context: A hash of the files that a Dockerfile may copy, or where they are to be had; empty when it has none.
        spark_repositories: As written, in order.
        spark_packages: Those that the image holds, `group:artifact:version`, in order.
    """
    packages = tuple(spark_packages)
    return _hash(
        [
            ("form", (IMAGE_FORM,)),
            ("python", (python,)),
            ("base image", (base_image,)),
            ("dockerfile", (dockerfile.replace("\r\n", "\n"),)),
            ("context", (context,)),
            ("spark repositories", spark_repositories if packages else ()),
            ("spark packages", packages),
            ("spark precached", ("True" if packages else "",)),
        ]
    )


LAYER_FORM = "localrun-layer-1"
"""The form of what is hashed for the conda layer of images."""


def layer_fingerprint(*, base: str, prefix: str, packages: Iterable[str]) -> str:
    """Give the SHA-256, as 64 hex digits, of a layer that holds a conda prefix.

    Args:
        base: The id of the image below it.
        prefix: Where the conda prefix is in the image.
        packages: The address and the hash of each conda package; their order does not count.
    """
    return _hash(
        [
            ("form", (LAYER_FORM,)),
            ("base", (base,)),
            ("prefix", (prefix,)),
            ("packages", sorted(packages)),
        ]
    )


def environment_name(fingerprint: str) -> str:
    """Give the name of the cache entry, `azureml_<32 hex>`, of a fingerprint of 64 hex digits."""
    return f"azureml_{fingerprint[:32]}"


def _hash(parts: Iterable[tuple[str, Iterable[str]]]) -> str:
    """Hash named lists of texts, each text behind its length: no two lists run together into the same bytes."""
    digest = hashlib.sha256()
    for name, part in parts:
        texts = tuple(part)
        digest.update(f"{name}:{len(texts)}\n".encode())
        for text in texts:
            data = text.encode("utf-8", "surrogatepass")
            digest.update(f"{len(data)}:".encode() + data + b"\n")
    return digest.hexdigest()
