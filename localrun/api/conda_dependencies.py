"""The Python packages of an environment: a conda file that can be changed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from localrun.api.exceptions import UserErrorException
from localrun.api.fields import copy_plain
from localrun.api.package_arguments import option_name, package_for_core, read_content, take_text
from localrun.formats.conda_file import package_name
from localrun.formats.v1_conda import (
    DEFAULT_CONDA,
    PYTHON_VERSION,
    constraint_of,
    find_python,
    merge_requirements,
    pip_name,
    pip_section,
    version_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from typing_extensions import Self

_TENSORFLOW = ("tensorflow", "tensorflow-gpu")


class CondaDependencies:
    """The content of a conda file: channels, conda packages, pip packages and pip's options.

    Better than the original: versions and ranges of Python keep their meaning (`python>=3.7`, `python=3.8.5=<build>`),
    names of pip packages are compared as PEP 503 says (`PyYAML` is `pyyaml`), an option for pip is not lost when there
    is no pip section yet, and a saved file is written whole or not at all. Comments of a loaded file are not kept.

    Args:
        conda_dependencies_file_path: A conda file to begin with; None: the default of Azure ML, Python 3.8 with
            azureml-defaults.

    Raises:
        BadInput: the file cannot be used.
    """

    DEFAULT_NUMBER_OF_CONDA_PACKAGES = 1
    DEFAULT_NUMBER_OF_PIP_PACKAGES = 1
    __slots__ = ("_content",)

    _content: dict[str, Any]

    def __init__(
        self,
        conda_dependencies_file_path: str | os.PathLike[str] | None = None,
        _underlying_structure: Mapping[str, Any] | None = None,
    ) -> None:
        if conda_dependencies_file_path:
            self._content = read_content(os.fspath(conda_dependencies_file_path))
        else:
            self._content = copy_plain(DEFAULT_CONDA if _underlying_structure is None else _underlying_structure)

    @staticmethod
    def create(
        pip_indexurl: str | None = None,
        pip_packages: Iterable[str] | None = None,
        conda_packages: Iterable[str] | None = None,
        python_version: str = PYTHON_VERSION,
        pin_sdk_version: bool = True,
    ) -> CondaDependencies:
        """Make one of lists of packages.

        Other than the original, no package index is added that was not asked for.

        Args:
            pip_indexurl: Where pip looks for wheels besides the package index; None: nowhere else.
            pip_packages: Requirements; None: azureml-defaults.
            conda_packages: Match specs; a `python=…` among them wins over `python_version`.
            python_version: The version of Python.
            pin_sdk_version: No effect, as in the original.

        Raises:
            UserErrorException: a package is none.
        """
        del pin_sdk_version
        made = CondaDependencies()
        made.set_python_version(python_version)
        for package in conda_packages or ():
            made.add_conda_package(package)
        made.set_pip_requirements([f"--find-links {pip_indexurl}"] if pip_indexurl else [])
        for package in ("azureml-defaults",) if pip_packages is None else pip_packages:
            made.add_pip_package(package)
        return made

    @staticmethod
    def merge_requirements(requirements: Iterable[str]) -> list[str]:
        """Give requirements with the constraints of each package together: `numpy>1`, `numpy<2` are `numpy>1,<2`."""
        return merge_requirements(requirements)

    @staticmethod
    def sdk_origin_url() -> str:
        """Refuse: localrun has no package index of its own.

        Raises:
            UserErrorException: always.
        """
        raise UserErrorException("localrun has no package index of its own", hint="name the index that you use")

    @staticmethod
    def get_default_number_of_packages() -> tuple[int, int]:
        """Give how many conda and pip packages a new one has."""
        return (CondaDependencies.DEFAULT_NUMBER_OF_CONDA_PACKAGES, CondaDependencies.DEFAULT_NUMBER_OF_PIP_PACKAGES)

    @property
    def conda_channels(self) -> Iterator[str]:
        """The channels, highest priority first."""
        return iter(list(self._content.get("channels") or ()))

    @property
    def conda_packages(self) -> Iterator[str]:
        """The match specs of conda's part, in their order."""
        return iter([item for item in self._dependencies() if isinstance(item, str)])

    @property
    def pip_packages(self) -> Iterator[str]:
        """The requirements of pip's part, options left out."""
        return iter([line for line in self._pip() if not line.startswith("-")])

    @property
    def pip_options(self) -> Iterator[str]:
        """The options of pip's part."""
        return iter([line for line in self._pip() if line.startswith("-")])

    def add_channel(self, channel: str) -> None:
        """Add a channel at the end, unless it is there."""
        channels = self._list("channels")
        if take_text(channel, "channel") not in channels:
            channels.append(channel)

    def remove_channel(self, channel: str) -> None:
        """Remove a channel, if it is there."""
        _remove(self._list("channels"), channel)

    def add_conda_package(self, conda_package: str) -> None:
        """Add a match spec at the end, unless it is there; one for Python replaces the present one.

        `python` alone, without a version, leaves the present one as it is.

        Raises:
            UserErrorException: it is no package.
        """
        spec = take_text(conda_package, "conda package").strip()
        if not spec or spec.startswith("-"):
            raise UserErrorException(f"Invalid package name {conda_package}", hint="write a name, such as numpy=1.26")
        if package_name(spec).lower() == "python":
            if constraint_of(spec) or not find_python(self._dependencies()):
                self._set_python(spec)
        elif spec not in self._dependencies():
            self._dependencies().append(spec)

    def remove_conda_package(self, conda_package: str) -> None:
        """Remove a match spec that is the same text, if it is there.

        Raises:
            UserErrorException: it is the one for Python, which an environment needs.
        """
        if conda_package in self._dependencies() and conda_package == find_python(self._dependencies()):
            hint = "set_python_version changes its version"
            raise UserErrorException("python must not be removed from conda dependencies", hint=hint)
        _remove(self._dependencies(), conda_package)

    def add_pip_package(self, pip_package: str) -> None:
        """Add a requirement at the end, in place of those for the same package.

        Raises:
            UserErrorException: it is an option, or empty.
        """
        line = take_text(pip_package, "pip package").strip()
        if not line or line.startswith("-"):
            hint = "options are set with set_pip_option" if line else "write a name, such as numpy==1.26.4"
            raise UserErrorException(f"Invalid package name {pip_package}", hint=hint)
        self.remove_pip_package(line)
        self._pip_list().append(line)

    def remove_pip_package(self, pip_package: str) -> None:
        """Remove the requirements for a package, named by its name or by any requirement for it."""
        name = pip_name(take_text(pip_package, "pip package"))
        kept = [line for line in self._pip() if line.startswith("-") or pip_name(line) != name]
        if kept != self._pip():
            self._pip_list()[:] = kept

    def set_pip_option(self, pip_option: str) -> None:
        """Set an option of pip, such as `--index-url URL`, in place of the same option.

        Several of the same option, such as two extra indexes, can be had with `set_pip_requirements`.

        Raises:
            UserErrorException: it is no option.
        """
        option = option_name(pip_option)
        found = self._pip_list()
        places = [index for index, line in enumerate(found) if line.startswith("-") and option_name(line) == option]
        if not places:
            found.append(pip_option)
            return
        found[places[0]] = pip_option
        for index in reversed(places[1:]):
            del found[index]

    def remove_pip_option(self, pip_option: str) -> None:
        """Remove an option of pip, whatever its value.

        Raises:
            UserErrorException: it is no option.
        """
        option = option_name(pip_option)
        if any(line.startswith("-") and option_name(line) == option for line in self._pip()):
            found = self._pip_list()
            found[:] = [line for line in found if not line.startswith("-") or option_name(line) != option]

    def set_pip_index_url(self, index_url: str) -> None:
        """Set pip's index; like `set_pip_option`, it takes the whole option: `--index-url URL`.

        Raises:
            UserErrorException: it is no option.
        """
        self.set_pip_option(index_url)

    def set_pip_requirements(self, pip_requirements: Iterable[str]) -> None:
        """Set pip's whole part, line by line as given."""
        lines = [take_text(line, "pip requirement") for line in pip_requirements]
        self._pip_list()[:] = lines

    def get_python_version(self) -> str | None:
        """Give the version of Python that is asked for; of a range the last one in it; None when it names none."""
        python = find_python(self._dependencies())
        return version_of(python) if python else None

    def set_python_version(self, version: str) -> None:
        """Ask for a version of Python."""
        self._set_python(f"python={take_text(version, 'version')}")

    def add_tensorflow_pip_package(self, core_type: str = "cpu", version: str | None = None) -> None:
        """Add tensorflow or tensorflow-gpu for pip, 2.2.0 unless said otherwise; other packages stay.

        Raises:
            UserErrorException: the core type is neither cpu nor gpu.
        """
        package = package_for_core("tensorflow", core_type)
        for name in _TENSORFLOW:
            self.remove_pip_package(name)
        self.add_pip_package(f"{package}=={version or '2.2.0'}")

    def add_tensorflow_conda_package(self, core_type: str = "cpu", version: str | None = None) -> None:
        """Add tensorflow or tensorflow-gpu for conda, 2.2.0 unless said otherwise; other packages stay.

        Raises:
            UserErrorException: the core type is neither cpu nor gpu.
        """
        package = package_for_core("tensorflow", core_type)
        found = self._dependencies()
        found[:] = [
            item
            for item in found
            if isinstance(item, dict) or package_name(item) not in {"tensorflow", "tensorflow-gpu"}
        ]
        self.add_conda_package(f"{package}={version or '2.2.0'}")

    def add_cntk_package(self, core_type: str = "cpu") -> None:
        """Add cntk or cntk-gpu 2.7 for pip.

        Raises:
            UserErrorException: the core type is neither cpu nor gpu.
        """
        package = package_for_core("cntk", core_type)
        for name in ("cntk", "cntk-gpu"):
            self.remove_pip_package(name)
        self.add_pip_package(f"{package}==2.7")

    def serialize_to_string(self) -> str:
        """Give the text of the conda file."""
        from localrun.formats.dump import dump_yaml

        return dump_yaml(self._content)

    def as_dict(self) -> dict[str, Any]:
        """Give the content of the conda file; a change of it changes nothing here."""
        content: dict[str, Any] = copy_plain(self._content)
        return content

    def to_document(self) -> dict[str, Any]:
        """Give what `as_dict` gives, under the name that every class here has for it."""
        return self.as_dict()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Make one from what `to_document` gave."""
        return cls(_underlying_structure=document)

    def save(self, path: str | os.PathLike[str] | None = None) -> str:
        """Write the conda file and give its path.

        Raises:
            UserErrorException: the path is a folder, or in none; or no Python is among the packages.
            StoreFailed: the system refuses.
        """
        from localrun.adapters.folders import write_file

        if path is None:
            raise UserErrorException("Please specify the path of the file to save to.", hint="give save a path")
        place = os.fspath(path)
        self.check_python()
        if os.path.isdir(place):
            message = "Cannot save a conda environment specification file to a directory. "
            message += "Please specify a fully qualified path along with the file name to save the file."
            raise UserErrorException(message, hint=f"save it as {os.path.join(place, 'conda_dependencies.yml')}")
        if not os.path.isdir(os.path.dirname(os.path.abspath(place))):
            message = "Cannot save a conda environment specification file to an invalid path."
            raise UserErrorException(message, hint=f"make the folder {os.path.dirname(place)} first")
        write_file(place, self.serialize_to_string().encode())
        return place

    def save_to_file(self, base_directory: str, conda_file_path: str | None = None) -> str:
        """Write the conda file into a project folder and give its path below that folder; `save` is simpler.

        Args:
            base_directory: The project folder.
            conda_file_path: Where below it; None: `auto_conda_dependencies.yml` in its folder of run configurations.

        Raises:
            UserErrorException: as `save`.
            StoreFailed: the system refuses.
        """
        folder = "aml_config" if os.path.isdir(os.path.join(base_directory, "aml_config")) else ".azureml"
        place = conda_file_path or os.path.join(folder, "auto_conda_dependencies.yml")
        self.save(os.path.join(base_directory, place))
        return place

    def check_python(self) -> None:
        """See that Python is among the packages.

        Raises:
            UserErrorException: it is not.
        """
        if not find_python(self._dependencies()):
            hint = "add it: add_conda_package('python=3.10')"
            raise UserErrorException("Python package is missing.", hint=hint)

    def __eq__(self, other: object) -> bool:
        return self._content == other._content if isinstance(other, CondaDependencies) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # it can be changed

    def __repr__(self) -> str:
        return f"CondaDependencies({self._content!r})"

    def _list(self, key: str) -> list[Any]:
        found: list[Any] = self._content.setdefault(key, [])
        return found

    def _dependencies(self) -> list[Any]:
        return self._list("dependencies")

    def _pip(self) -> list[str]:
        section = pip_section(self._dependencies())
        return list(section["pip"] or ()) if section else []

    def _pip_list(self) -> list[str]:
        section = pip_section(self._dependencies())
        if section is None:
            section = {"pip": []}
            self._dependencies().append(section)
        found: list[str] = section["pip"]
        return found

    def _set_python(self, spec: str) -> None:
        found = self._dependencies()
        present = find_python(found)
        if present is None:
            found.append(spec)
        else:
            found[found.index(present)] = spec


def _remove(found: list[Any], item: str) -> None:
    if item in found:
        found.remove(item)
