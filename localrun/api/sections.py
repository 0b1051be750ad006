"""The sections of an environment: what it is made of, part by part.

Better than the originals: a mistyped attribute is an error in every one of them, a Dockerfile's path that does not
exist is an error instead of the Dockerfile's text, and a registry may be given as its address alone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

from localrun.api.conda_dependencies import CondaDependencies
from localrun.api.container_registry import ContainerRegistry
from localrun.api.docker_values import read_dockerfile, take_image
from localrun.api.exceptions import UserErrorException
from localrun.api.fields import Section
from localrun.api.libraries import (
    EggLibrary,
    JarLibrary,
    MavenLibrary,
    PyPiLibrary,
    RCranLibrary,
    RCranPackage,
    RGitHubPackage,
    SparkPackage,
)
from localrun.api.notices import tell

if TYPE_CHECKING:
    from typing_extensions import Self

DEFAULT_CPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1"
"""The base image of a new environment, as azureml-core 1.61 has it."""
DEFAULT_GPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04"

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "DatabricksSection",
    "DockerBuildContext",
    "DockerImagePlatform",
    "DockerSection",
    "EggLibrary",
    "JarLibrary",
    "MavenLibrary",
    "PyPiLibrary",
    "PythonSection",
    "RCranLibrary",
    "RCranPackage",
    "RGitHubPackage",
    "RSection",
    "SparkPackage",
    "SparkSection",
]


class PythonSection(Section):
    """The Python packages of an environment, or the interpreter of one that the user has made.

    Attributes:
        user_managed_dependencies: The interpreter has what the script needs; nothing is installed.
        interpreter_path: The interpreter, used when `user_managed_dependencies` is set.
        conda_dependencies: What to install otherwise; None: nothing is said.
        conda_dependencies_file: Deprecated by Azure ML; kept in files and not followed.
        base_conda_environment: Of no use here; kept in files.
    """

    KEYS: ClassVar = {
        "user_managed_dependencies": "userManagedDependencies",
        "interpreter_path": "interpreterPath",
        "conda_dependencies_file": "condaDependenciesFile",
        "base_conda_environment": "baseCondaEnvironment",
        "conda_dependencies": "condaDependencies",
    }
    PARTS: ClassVar = {"conda_dependencies": CondaDependencies}

    user_managed_dependencies: bool
    interpreter_path: str
    conda_dependencies_file: str | None
    base_conda_environment: str | None

    def __init__(self, _skip_defaults: bool = False) -> None:
        super().__init__()
        self.user_managed_dependencies = False
        self.interpreter_path = "python"
        self.conda_dependencies_file = None
        self.base_conda_environment = None
        self.conda_dependencies = None if _skip_defaults else CondaDependencies()

    @property
    def conda_dependencies(self) -> CondaDependencies | None:
        """What to install."""
        return self._conda_dependencies

    @conda_dependencies.setter
    def conda_dependencies(self, given: Any) -> None:
        if given is not None and not isinstance(given, CondaDependencies):
            hint = "make one with CondaDependencies(path) or CondaDependencies.create(…)"
            raise UserErrorException(f"conda_dependencies takes a CondaDependencies, not {given!r}", hint=hint)
        self._conda_dependencies = given


class DockerImagePlatform(Section):
    """What an image is made for."""

    KEYS: ClassVar = {"os": "os", "architecture": "architecture"}

    os: str
    architecture: str

    def __init__(self) -> None:
        super().__init__()
        self.os = "Linux"
        self.architecture = "amd64"


class DockerBuildContext(Section):
    """A folder with a Dockerfile that an image is built from.

    Attributes:
        location_type: `git` or `storageAccount`.
        location: Its address; of a folder on this machine a `file://` URL.
        dockerfile_path: The Dockerfile, relative to it.
    """

    class LocationType:
        """Where a build context may lie."""

        Git = "git"
        StorageAccount = "storageAccount"

    KEYS: ClassVar = {"location_type": "locationType", "location": "location", "dockerfile_path": "dockerfilePath"}

    location_type: str | None
    location: str | None
    dockerfile_path: str

    def __init__(
        self, location_type: str | None = None, location: str | None = None, dockerfile_path: str = "Dockerfile"
    ) -> None:
        super().__init__()
        if location_type not in {None, self.LocationType.Git, self.LocationType.StorageAccount}:
            message = f"{location_type!r} is not a valid DockerBuildContext.LocationType"
            raise UserErrorException(message, hint="use git or storageAccount")
        self.location_type = location_type
        self.location = location
        self.dockerfile_path = dockerfile_path

    @classmethod
    def from_local_directory(
        cls, workspace: object, path: str | os.PathLike[str], dockerfile_path: str = "Dockerfile"
    ) -> Self:
        """Make one of a folder on this machine, which stays where it is.

        Args:
            workspace: Not used: nothing has to be uploaded.
            path: The folder.
            dockerfile_path: The Dockerfile, relative to it.

        Raises:
            UserErrorException: there is no such folder, or no such Dockerfile in it.
        """
        del workspace
        folder = os.path.abspath(path)
        if not os.path.isdir(folder):
            raise UserErrorException(f"{os.fspath(path)} is not a valid directory.", hint="name a folder")
        if not os.listdir(folder):
            raise UserErrorException(f"No files found in {os.fspath(path)}.", hint="put a Dockerfile into it")
        if not os.path.isfile(os.path.join(folder, dockerfile_path)):
            hint = "give dockerfile_path, relative to the folder"
            raise UserErrorException(f"there is no {dockerfile_path} in {os.fspath(path)}", hint=hint)
        from urllib.parse import quote

        return cls(cls.LocationType.StorageAccount, f"file://{quote(folder)}", dockerfile_path)


class DockerSection(Section):
    """The image of an environment, and settings of its container that Azure ML has moved to the run configuration.

    Of `base_image`, `base_dockerfile` and `build_context` one counts: setting one takes back the other two.

    Attributes:
        enabled: Deprecated: whether to run in a container; `DockerConfiguration.use_docker` says so now.
        shared_volumes: Deprecated, as `enabled`.
        shm_size: Deprecated, as `enabled`.
        arguments: Deprecated, as `enabled`.
        platform: What the image is made for.
    """

    KEYS: ClassVar = {
        "enabled": "enabled",
        "base_image": "baseImage",
        "base_dockerfile": "baseDockerfile",
        "build_context": "buildContext",
        "shared_volumes": "sharedVolumes",
        "shm_size": "shmSize",
        "arguments": "arguments",
        "base_image_registry": "baseImageRegistry",
        "platform": "platform",
    }
    PARTS: ClassVar = {
        "build_context": DockerBuildContext,
        "base_image_registry": ContainerRegistry,
        "platform": DockerImagePlatform,
    }

    enabled: bool
    shared_volumes: bool
    shm_size: str | None
    arguments: list[Any]
    platform: DockerImagePlatform

    def __init__(self, _skip_defaults: bool = False) -> None:
        super().__init__()
        self._base_image: str | None = None if _skip_defaults else DEFAULT_CPU_IMAGE
        self._base_dockerfile: str | None = None
        self._build_context: DockerBuildContext | None = None
        self._base_image_registry = ContainerRegistry()
        self.enabled = False
        self.shared_volumes = True
        self.shm_size = None if _skip_defaults else "2g"
        self.arguments = []
        self.platform = DockerImagePlatform()

    @property
    def base_image(self) -> str | None:
        """The image, without the address of its registry; None when a Dockerfile or build context counts."""
        return self._base_image

    @base_image.setter
    def base_image(self, given: str | None) -> None:
        image = take_image(given)
        if image:
            self._take_back("base_image", "base_dockerfile", "build_context")
        self._base_image = image

    @property
    def base_dockerfile(self) -> str | None:
        """The text of the Dockerfile; set it as text, as the path of a file, or as an open file."""
        return self._base_dockerfile

    @base_dockerfile.setter
    def base_dockerfile(self, given: Any) -> None:
        text = read_dockerfile(given)
        if text:
            self._take_back("base_dockerfile", "base_image", "build_context")
        self._base_dockerfile = text

    @property
    def build_context(self) -> DockerBuildContext | None:
        """The folder that the image is built from."""
        return self._build_context

    @build_context.setter
    def build_context(self, given: DockerBuildContext | None) -> None:
        if given is not None:
            self._take_back("build_context", "base_image", "base_dockerfile")
        self._build_context = given

    @property
    def base_image_registry(self) -> ContainerRegistry:
        """The registry that the image is pulled from; a text is taken as its address."""
        return self._base_image_registry

    @base_image_registry.setter
    def base_image_registry(self, given: Any) -> None:
        if isinstance(given, str) or given is None:
            address, given = given, ContainerRegistry()
            given.address = address
        if not isinstance(given, ContainerRegistry):
            message = f"base_image_registry takes a ContainerRegistry or an address, not {given!r}"
            raise UserErrorException(message, hint="set base_image_registry.address")
        self._base_image_registry = given

    @property
    def gpu_support(self) -> bool:
        """Always True, as in the original, which has deprecated it; setting it has no effect."""
        return True

    @gpu_support.setter
    def gpu_support(self, given: bool) -> None:
        del given

    def _take_back(self, chosen: str, *others: str) -> None:
        for other in others:
            if getattr(self, f"_{other}"):
                tell([f"Property {chosen} is mutually exclusive with {other}. Reset {other} to None"])
                setattr(self, f"_{other}", None)


class SparkSection(Section):
    """The Spark packages of an environment."""

    KEYS: ClassVar = {"repositories": "repositories", "packages": "packages", "precache_packages": "precachePackages"}
    PARTS: ClassVar = {"packages": SparkPackage}

    repositories: list[str]
    packages: list[SparkPackage]
    precache_packages: bool

    def __init__(self) -> None:
        super().__init__()
        self.repositories = []
        self.packages = []
        self.precache_packages = True


class DatabricksSection(Section):
    """The libraries of an environment on Databricks; kept in files, of no use here.

    Attributes:
        cluster: A cluster of Databricks; never written, as in the original.
    """

    KEYS: ClassVar = {
        "maven_libraries": "mavenLibraries",
        "pypi_libraries": "pypiLibraries",
        "rcran_libraries": "rcranLibraries",
        "jar_libraries": "jarLibraries",
        "egg_libraries": "eggLibraries",
    }
    PARTS: ClassVar = {
        "maven_libraries": MavenLibrary,
        "pypi_libraries": PyPiLibrary,
        "rcran_libraries": RCranLibrary,
        "jar_libraries": JarLibrary,
        "egg_libraries": EggLibrary,
    }

    maven_libraries: list[MavenLibrary]
    pypi_libraries: list[PyPiLibrary]
    rcran_libraries: list[RCranLibrary]
    jar_libraries: list[JarLibrary]
    egg_libraries: list[EggLibrary]
    cluster: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.maven_libraries = []
        self.pypi_libraries = []
        self.rcran_libraries = []
        self.jar_libraries = []
        self.egg_libraries = []


class RSection(Section):
    """The R packages of an environment; kept in files, of no use here yet."""

    KEYS: ClassVar = {
        "r_version": "rVersion",
        "user_managed": "userManaged",
        "rscript_path": "rscriptPath",
        "snapshot_date": "snapshotDate",
        "cran_packages": "cranPackages",
        "github_packages": "githubPackages",
        "custom_url_packages": "customUrlPackages",
        "bioconductor_packages": "bioconductorPackages",
    }
    PARTS: ClassVar = {"cran_packages": RCranPackage, "github_packages": RGitHubPackage}

    r_version: str | None
    user_managed: bool
    rscript_path: str | None
    snapshot_date: str | None
    cran_packages: list[RCranPackage] | None
    github_packages: list[RGitHubPackage] | None
    custom_url_packages: list[str] | None
    bioconductor_packages: list[str] | None

    def __init__(self) -> None:
        super().__init__()
        self.r_version = None
        self.user_managed = False
        self.rscript_path = None
        self.snapshot_date = None
        self.cran_packages = None
        self.github_packages = None
        self.custom_url_packages = None
        self.bioconductor_packages = None
