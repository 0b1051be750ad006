"""What a source archive of a pip package says that it needs to be built. Source: PEP 517 and PEP 518."""

from __future__ import annotations

import tarfile
import zipfile

from localrun.adapters.toml import parse_toml
from localrun.errors import EnvironmentFailed

WITHOUT_A_WORD = ("setuptools>=40.8.0", "wheel")
"""What builds a package that names nothing."""
_MOST_BYTES = 1 << 20


def read_build_requirements(path: str) -> tuple[str, ...]:
    """Give the requirement lines of a source archive's build.

    Args:
        path: The archive.

    Raises:
        EnvironmentFailed: it cannot be read.
    """
    try:
        text = (_read_zip if path.endswith(".zip") else _read_tar)(path)
        asked = parse_toml(text).get("build-system", {}).get("requires")
    except (OSError, ValueError, EOFError, tarfile.TarError, zipfile.BadZipFile, AttributeError) as error:
        message = f"the source archive {path} cannot be read: {error}"
        raise EnvironmentFailed(message, hint="lock a version that has a wheel", code="build_failed") from error
    return tuple(map(str, asked)) if isinstance(asked, list) else WITHOUT_A_WORD


def _read_tar(path: str) -> bytes:
    with tarfile.open(path) as archive:
        for member in archive:
            if _is_named(member.name) and member.isfile():
                stream = archive.extractfile(member)
                return stream.read(_MOST_BYTES) if stream else b""
    return b""


def _read_zip(path: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if _is_named(name):
                with archive.open(name) as stream:
                    return stream.read(_MOST_BYTES)
    return b""


def _is_named(name: str) -> bool:
    return name.removeprefix("./").partition("/")[2] == "pyproject.toml"
