"""localrun runs machine-learning run configurations on your own machine.

What lives here: the version, and the names that users import (`from localrun import Environment`), each found in its
module when it is first asked for, because starting fast is a feature.
"""

__version__ = "0.1.0.dev0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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
