"""The SDKs that localrun is held against, each in a venv of its own."""

from __future__ import annotations

import os
import sys

import pytest
from venv_kit import find_venv

sys.path.insert(0, os.path.dirname(__file__))  # for the kits


@pytest.fixture(scope="session")
def oracle_v1():
    """Give the python of a venv with azureml-core."""
    return find_venv("oracle-v1")


@pytest.fixture(scope="session")
def oracle_v2():
    """Give the python of a venv with azure-ai-ml."""
    return find_venv("oracle-v2")


@pytest.fixture(scope="session")
def mlflow_python():
    """Give a function: the python of a venv with scikit-learn and the MLflow of a major version."""
    return lambda version: find_venv(f"mlflow-{version}")


@pytest.fixture(scope="session")
def azure_python():
    """Give the python of a venv with Azure's key vault client."""
    return find_venv("azure")
