"""Venvs with large packages, made once a machine below `.cache`."""

from __future__ import annotations

import os
import subprocess
import sys

from filelock import FileLock

CACHE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".cache")


def make_venv(name, *packages):
    """Make a venv that holds some packages, if it is not there, and give its python.

    By pip, which knows where else than in an index this machine keeps large wheels.
    """
    venv = os.path.normpath(os.path.join(CACHE, name))
    python = os.path.join(venv, "bin", "python")
    os.makedirs(CACHE, exist_ok=True)
    with FileLock(f"{venv}.lock"):
        if not os.path.exists(os.path.join(venv, "ready")):
            subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
            with open(os.path.join(venv, "ready"), "w"):
                pass
    return python


def find_packages(python):
    """Give the folder of a venv's packages."""
    command = (python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
