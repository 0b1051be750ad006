"""An environment: what a script runs in."""

from __future__ import annotations

import copy
import os
from typing import TYPE_CHECKING, Any, ClassVar

from localrun.api import environment_build, environment_files, environment_packages, environment_store
from localrun.api.exceptions import UserErrorException
from localrun.api.fields import Section
from localrun.api.sections import (
    DatabricksSection,
    DockerBuildContext,
    DockerSection,
    PythonSection,
    RSection,
    SparkSection,
)
from localrun.api.user_files import read_bytes
from localrun.api.workspace_home import home_of
from localrun.formats.v1_environment import hide_secrets, is_reference, spec_of_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from typing_extensions import Self

    from localrun.api.conda_dependencies import CondaDependencies
    from localrun.api.container_registry import ContainerRegistry
    from localrun.api.image_details import DockerImageDetails, ImageBuildDetails
    from localrun.api.workspace import Workspace
    from localrun.spec import EnvironmentSpec


class Environment(Section):
    """Packages, image, environment variables and settings of an environment, under a name.

    Better than the original: clones share nothing; no password is written in clear; an unknown attribute is an error
    everywhere; a saved directory holds no file of an earlier save and is written whole or not at all; what a file says
    beyond the known keys is kept and written again.

    Attributes:
        name: Its name.
        version: The version under which a workspace knows it; None: not registered.
        environment_variables: Set for the script, by name.
        python: The Python packages, or the interpreter of the user.
        docker: The image.
        spark: The Spark packages.
        databricks: Libraries for Databricks.
        r: The R packages, or None.
        inferencing_stack_version: Kept in files, of no use here.
        asset_id: Where Azure ML keeps it; None for one that was made here.
        directory: Where relative paths among its pip requirements start from; empty: the working directory. Not saved.
    """

    KEYS: ClassVar = {
        "name": "name",
        "version": "version",
        "environment_variables": "environmentVariables",
        "python": "python",
        "docker": "docker",
        "spark": "spark",
        "databricks": "databricks",
        "r": "r",
        "inferencing_stack_version": "inferencingStackVersion",
        "asset_id": "assetId",
    }
    PARTS: ClassVar = {
        "python": PythonSection,
        "docker": DockerSection,
        "spark": SparkSection,
        "databricks": DatabricksSection,
        "r": RSection,
    }

    name: str
    version: str | None
    environment_variables: dict[str, Any]
    python: PythonSection
    docker: DockerSection
    spark: SparkSection
    databricks: DatabricksSection
    r: RSection | None
    inferencing_stack_version: str | None
    asset_id: str | None
    directory: str = ""

    def __init__(self, name: str, _skip_defaults: bool = False) -> None:
        super().__init__()
        if name is not None and not isinstance(name, str):
            raise TypeError(f"Environment name expected str, {type(name)} found")
        self.name = name
        self.version = None
        self.environment_variables = {} if _skip_defaults else {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}
        self.python = PythonSection(_skip_defaults)
        self.docker = DockerSection(_skip_defaults)
        self.spark = SparkSection()
        self.databricks = DatabricksSection()
        self.r = None
        self.inferencing_stack_version = None
        self.asset_id = None

    def __str__(self) -> str:
        return f"Environment(Name: {self.name},\nVersion: {self.version})"

    def __repr__(self) -> str:
        import json

        return json.dumps(hide_secrets(self.to_document())[0], indent=4, sort_keys=True, default=repr)

    @staticmethod
    def from_conda_specification(name: str, file_path: str | os.PathLike[str]) -> Environment:
        """Make one of a conda file.

        Where the file names no version of Python it gets that of Azure ML, with a warning. Better than the original: a
        version that it does not recognise (`python=3.8.5=<build>`, `python >=3.7,<3.9`) stays what it is.

        Raises:
            BadInput: the file cannot be used.
        """
        return _give(Environment(name), environment_packages.read_conda_file(file_path), file_path)

    @staticmethod
    def from_pip_requirements(
        name: str, file_path: str | os.PathLike[str], pip_version: str | None = None
    ) -> Environment:
        """Make one of a requirements file, whose lines are taken as they are.

        Relative paths in it start from its folder.

        Raises:
            BadInput: the file cannot be read.
        """
        return _give(Environment(name), environment_packages.read_requirements(file_path, pip_version), file_path)

    @staticmethod
    def from_dockerfile(
        name: str,
        dockerfile: Any,
        conda_specification: str | os.PathLike[str] | None = None,
        pip_requirements: str | os.PathLike[str] | None = None,
    ) -> Environment:
        """Make one of a Dockerfile: its text, its path, or an open file.

        Without packages of its own it is user-managed: the image has them.

        Raises:
            UserErrorException: there is no such file, or both kinds of packages are given.
            BadInput: a file cannot be used.
        """
        environment = Environment(name)
        environment.docker.base_dockerfile = dockerfile
        packages = environment_packages.read_either(conda_specification, pip_requirements)
        return _give(environment, packages, conda_specification or pip_requirements)

    @staticmethod
    def from_docker_image(
        name: str,
        image: str,
        container_registry: ContainerRegistry | None = None,
        conda_specification: str | os.PathLike[str] | None = None,
        pip_requirements: str | os.PathLike[str] | None = None,
    ) -> Environment:
        """Make one of an image; without packages of its own it is user-managed: the image has them.

        Raises:
            UserErrorException: both kinds of packages are given.
            BadInput: a file cannot be used.
        """
        environment = Environment(name)
        environment.docker.base_image = image
        if container_registry is not None:
            environment.docker.base_image_registry = copy.deepcopy(container_registry)
        packages = environment_packages.read_either(conda_specification, pip_requirements)
        return _give(environment, packages, conda_specification or pip_requirements)

    @staticmethod
    def from_docker_build_context(name: str, docker_build_context: DockerBuildContext) -> Environment:
        """Make one of a folder with a Dockerfile, and of nothing else."""
        environment = Environment(name, _skip_defaults=True)
        environment.docker.build_context = docker_build_context
        return environment

    @staticmethod
    def from_existing_conda_environment(name: str, conda_environment_name: str) -> Environment:
        """Make one that asks for what is installed in a conda environment of this machine; conda is not needed.

        Args:
            name: The new one's name.
            conda_environment_name: The conda environment's name, or the path of its prefix.

        Raises:
            BadInput: there is none of that name (the original gives None).
        """
        environment = Environment(name)
        environment.python.conda_dependencies = environment_packages.read_conda_environment(conda_environment_name)
        return environment

    def clone(self, new_name: str) -> Environment:
        """Give a copy under another name, not registered yet, that shares nothing with this one.

        Raises:
            UserErrorException: the name is empty.
        """
        if not new_name:
            raise UserErrorException("Name is required to instantiate an Environment object", hint="give a new name")
        cloned = copy.deepcopy(self)
        cloned.name = Environment(new_name).name
        cloned.version = None
        cloned.asset_id = None
        return cloned

    def save_to_directory(self, path: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write it as files: azureml_environment.json, conda_dependencies.yml and, with a Dockerfile, BaseDockerfile.

        Passwords are not written: `${NAME}` stands in their place, and a warning says which variable to set.

        Args:
            path: The folder.
            overwrite: It may be there already; then it holds this environment afterwards and nothing of another.

        Raises:
            BadInput: the folder is there already, or something of the environment has no place in a file.
            UserErrorException: Python is missing among the packages to install.
            StoreFailed: the system refuses.
        """
        conda = self.python.conda_dependencies
        if conda is not None and not self.python.user_managed_dependencies:
            conda.check_python()
        environment_files.write_environment(self.to_document(), os.fspath(path), overwrite=overwrite)

    @staticmethod
    def load_from_directory(path: str | os.PathLike[str]) -> Environment | EnvironmentReference:
        """Read what `save_to_directory`, azureml-core or a person has written.

        Returns:
            The environment; an `EnvironmentReference` when the files hold nothing but name and version.

        Raises:
            BadInput: a file is missing or cannot be used.
        """
        document = environment_files.read_environment(os.fspath(path))
        if is_reference(document):
            return EnvironmentReference(document["name"], document["version"])
        environment = Environment.from_document(document)
        environment.directory = os.path.abspath(path)
        return environment

    def to_spec(self) -> EnvironmentSpec:
        """Give what is to be run in, for localrun's own stages.

        Raises:
            BadInput: its packages cannot be used.
        """
        return spec_of_document(self.to_document(), directory=self.directory or os.getcwd(), read=read_bytes)

    def register(self, workspace: Workspace) -> Environment:
        """Register it in a workspace and give the registered one, with its version.

        An unchanged definition gives the version that is there.

        Raises:
            BadInput: the name is reserved or cannot be one, or the version is there with another definition.
            StoreFailed: the workspace cannot hold it.
        """
        return Environment.from_document(environment_store.register(home_of(workspace), self.to_document()))

    @staticmethod
    def get(workspace: Workspace, name: str, version: str | int | None = None, label: str | None = None) -> Environment:
        """Give a registered or curated environment: of a version, of a label, or the latest.

        Raises:
            UserErrorException: version and label are both given.
            EnvironmentNotFound: there is none.
        """
        return Environment.from_document(environment_store.get(home_of(workspace), name, version, label))

    @staticmethod
    def list(workspace: Workspace) -> dict[str, Environment]:
        """Give the latest version of each registered environment, and the curated ones, by name."""
        found = environment_store.list_all(home_of(workspace))
        return {name: Environment.from_document(document) for name, document in found.items()}

    @staticmethod
    def label(workspace: Workspace, name: str, version: str | int, labels: Iterable[str]) -> None:
        """Put labels on a version; a label that another version of the name had moves to this one.

        Raises:
            BadInput: a label cannot be one.
            EnvironmentNotFound: there is no such version.
        """
        from localrun.workspace import registry

        registry.set_labels(home_of(workspace), name, str(version), [labels] if isinstance(labels, str) else labels)

    @staticmethod
    def add_private_pip_wheel(workspace: Workspace, file_path: str | os.PathLike[str], exist_ok: bool = False) -> str:
        """Keep a wheel in a workspace, and give the address to pass to `CondaDependencies.add_pip_package`.

        Args:
            workspace: The workspace.
            file_path: The wheel.
            exist_ok: A wheel of that file name may be there; it is kept beside it, each under its content.

        Raises:
            BadInput: there is no such file, it is no wheel, or one of that name is there and may not be.
        """
        from localrun.workspace import wheels

        return wheels.keep_wheel(home_of(workspace), os.fspath(file_path), exist_ok=exist_ok)

    def build_local(self, workspace: Workspace, platform: str | None = None, **kwargs: Any) -> str:
        """Make the environment on this machine, or find it made; give the prefix, or the name of the image.

        Args:
            workspace: The workspace that keeps it.
            platform: Not used: that of an image stands in its Docker section.
            kwargs: `useDocker`: make the image, False by default; `pushImageToWorkspaceAcr`: send it to the project's
                registry as well.

        Raises:
            UserErrorException: there is nothing to make, or no registry to push to.
            EnvironmentFailed: it cannot be made.
        """
        del platform
        unknown = kwargs.keys() - {"useDocker", "pushImageToWorkspaceAcr"}
        if unknown:
            raise TypeError(f"build_local() got an unexpected keyword argument {min(unknown)!r}")
        if not kwargs.get("useDocker"):
            return environment_build.make_prefix(self, home_of(workspace))
        push = bool(kwargs.get("pushImageToWorkspaceAcr"))
        return environment_build.make_image(self, home_of(workspace), push=push).image

    def build(self, workspace: Workspace, image_build_compute: str | None = None) -> ImageBuildDetails:
        """Make the environment's image in this machine's Docker engine; nothing is registered for it.

        Raises:
            BadInput: it has neither an image nor a Dockerfile.
            EnvironmentFailed: it cannot be made.
        """
        del image_build_compute
        return environment_build.make_image(self, home_of(workspace))

    def get_image_details(self, workspace: Workspace) -> DockerImageDetails:
        """Tell what there is to know of the environment's image; nothing is made.

        Raises:
            BadInput: it has neither an image nor a Dockerfile.
            EngineUnavailable: no Docker engine answers.
        """
        return environment_build.describe_image(self, home_of(workspace))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Make one from its document (see `localrun.formats.v1_environment`).

        Raises:
            UserErrorException: the document only names an environment.
        """
        if is_reference(document):
            message = f"environment {document.get('name')} is only named, not defined"
            raise UserErrorException(message, hint="get it from the workspace that knows it")
        return super().from_document(document)


class EnvironmentReference(Section):
    """The name of an environment that a workspace knows, and its version; None: the latest."""

    KEYS: ClassVar = {"name": "name", "version": "version"}

    name: str
    version: str | None

    def __init__(self, name: str, version: str | None = None) -> None:
        super().__init__()
        self.name = name
        self.version = version

    def get_environment(self, workspace: Workspace) -> Environment:
        """Give the environment itself.

        Raises:
            EnvironmentNotFound: the workspace knows none of that name and version.
        """
        return Environment.get(workspace, self.name, self.version)


def _give(environment: Environment, packages: CondaDependencies | None, path: Any) -> Environment:
    """Give an environment the packages of a file; without any it is user-managed: its image has them."""
    if packages is None:
        environment.python.user_managed_dependencies = True
        return environment
    environment.python.conda_dependencies = packages
    environment.directory = os.path.dirname(os.path.abspath(path))
    return environment
