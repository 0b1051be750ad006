"""Python packages from where they are listed: a conda file, a requirements file, a conda environment."""

from __future__ import annotations

import os

from localrun.api.conda_dependencies import CondaDependencies
from localrun.api.exceptions import UserErrorException
from localrun.api.notices import tell
from localrun.formats.v1_conda import PYTHON_VERSION, constraint_of, find_python


def read_conda_file(file: str | os.PathLike[str]) -> CondaDependencies:
    """Give the packages of a conda file; where it names no version of Python, Azure ML's is added.

    Raises:
        BadInput: the file cannot be used.
    """
    path = os.fspath(file)
    conda = CondaDependencies(path)
    python = find_python(conda.as_dict().get("dependencies") or ())
    if not python or not constraint_of(python):
        tell([f'{path}: No Python version provided, defaulting to "{PYTHON_VERSION}"'])
        conda.set_python_version(PYTHON_VERSION)
    return conda


def read_requirements(file: str | os.PathLike[str], pip_version: str | None = None) -> CondaDependencies:
    """Give the lines of a requirements file as they are, and pip itself.

    Raises:
        BadInput: the file cannot be read.
    """
    from localrun.api.user_files import read_user_file
    from localrun.formats.requirements import decode_requirements

    path = os.fspath(file)
    conda = CondaDependencies()
    conda.set_pip_requirements(decode_requirements(read_user_file(path), file=path).splitlines())
    conda.add_conda_package(f"pip={pip_version}" if pip_version else "pip")
    return conda


def read_either(
    conda_specification: str | os.PathLike[str] | None, pip_requirements: str | os.PathLike[str] | None
) -> CondaDependencies | None:
    """Give the packages of the file that is given; None without one.

    Raises:
        UserErrorException: both are given.
        BadInput: the file cannot be used.
    """
    if conda_specification and pip_requirements:
        message = "Only one of conda_specification or pip_requirements can be specified as python dependencies"
        raise UserErrorException(message, hint="put the requirements under pip: in the conda file")
    if conda_specification:
        return read_conda_file(conda_specification)
    return read_requirements(pip_requirements) if pip_requirements else None


def read_conda_environment(name: str) -> CondaDependencies:
    """Give what is installed in a conda environment of this machine, by its name or the path of its prefix.

    Raises:
        BadInput: there is none.
    """
    from localrun.adapters.conda_prefix import conda_mapping, read_conda_prefix

    found = read_conda_prefix(name, os.environ, os.path.expanduser("~"))
    return CondaDependencies(_underlying_structure=conda_mapping(found))
