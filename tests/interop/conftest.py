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


@pytest.fixture(scope="session")
def mlflow_python():
    """Give a function: the python of a venv with scikit-learn and the MLflow of a major version.

    It is LOCALRUN_MLFLOW_2 or _3, else one made below `.cache/mlflow-2` or `-3`.
    """

    def find(version):
        wanted = f"mlflow-skinny>={version},<{version + 1}"
        known = os.environ.get(f"LOCALRUN_MLFLOW_{version}")
        return known or venv_with(wanted, f"mlflow-{version}", "pandas", "scikit-learn")

    return find


@pytest.fixture(scope="session")
def azure_python():
    """Give the python of a venv with Azure's key vault client: LOCALRUN_AZURE, else one made below `.cache/azure`."""
    return os.environ.get("LOCALRUN_AZURE") or venv_with("azure-keyvault-secrets", "azure", "azure-identity")


def venv_with(package, name, *more):
    venv = os.path.join(REPOSITORY, ".cache", name)
    python = os.path.join(venv, "bin", "python")
    program = uv.find_uv_bin()
    os.makedirs(os.path.dirname(venv), exist_ok=True)
    with FileLock(f"{venv}.lock"):
        if not os.path.exists(os.path.join(venv, "ready")):
            subprocess.run([program, "venv", "--clear", "--quiet", "--python", "3.11", venv], check=True)
            subprocess.run([program, "pip", "install", "--quiet", "--python", python, package, *more], check=True)
            with open(os.path.join(venv, "ready"), "w"):
                pass
    return python
