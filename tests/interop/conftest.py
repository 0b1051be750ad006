"""The SDKs that localrun is held against, each in a venv of its own."""

from __future__ import annotations

import os
import subprocess

import pytest
import uv
from filelock import FileLock

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture(scope="session")
def oracle_v1():
    """Give the python of a venv with azureml-core: LOCALRUN_ORACLE_V1, else one made below `.cache/oracle-v1`."""
    return os.environ.get("LOCALRUN_ORACLE_V1") or venv_with("azureml-core", "oracle-v1")


@pytest.fixture(scope="session")
def oracle_v2():
    """Give the python of a venv with azure-ai-ml: LOCALRUN_ORACLE_V2, else one made below `.cache/oracle-v2`."""
    return os.environ.get("LOCALRUN_ORACLE_V2") or venv_with("azure-ai-ml", "oracle-v2")


def venv_with(package, name):
    venv = os.path.join(REPOSITORY, ".cache", name)
    python = os.path.join(venv, "bin", "python")
    program = uv.find_uv_bin()
    os.makedirs(os.path.dirname(venv), exist_ok=True)
    with FileLock(f"{venv}.lock"):
        if not os.path.exists(os.path.join(venv, "ready")):
            subprocess.run([program, "venv", "--clear", "--quiet", "--python", "3.11", venv], check=True)
            subprocess.run([program, "pip", "install", "--quiet", "--python", python, package], check=True)
            with open(os.path.join(venv, "ready"), "w"):
                pass
    return python
