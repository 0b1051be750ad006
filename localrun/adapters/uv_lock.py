"""The pip part of a lock: resolved by uv for a platform that need not be this machine's, with addresses and hashes.

uv writes what it found as `pylock.toml` (PEP 751), of each package the files that the platform can use.
"""

from __future__ import annotations

import os
import re
import sys

from localrun.adapters.toml import parse_toml
from localrun.adapters.uv import explain, run_uv
from localrun.errors import EnvironmentFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from localrun.adapters.uv import PipRequest

PLATFORMS = {
    "linux-64": "x86_64-manylinux_2_28",
    "linux-aarch64": "aarch64-manylinux_2_28",
    "osx-64": "x86_64-apple-darwin",
    "osx-arm64": "aarch64-apple-darwin",
}
"""Conda subdirectories in uv's words; for Linux with the glibc that conda-lock assumes."""


def resolve_packages(
    request: PipRequest,
    *,
    python_version: str,
    platform: str,
    output: str,
    environ: Mapping[str, str],
    on_line: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Resolve requirements for a Python version on a platform, without an environment.

    Args:
        request: What to resolve; its `python` is not used.
        python_version: The full version.
        platform: A conda subdirectory; empty for this machine as it is.
        output: The file that uv writes, `pylock.NAME.toml`.
        environ: The caller's environment variables.
        on_line: Told what uv says.

    Returns:
        Each package as that file has it.

    Raises:
        EnvironmentFailed, StoreFailed: as uv says; or it knows no such platform.
    """
    if platform and platform not in PLATFORMS:
        message = f"pip packages cannot be locked for {platform}"
        raise EnvironmentFailed(message, hint=f"one of {', '.join(PLATFORMS)} can", code="solve")
    arguments = ["pip", "compile", "--quiet", "--format", "pylock.toml", "--no-header", "--output-file", output]
    arguments += ["--python", sys.executable, "--python-version", python_version]
    arguments += ["--python-platform", PLATFORMS[platform]] if platform else []
    arguments += ["--constraints", request.constraints] if request.constraints else []
    code, lines = run_uv(request, (*arguments, "-"), environ, on_line)
    if code:
        raise explain(lines, request, code)
    with open(output, "rb") as file:
        packages: list[dict[str, Any]] = parse_toml(file.read()).get("packages", [])
    return packages


def list_files(packages: list[dict[str, Any]], python_version: str) -> list[dict[str, str]]:
    """Give `name`, `version`, `url` and `sha256` of the best file of each package.

    Raises:
        EnvironmentFailed: a package is no file of an index, so that no hash can name it.
    """
    return [_describe(package, python_version) for package in packages]


def _describe(package: dict[str, Any], python_version: str) -> dict[str, str]:
    wheels = sorted(package.get("wheels", ()), key=lambda wheel: _rank(os.path.basename(wheel["url"]), python_version))
    found = wheels[-1] if wheels else package.get("archive") or package.get("sdist") or {}
    url, digest = found.get("url", ""), found.get("hashes", {}).get("sha256", "")
    if not url.startswith(("https://", "http://", "file://")) or not digest:
        message = f"{package['name']} cannot be locked: it is no file of an index whose hash is known"
        hint = "name a version that an index has; a folder of packages (--find-links) is one, too"
        raise EnvironmentFailed(message, hint=hint, code="solve")
    return {"name": package["name"], "version": str(package.get("version", "")), "url": url, "sha256": digest}


def _rank(wheel: str, python_version: str) -> tuple[Any, ...]:
    """Order the wheels that a platform can use: for this very Python first, then compiled, then for newer systems."""
    *_, python, abi, platform = wheel.removesuffix(".whl").split("-")
    own = "cp" + "".join(python_version.split(".")[:2])
    system = [int(part) for part in re.findall(r"\d+", platform.partition(".")[0].replace("x86_64", ""))]
    return own in python.split(".") and abi != "abi3", platform != "any", system, wheel
