"""A node's own packages, laid over an environment that stays as it is.

The overlay is a virtual environment whose base is the run's environment: what a bootstrap script installs with pip or
uv lands in it, and is seen by the ranks of that node in that run, and by nothing else.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.plan import Artifact

PIP = '#!/bin/sh\nexec "${0%/*}/python" -m pip "$@"\n'
"""Found on PATH before the environment's own pip, whose first line would name the wrong Python."""


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
    home, is_virtual = find_base(artifact.python)
    _write(
        os.path.join(folder, "pyvenv.cfg"), f"home = {home}\ninclude-system-site-packages = true\nversion = {version}\n"
    )
    for name in ("python", "python3", f"python{version}"):
        os.symlink(artifact.python, os.path.join(programs, name))
    for name in ("pip", "pip3", f"pip{version}"):
        _write(os.path.join(programs, name), PIP, 0o755)
    if is_virtual:  # its base's packages come by themselves, its own ones do not
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


def find_base(python: str) -> tuple[str, bool]:
    """Find the folder of the interpreter below any virtual environment, and whether `python` was in one."""
    for folder in (os.path.dirname(python), os.path.dirname(os.path.dirname(python))):
        try:
            with open(os.path.join(folder, "pyvenv.cfg"), encoding="utf-8") as file:
                lines = file.read().splitlines()
        except OSError:
            continue
        for line in lines:
            key, _, text = line.partition("=")
            if key.strip() == "home":
                return text.strip(), True
    return os.path.dirname(os.path.realpath(python)), False


def _write(path: str, text: str, mode: int = 0o644) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        os.write(file, text.encode(errors="surrogateescape"))
    finally:
        os.close(file)
