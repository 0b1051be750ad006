"""Conda packages named by address and hash, as the lines of a lock: `https://…/linux-64/numpy-1.26.4-0.conda#sha256:…`.

The form is that of conda's explicit files.
"""

from __future__ import annotations

from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

LOCK_FILE = "conda-lock.yml"
"""The name of a lock file beside a conda file, and in a folder of collected packages."""

ENDINGS = (".conda", ".tar.bz2")
_LENGTHS = {"sha256": 64, "md5": 32}


@value
class LockedPackage:
    """What a line says: the parts of the address, and the hash that the file must have."""

    url: str
    channel: str
    subdir: str
    file_name: str
    name: str
    version: str
    build: str
    algorithm: str
    digest: str


def is_locked(specs: Sequence[str]) -> bool:
    """Tell whether conda requirements are those of a lock: each one an address with a hash."""
    return bool(specs) and all("://" in spec and "#" in spec for spec in specs)


def join_address(url: str, *, sha256: str, md5: str) -> str:
    """Give the line of a package; the better hash counts."""
    return f"{url}#sha256:{sha256}" if sha256 else f"{url}#md5:{md5}"


def split_address(spec: str) -> LockedPackage:
    """Take a line apart.

    Raises:
        ValueError: it is no address of a conda package with a hash.
    """
    url, _, hashed = spec.rpartition("#")
    algorithm, _, digest = hashed.partition(":")
    channel, _, rest = url.rpartition("/")
    channel, _, subdir = channel.rpartition("/")
    ending = next((one for one in ENDINGS if rest.endswith(one)), "")
    parts = rest.removesuffix(ending).rsplit("-", 2)
    hexadecimal = not set(digest) - set("0123456789abcdef")
    if len(parts) < 3 or not ending or not channel or len(digest) != _LENGTHS.get(algorithm) or not hexadecimal:  # noqa: PLR2004 - name, version, build
        raise ValueError(spec)
    return LockedPackage(
        url=url,
        channel=channel,
        subdir=subdir,
        file_name=rest,
        name=parts[0],
        version=parts[1],
        build=parts[2],
        algorithm=algorithm,
        digest=digest,
    )
