"""The SDKs that localrun is held against, each in a venv of its own."""

from __future__ import annotations

import os
import subprocess

import pytest
from filelock import FileLock

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture(scope="session")
def oracle_v1():
    """Give the python of a venv with azureml-core: LOCALRUN_ORACLE_V1, else one made below `.cache/oracle-v1`."""
    python = os.environ.get("LOCALRUN_ORACLE_V1", "")
    if python:
        return python
    venv = os.path.join(REPOSITORY, ".cache", "oracle-v1")
    python = os.path.join(venv, "bin", "python")
    os.makedirs(os.path.dirname(venv), exist_ok=True)
    with FileLock(f"{venv}.lock"):
        if not os.path.exists(os.path.join(venv, "ready")):
            subprocess.run(["uv", "venv", "--clear", "--quiet", "--python", "3.11", venv], check=True)
            subprocess.run(["uv", "pip", "install", "--quiet", "--python", python, "azureml-core"], check=True)
            with open(os.path.join(venv, "ready"), "w"):
                pass
    return python
