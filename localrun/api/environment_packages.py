"""Where an environment takes its Python packages from: a conda file or a requirements file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from localrun.api.conda_dependencies import CondaDependencies
from localrun.api.exceptions import UserErrorException
from localrun.api.notices import tell
from localrun.formats.v1_conda import PYTHON_VERSION, constraint_of, find_python

if TYPE_CHECKING:
    from localrun.api.environment import Environment


def take_packages(
    environment: Environment,
    conda_specification: str | os.PathLike[str] | None,
    pip_requirements: str | os.PathLike[str] | None,
) -> Environment:
    """Give an environment the packages of a file; without one it is user-managed: its image has them.

    Raises:
        UserErrorException: both files are given.
        BadInput: the file cannot be used.
    """
    if conda_specification and pip_requirements:
        message = "Only one of conda_specification or pip_requirements can be specified as python dependencies"
        raise UserErrorException(message, hint="put the requirements under pip: in the conda file")
    if conda_specification:
        take_conda_file(environment, os.fspath(conda_specification))
    elif pip_requirements:
        take_requirements(environment, os.fspath(pip_requirements), None)
    else:
        environment.python.user_managed_dependencies = True
    return environment


def take_conda_file(environment: Environment, path: str) -> None:
    """Give an environment the packages of a conda file; where it names no version of Python, Azure ML's is added.

    Raises:
        BadInput: the file cannot be used.
    """
    conda = CondaDependencies(path)
    python = find_python(conda.as_dict().get("dependencies") or ())
    if not python or not constraint_of(python):
        tell([f'{path}: No Python version provided, defaulting to "{PYTHON_VERSION}"'])
        conda.set_python_version(PYTHON_VERSION)
    environment.python.conda_dependencies = conda
    environment.directory = os.path.dirname(os.path.abspath(path))


def take_requirements(environment: Environment, path: str, pip_version: str | None) -> None:
    """Give an environment the lines of a requirements file as they are, and pip itself.

    Raises:
        BadInput: the file cannot be read.
    """
    conda = CondaDependencies()
    conda.set_pip_requirements(_read_lines(path))
    conda.add_conda_package(f"pip={pip_version}" if pip_version else "pip")
    environment.python.conda_dependencies = conda
    environment.directory = os.path.dirname(os.path.abspath(path))


def _read_lines(path: str) -> list[str]:
    from localrun.api.user_files import read_user_file
    from localrun.formats.requirements import decode_requirements

    return decode_requirements(read_user_file(path), file=path).splitlines()
