"""Prepare what the tests need beyond Python packages; `make test` calls this before them.

On CI, and for root, missing programs are installed from Debian's packages. For everybody else they are named.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

PROGRAMS = {"bash": "bash", "cc": "gcc", "mount": "mount"}
"""For each program that the tests call, the Debian package that brings it."""


def main() -> int:
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if not missing:
        return 0
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"tests: please install {', '.join(missing)}", file=sys.stderr)
        return 1
    subprocess.run(("apt-get", "update", "-q"), check=True)
    return subprocess.run(("apt-get", "install", "-y", "-q", *missing), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
