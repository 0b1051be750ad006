"""A node's own packages, laid over an environment that stays as it is.

The overlay is a virtual environment whose base is the run's environment: what a bootstrap script installs with pip or
uv lands in it, and is seen by the ranks of that node in that run, and by nothing else.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.plan import Artifact

PIP = """#!/bin/sh
python="${0%/*}/python"
if ! "$python" -c 'import pip' 2>/dev/null; then
    echo "localrun: this Python has no pip; the one that came with it is used" >&2
    "$python" -m ensurepip >/dev/null || exit
fi
exec "$python" -m pip "$@"
"""
"""Found on PATH before the environment's own pip, whose first line would name the wrong Python.

Environments made by uv have none, and neither has the Python of some systems; on a cluster there always is one.
"""


def make_overlay(artifact: Artifact, folder: str) -> str:
    """Make an overlay and give the folder that goes in front of PATH.

    Args:
        artifact: The environment below it; it has a Python.
        folder: A new folder for it; the path stays until the run ends.
    """
    version = find_version(artifact)
    programs = os.path.join(folder, "bin")
    packages = os.path.join(folder, "lib", f"python{version}", "site-packages")
    os.makedirs(programs)
    os.makedirs(packages)
    home, settings = find_base(artifact.python)
    seen = "true" if settings is None else settings.get("include-system-site-packages", "false")
    _write(
        os.path.join(folder, "pyvenv.cfg"),
        f"home = {home}\ninclude-system-site-packages = {seen}\nversion = {version}\n",
    )
    for name in ("python", "python3", f"python{version}"):
        os.symlink(artifact.python, os.path.join(programs, name))
    for name in ("pip", "pip3", f"pip{version}"):
        _write(os.path.join(programs, name), PIP, 0o755)
    if settings is not None:  # an overlay's base is the base of that virtual environment
        lines = [f"import site; site.addsitedir({path!r})" for path in artifact.site_packages]
        _write(os.path.join(packages, "_environment.pth"), "\n".join(lines) + "\n")
    return programs


def find_version(artifact: Artifact) -> str:
    """Find major and minor version of an environment's Python in the names of its folders."""
    import re

    for path in (*artifact.site_packages, os.path.realpath(artifact.python)):
        found = re.findall(r"python(3\.\d+)", path)
        if found:
            return str(found[-1])  # a folder above may be named for another one
    return "3"


def find_base(python: str) -> tuple[str, dict[str, str] | None]:
    """Find the folder of the interpreter below any virtual environment, and what `pyvenv.cfg` says where it is in one.

    Source: PEP 405.
    """
    for folder in (os.path.dirname(python), os.path.dirname(os.path.dirname(python))):
        try:
            with open(os.path.join(folder, "pyvenv.cfg"), encoding="utf-8") as file:
                lines = [line.partition("=") for line in file]
        except OSError:
            continue
        settings = {key.strip().lower(): text.strip() for key, _, text in lines}
        if "home" in settings:
            return settings["home"], settings
    return os.path.dirname(os.path.realpath(python)), None


def _write(path: str, text: str, mode: int = 0o644) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        os.write(file, text.encode(errors="surrogateescape"))
    finally:
        os.close(file)
