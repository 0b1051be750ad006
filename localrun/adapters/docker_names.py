"""Image references taken apart: `[registry/]repository[:tag][@digest]`.

Source of the rules: the Docker documentation, "docker image tag", and the grammar of the distribution project.
"""

from __future__ import annotations

import re

from localrun.errors import BadInput
from localrun.values import value

HUB = "docker.io"
"""The registry of references that name none."""

_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
_REGISTRY = re.compile(r"(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::[0-9]{1,5})?")


@value
class ImageName:
    """An image reference.

    Attributes:
        registry: Host and port; `docker.io` when the reference names none.
        repository: The path in the registry, as written.
        tag: `latest` when neither a tag nor a digest is given; empty beside a digest alone.
        digest: `sha256:…`, or empty.
    """

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def place(self) -> str:
        """The repository with its registry, as the engine wants it."""
        return self.repository if self.registry == HUB else f"{self.registry}/{self.repository}"

    @property
    def text(self) -> str:
        """The whole reference."""
        return self.place + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def split_name(reference: str) -> ImageName:
    """Take an image reference apart.

    Raises:
        BadInput: it is none.
    """
    rest, _, digest = reference.partition("@")
    first, slash, path = rest.partition("/")
    registry = HUB
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, rest = ("docker.io" if first in {"index.docker.io", HUB} else first), path
    repository, _, tag = rest.partition(":")
    good = bool(_REPOSITORY.fullmatch(repository)) and (registry == HUB or is_registry(registry))
    good = good and bool(not tag or _TAG.fullmatch(tag)) and bool(not digest or _DIGEST.fullmatch(digest))
    if not good or rest.endswith(":") or reference.endswith("@"):
        upper = repository != repository.lower()
        hint = (
            "write its repository in lower case"
            if upper
            else "it looks like python:3.12 or registry:5000/team/image:tag"
        )
        raise BadInput(f"{reference!r} is no image reference", hint=hint)
    return ImageName(registry=registry, repository=repository, tag=tag or ("" if digest else "latest"), digest=digest)


def is_registry(text: str) -> bool:
    """Tell whether a text is the address of a registry: a host, maybe with a port."""
    return _REGISTRY.fullmatch(text) is not None


def place_in(registry: str, reference: str) -> str:
    """Give what an image is called in a registry.

    Args:
        registry: `host[:port][/prefix]`.
        reference: What it is called here; a registry in it is left out.

    Raises:
        BadInput: the registry is no such address.
    """
    host, _, prefix = registry.strip().rstrip("/").removeprefix("https://").removeprefix("http://").partition("/")
    name = split_name(reference)
    repository = f"{prefix}/{name.repository}" if prefix else name.repository
    if not is_registry(host) or not _REPOSITORY.fullmatch(repository):
        hint = "it looks like registry.example.com:5000/team"
        raise BadInput(f"{registry!r} is no address of a registry", hint=hint)
    if host != HUB and not ("." in host or ":" in host or host == "localhost"):
        hint = f"a registry has a dot or a port in its name: {host}:443 or {HUB}/{host}"
        raise BadInput(f"{registry!r} would be read as a folder of Docker Hub", hint=hint)
    return ImageName(registry=host, repository=repository, tag=name.tag or "latest").text
