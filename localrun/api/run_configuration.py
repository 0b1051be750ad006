"""`RunConfiguration`: script or command, environment, and everything else about a run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

from localrun.adapters.files import Reading
from localrun.adapters.folders import write_folder
from localrun.api.distributed_jobs import (
    DockerConfiguration,
    MpiConfiguration,
    ParallelTaskConfiguration,
    PyTorchConfiguration,
    TensorflowConfiguration,
)
from localrun.api.environment import Environment, EnvironmentReference
from localrun.api.exceptions import RunConfigurationException, UserErrorException
from localrun.api.fields import Section
from localrun.api.notices import tell
from localrun.api.run_sections import (
    AmlComputeConfiguration,
    HdiConfiguration,
    HistoryConfiguration,
    KubernetesComputeConfiguration,
    SparkConfiguration,
)
from localrun.errors import BadInput
from localrun.formats.runconfig import (
    ENDING,
    FOLDERS,
    find_run_configuration,
    list_unwritten,
    name_folder,
    read_run_configuration,
    write_run_configuration,
)
from localrun.formats.runconfig_keys import RUN_CONFIGURATION, complete
from localrun.formats.runconfig_spec import spec_of_runconfig
from localrun.formats.v1_environment import is_reference
from localrun.formats.yaml_comments import keep_comments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Self

    from localrun.spec import EnvironmentSpec, RunSpec

DEFAULT_ENVIRONMENT = "default-environment"


class RunConfiguration(Section):
    """Everything about a run but its source folder.

    Better than the original: a file inside `.azureml` loads by its own path, what cannot be read says file, line and
    key, a failed `save` leaves what was there before, and `save` makes the folder that it needs.

    Attributes:
        script: The Python script, relative to the source folder; None for a command.
        arguments: The script's arguments: texts and numbers; `$NAME` becomes the variable of the rank that starts.
        command: A bash program instead of a script; a list is joined by blanks, without quotes.
        framework: Kept in files; `communicator` says how ranks are made.
        communicator: `None`, `nccl` or `gloo` (PyTorch), `IntelMpi` or `OpenMpi`, `ParameterServer` (TensorFlow).
        max_run_duration_seconds: After so many seconds the run is ended; None: never.
        node_count: How many nodes.
        environment: What to run in; `load` gives an `EnvironmentReference` where a file names a registered one.
        environment_variables: Variables of the run; they win over those of the environment.
        history: What is kept, and whether the run works in a snapshot.
        docker: Whether and how Docker is used.
        data_references, data, datacaches, output_data: Data in the cloud as in the file; noted, not used here.
    """

    KEYS: ClassVar = {
        "script": "script",
        "arguments": "arguments",
        "target": "target",
        "framework": "framework",
        "communicator": "communicator",
        "max_run_duration_seconds": "maxRunDurationSeconds",
        "node_count": "nodeCount",
        "priority": "priority",
        "environment": "environment",
        "history": "history",
        "spark": "spark",
        "docker": "docker",
        "hdi": "hdi",
        "tensorflow": "tensorflow",
        "mpi": "mpi",
        "pytorch": "pytorch",
        "paralleltask": "paralleltask",
        "data_references": "dataReferences",
        "data": "data",
        "datacaches": "datacaches",
        "output_data": "outputData",
        "source_directory_data_store": "sourceDirectoryDataStore",
        "amlcompute": "amlcompute",
        "auto_cluster_compute_specification": "autoClusterComputeSpecification",
        "kubernetescompute": "kubernetescompute",
        "credential_passthrough": "credentialPassthrough",
        "command": "command",
        "environment_variables": "environmentVariables",
        "services": "applicationEndpoints",
    }
    PARTS: ClassVar = {
        "history": HistoryConfiguration,
        "spark": SparkConfiguration,
        "docker": DockerConfiguration,
        "hdi": HdiConfiguration,
        "tensorflow": TensorflowConfiguration,
        "mpi": MpiConfiguration,
        "pytorch": PyTorchConfiguration,
        "paralleltask": ParallelTaskConfiguration,
        "amlcompute": AmlComputeConfiguration,
        "kubernetescompute": KubernetesComputeConfiguration,
    }

    script: str | None
    arguments: list[Any] | str
    command: list[str] | str
    framework: str
    communicator: str
    max_run_duration_seconds: int | None
    node_count: int
    priority: int | None
    environment: Environment | EnvironmentReference
    environment_variables: dict[str, Any]
    history: HistoryConfiguration
    spark: SparkConfiguration
    docker: DockerConfiguration
    hdi: HdiConfiguration
    tensorflow: TensorflowConfiguration
    mpi: MpiConfiguration
    pytorch: PyTorchConfiguration
    paralleltask: ParallelTaskConfiguration
    amlcompute: AmlComputeConfiguration
    kubernetescompute: KubernetesComputeConfiguration
    _path = ""
    _name = ""
    _loaded = b""

    def __init__(
        self,
        script: str | None = None,
        arguments: list[Any] | None = None,
        framework: str | None = None,
        communicator: str | None = None,
        conda_dependencies: Any = None,
        *,
        command: list[str] | str | None = None,
    ) -> None:
        super().__init__()
        for name, key in self.KEYS.items():
            if key != "environment":
                self._take(name, complete({}, RUN_CONFIGURATION)[key])
        self.script = script
        self.arguments = arguments or []
        self.command = command or ""
        self.framework = framework or "Python"
        self.communicator = communicator or "None"
        self.environment = Environment(DEFAULT_ENVIRONMENT)
        if conda_dependencies is not None:
            self.environment.python.conda_dependencies = conda_dependencies

    @property
    def target(self) -> str:
        """Where to run: `local`, or the name of a cluster; a compute target is known by its name."""
        return str(self._target)

    @target.setter
    def target(self, given: Any) -> None:
        self._target = getattr(given, "name", given) or ""

    def to_document(self) -> dict[str, Any]:
        """Give its document: every key of a `.runconfig`, the environment's packages inline."""
        if not hasattr(self.environment, "to_document"):
            message = f"'environment' must be an 'Environment' object. Found {type(self.environment)}."
            raise RunConfigurationException(message, hint="get one with Environment.get(workspace, name)")
        return super().to_document() | {"environment": self.environment.to_document()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Make one from a document, whole or in part."""
        made = super().from_document(complete(dict(document), RUN_CONFIGURATION))
        given = document.get("environment")
        if given is None:
            made.environment = Environment(DEFAULT_ENVIRONMENT)
        else:
            made.environment = (EnvironmentReference if is_reference(given) else Environment).from_document(given)
        return made

    def to_spec(
        self, directory: str = ".", *, find_environment: Callable[[str, str], EnvironmentSpec] | None = None
    ) -> RunSpec:
        """Give what it asks for, with `directory` as the source folder.

        Args:
            directory: The source folder.
            find_environment: Gives a registered environment by its name and version.

        Raises:
            BadInput: it contradicts itself, or asks for what cannot be done here.
        """
        return self.spec_of(self.to_document(), os.path.abspath(directory), find_environment=find_environment)

    def spec_of(
        self,
        document: dict[str, Any],
        directory: str,
        *,
        find_environment: Callable[[str, str], EnvironmentSpec] | None,
    ) -> RunSpec:
        """Give what a document made of this one asks for; see `to_spec`."""
        return spec_of_runconfig(
            document,
            directory=directory,
            packages=getattr(self.environment, "directory", ""),
            read=Reading().read,
            find_environment=find_environment,
        )

    @classmethod
    def load(cls, path: str, name: str | None = None) -> Self:
        """Load one: a file, or `name` in the folder of a project, with or without `.runconfig`.

        Raises:
            UserErrorException: it is not there.
            BadInput: it cannot be read.
        """
        reading = Reading()
        try:
            file = find_run_configuration(os.fspath(path), name or "", look=reading.look)
        except BadInput as error:
            raise UserErrorException(error.message, hint=error.hint) from None
        by_name = not os.path.isfile(path)
        data = _read(file, reading)
        found = read_run_configuration(
            data, file=file, read=reading.read, project=os.fspath(path) if by_name and name else ""
        )
        tell(found.notes)
        made = cls.from_document(found.document)
        made.__dict__.update(_path=os.fspath(path), _name=os.path.basename(file) if by_name else "", _loaded=data)
        if not is_reference(found.document["environment"]):
            made.environment.directory = found.packages
        return made

    def save(
        self,
        path: str | None = None,
        name: str | None = None,
        separate_environment_yaml: bool = False,
    ) -> None:
        """Save it, with its conda file beside it; comments of the file that it was loaded from stay.

        Args:
            path: The folder of a project (then it goes to `.azureml` in it, or to `aml_config` where that is there),
                or a file; None: where it was loaded from, else the working directory.
            name: Its name in the project's folder, used as it is; None: the name that it was loaded by.
            separate_environment_yaml: Write the environment to `environment.yml`, a file of its own.

        Raises:
            UserErrorException: it has no name, or one that leads out of its folder.
            StoreFailed: a file cannot be written.
        """
        project, folder, own = _choose_place(path or self._path or ".", name or self._name)
        document = self.to_document()
        conda_file = _find_conda_file(document, folder)
        files = write_run_configuration(
            document, folder=folder, conda_file=conda_file, separate_environment=separate_environment_yaml
        )
        files[folder + own] = keep_comments(self._loaded, files.pop(""))
        for place in dict.fromkeys(map(os.path.dirname, files)):
            here = {os.path.basename(item): data for item, data in files.items() if os.path.dirname(item) == place}
            write_folder(os.path.join(project, place), here, overwrite=True)
        tell(list_unwritten(document))

    @staticmethod
    def delete(path: str, name: str) -> None:
        """Remove `name`, or `name.runconfig`, from the folders of a project.

        Raises:
            UserErrorException: none of them has it.
        """
        names = (_check_name(name), name + ENDING)
        places = [os.path.join(os.path.abspath(path), folder, item) for folder in FOLDERS for item in names]
        found = [place for place in places if os.path.isfile(place)]
        if not found:
            raise UserErrorException(f"Run config {name} not found in {path}", hint=f"looked for {', '.join(places)}")
        for place in found:
            os.unlink(place)


def _read(file: str, reading: Reading) -> bytes:
    try:
        return reading.read(file)
    except OSError as error:
        raise BadInput(error.strerror or str(error), file=file, hint="check the file's permissions") from None


def _choose_place(path: str, name: str) -> tuple[str, str, str]:
    """Give the project's folder, the folder in it that gets the file, and the file's name."""
    whole = os.path.abspath(path)
    reading = Reading()
    kind = reading.look(whole)
    if kind == "folder":
        return whole, name_folder(whole, look=reading.look) + "/", _check_name(name)
    if kind == "missing" and not whole.endswith(ENDING) and not os.path.splitext(whole)[1]:
        raise UserErrorException(f"{path} does not exist", hint="name a folder that is there, or a file to write")
    return os.path.dirname(whole), "", os.path.basename(whole)


def _check_name(name: str) -> str:
    if not name:
        hint = "give a name: config.save(path, name)"
        raise UserErrorException("Cannot save a runconfig without a name specified", hint=hint)
    if os.path.basename(name) != name or name in {".", ".."} or not name.isprintable():
        raise UserErrorException(f"{name!r} cannot be the name of a run configuration", hint="use a plain file name")
    return name


def _find_conda_file(document: dict[str, Any], folder: str) -> str:
    """Give the name of the conda file that the environment asks for, where it lies in the project; else nothing."""
    python = document["environment"].get("python") or {}
    named = os.path.normpath(python.get("condaDependenciesFile") or ".")
    place = os.path.dirname(named)
    if named == "." or os.path.isabs(named) or place.startswith("..") or (place in FOLDERS and place + "/" != folder):
        return ""
    return named if folder or not place else ""
