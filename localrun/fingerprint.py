"""The name of an environment's content: equal definitions share one cached environment, different ones never do."""

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
