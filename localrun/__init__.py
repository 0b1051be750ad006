"""localrun runs machine-learning run configurations on your own machine.

What lives here: the version, and the names that users import (`from localrun import Environment`), each found in its
module when it is first asked for, because starting fast is a feature.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from localrun.api.conda_dependencies import CondaDependencies as CondaDependencies
    from localrun.api.container_registry import ContainerRegistry as ContainerRegistry
    from localrun.api.container_registry import RegistryIdentity as RegistryIdentity
    from localrun.api.distributed_jobs import DockerConfiguration as DockerConfiguration
    from localrun.api.distributed_jobs import MpiConfiguration as MpiConfiguration
    from localrun.api.distributed_jobs import PyTorchConfiguration as PyTorchConfiguration
    from localrun.api.distributed_jobs import TensorflowConfiguration as TensorflowConfiguration
    from localrun.api.environment import Environment as Environment
    from localrun.api.environment import EnvironmentReference as EnvironmentReference
    from localrun.api.exceptions import ActivityFailedException as ActivityFailedException
    from localrun.api.exceptions import AzureMLException as AzureMLException
    from localrun.api.exceptions import ExperimentExecutionException as ExperimentExecutionException
    from localrun.api.exceptions import RunConfigurationException as RunConfigurationException
    from localrun.api.exceptions import RunEnvironmentException as RunEnvironmentException
    from localrun.api.exceptions import UserErrorException as UserErrorException
    from localrun.api.experiment import Experiment as Experiment
    from localrun.api.keyvault import Keyvault as Keyvault
    from localrun.api.run import Run as Run
    from localrun.api.run_configuration import RunConfiguration as RunConfiguration
    from localrun.api.script_run_config import ScriptRunConfig as ScriptRunConfig
    from localrun.api.sections import DEFAULT_CPU_IMAGE as DEFAULT_CPU_IMAGE
    from localrun.api.sections import DEFAULT_GPU_IMAGE as DEFAULT_GPU_IMAGE
    from localrun.api.sections import DatabricksSection as DatabricksSection
    from localrun.api.sections import DockerBuildContext as DockerBuildContext
    from localrun.api.sections import DockerImagePlatform as DockerImagePlatform
    from localrun.api.sections import DockerSection as DockerSection
    from localrun.api.sections import EggLibrary as EggLibrary
    from localrun.api.sections import JarLibrary as JarLibrary
    from localrun.api.sections import MavenLibrary as MavenLibrary
    from localrun.api.sections import PyPiLibrary as PyPiLibrary
    from localrun.api.sections import PythonSection as PythonSection
    from localrun.api.sections import RCranLibrary as RCranLibrary
    from localrun.api.sections import RCranPackage as RCranPackage
    from localrun.api.sections import RGitHubPackage as RGitHubPackage
    from localrun.api.sections import RSection as RSection
    from localrun.api.sections import SparkPackage as SparkPackage
    from localrun.api.sections import SparkSection as SparkSection
    from localrun.api.workspace import Workspace as Workspace

_SECTIONS = "localrun.api.sections"
_JOBS = "localrun.api.distributed_jobs"
_ERRORS = "localrun.api.exceptions"
_PLACES = {
    "Environment": "localrun.api.environment",
    "EnvironmentReference": "localrun.api.environment",
    "CondaDependencies": "localrun.api.conda_dependencies",
    "ContainerRegistry": "localrun.api.container_registry",
    "RegistryIdentity": "localrun.api.container_registry",
    "DEFAULT_CPU_IMAGE": _SECTIONS,
    "DEFAULT_GPU_IMAGE": _SECTIONS,
    "DatabricksSection": _SECTIONS,
    "DockerBuildContext": _SECTIONS,
    "DockerImagePlatform": _SECTIONS,
    "DockerSection": _SECTIONS,
    "EggLibrary": _SECTIONS,
    "JarLibrary": _SECTIONS,
    "MavenLibrary": _SECTIONS,
    "PyPiLibrary": _SECTIONS,
    "PythonSection": _SECTIONS,
    "RCranLibrary": _SECTIONS,
    "RCranPackage": _SECTIONS,
    "RGitHubPackage": _SECTIONS,
    "RSection": _SECTIONS,
    "SparkPackage": _SECTIONS,
    "SparkSection": _SECTIONS,
    "RunConfiguration": "localrun.api.run_configuration",
    "ScriptRunConfig": "localrun.api.script_run_config",
    "DockerConfiguration": _JOBS,
    "MpiConfiguration": _JOBS,
    "PyTorchConfiguration": _JOBS,
    "TensorflowConfiguration": _JOBS,
    "Experiment": "localrun.api.experiment",
    "Keyvault": "localrun.api.keyvault",
    "Run": "localrun.api.run",
    "Workspace": "localrun.api.workspace",
    "ActivityFailedException": _ERRORS,
    "AzureMLException": _ERRORS,
    "ExperimentExecutionException": _ERRORS,
    "RunConfigurationException": _ERRORS,
    "RunEnvironmentException": _ERRORS,
    "UserErrorException": _ERRORS,
}
"""Each public name, and the module that has it."""

__all__ = sorted(["__version__", *_PLACES])  # noqa: PLE0605 - one table, not two


def __getattr__(name: str) -> "Any":
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> "list[str]":
    return sorted({*globals(), *_PLACES})
