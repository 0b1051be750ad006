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
    digest = hashlib.sha256()
    parts = (
        ("form", (FORM,)),
        ("platform", (platform,)),
        ("channels", tuple(channels)),
        ("conda", tuple(conda)),
        ("pip", tuple(pip)),
        ("files", tuple(text for pair in files for text in pair)),
    )
    for name, texts in parts:
        _add(digest, name, texts)
    if as_of:
        _add(digest, "as of", (as_of,))
    return digest.hexdigest()


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
    spark_precached: bool = True,
) -> str:
    """Give the SHA-256, as 64 hex digits, of what defines an image.

    Args:
        python: The `environment_fingerprint` of its Python part; empty when the user manages the packages.
        base_image: What the base image is: a reference with a digest or an immutable tag, else the id that the tag
            stands for now; empty when a Dockerfile says it.
        dockerfile: The text of the Dockerfile, or empty.
        context: A hash of the files that a Dockerfile may copy, or where they are to be had; empty when it has none.
        spark_repositories: As written, in order.
        spark_packages: `group:artifact:version`, in order.
        spark_precached: Whether the image holds the Spark packages; counts only when there are any.
    """
    digest = hashlib.sha256()
    packages = tuple(spark_packages)
    parts = (
        ("form", (IMAGE_FORM,)),
        ("python", (python,)),
        ("base image", (base_image,)),
        ("dockerfile", (dockerfile.replace("\r\n", "\n"),)),
        ("context", (context,)),
        ("spark repositories", tuple(spark_repositories) if packages else ()),
        ("spark packages", packages),
        ("spark precached", (str(spark_precached) if packages else "",)),
    )
    for name, texts in parts:
        _add(digest, name, texts)
    return digest.hexdigest()


LAYER_FORM = "localrun-layer-1"
"""The form of what is hashed for the conda layer of images."""


def layer_fingerprint(*, base: str, prefix: str, packages: Iterable[str]) -> str:
    """Give the SHA-256, as 64 hex digits, of a layer that holds a conda prefix.

    Args:
        base: The id of the image below it.
        prefix: Where the conda prefix is in the image.
        packages: The address and the hash of each conda package; their order does not count.
    """
    digest = hashlib.sha256()
    for name, texts in (
        ("form", (LAYER_FORM,)),
        ("base", (base,)),
        ("prefix", (prefix,)),
        ("packages", tuple(sorted(packages))),
    ):
        _add(digest, name, texts)
    return digest.hexdigest()


def environment_name(fingerprint: str) -> str:
    """Give the name of the cache entry, `azureml_<32 hex>`, of a fingerprint of 64 hex digits."""
    return f"azureml_{fingerprint[:32]}"


def _add(digest: hashlib._Hash, name: str, texts: tuple[str, ...]) -> None:
    # Every text goes in behind its length: no two lists can run together into the same bytes.
    digest.update(f"{name}:{len(texts)}\n".encode())
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(f"{len(data)}:".encode() + data + b"\n")
