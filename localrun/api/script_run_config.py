"""`ScriptRunConfig`: a source folder, what to run in it, and the run configuration that goes with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from localrun.api.distributed_jobs import (
    DockerConfiguration,
    MpiConfiguration,
    PyTorchConfiguration,
    TensorflowConfiguration,
)
from localrun.api.environment import Environment
from localrun.api.exceptions import ExperimentExecutionException, RunConfigurationException, UserErrorException
from localrun.api.notices import tell
from localrun.api.run_configuration import RunConfiguration
from localrun.formats.nodes import nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.spec import EnvironmentSpec, RunSpec

LONGEST_S = 30 * 24 * 3600
_ATTRIBUTES = ("source_directory", "script", "arguments", "command", "run_config")
_JOBS = (TensorflowConfiguration, MpiConfiguration, PyTorchConfiguration)


class ScriptRunConfig:
    """What `Experiment.submit` takes: a source folder with a script or a command, and a run configuration.

    Better than the original: a mistyped attribute is refused, and so is a script that is not there, before anything is
    built.

    Attributes:
        source_directory: The folder whose snapshot the run works in.
        script: The Python script, relative to it.
        arguments: The script's arguments: texts and numbers; `$NAME` becomes the variable of the rank that starts.
        command: A bash program instead of a script; a list is joined by blanks, without quotes.
        run_config: Everything else; script, arguments and command of this object win over its own.
    """

    MAX_DURATION_SECONDS_DEFAULT = LONGEST_S

    source_directory: str
    script: str | None
    arguments: list[Any] | str | None
    command: list[str] | str | None
    run_config: RunConfiguration

    def __init__(  # noqa: PLR0913, PLR0917 - the original's signature
        self,
        source_directory: str | os.PathLike[str],
        script: str | None = None,
        arguments: list[Any] | str | None = None,
        run_config: RunConfiguration | None = None,
        _telemetry_values: Any = None,
        compute_target: Any = None,
        environment: Environment | None = None,
        distributed_job_config: MpiConfiguration | PyTorchConfiguration | TensorflowConfiguration | None = None,
        resume_from: Any = None,
        max_run_duration_seconds: int | None = LONGEST_S,
        command: list[str] | str | None = None,
        docker_runtime_config: DockerConfiguration | None = None,
        *,
        target: Any = None,
    ) -> None:
        """Make one.

        Args:
            source_directory: The folder with the code.
            script: The script, relative to it.
            arguments: Its arguments.
            run_config: A run configuration; beside it only script, arguments and command count then.
            compute_target: `local`, which is the default, or the name of a cluster, which is noted and run here.
            environment: What to run in; None: the default environment.
            distributed_job_config: How ranks are made.
            resume_from: Only Azure ML can resume from a data path.
            max_run_duration_seconds: After so many seconds the run is ended; thirty days, the default, is never here.
            command: A bash program, or its words, instead of script and arguments.
            docker_runtime_config: Whether and how Docker is used.
            target: What `compute_target` was called before.

        Raises:
            RunConfigurationException: an argument is of the wrong class.
            UserErrorException: `resume_from` is given.
        """
        del _telemetry_values
        self.source_directory = os.fspath(source_directory)
        self.script = script
        self.arguments = arguments
        self.command = command
        if resume_from is not None:
            message = f"resume_from parameter should be of type DataPath. Found {type(resume_from)}."
            raise UserErrorException(message, hint="pass the path of the checkpoint among the arguments")
        others = (compute_target or target, environment, distributed_job_config, docker_runtime_config)
        if run_config is None:
            self._make_run_config(*others, max_run_duration_seconds)
        else:
            self._take_run_config(run_config, ignored=max_run_duration_seconds != LONGEST_S or any(others))

    def __setattr__(self, name: str, item: Any) -> None:
        if name not in _ATTRIBUTES:
            near = nearest(name, _ATTRIBUTES)
            raise AttributeError(f"{type(self)} has no attribute {name}" + (f"; did you mean {near}?" if near else ""))
        super().__setattr__(name, item)

    def __repr__(self) -> str:
        return f"ScriptRunConfig({', '.join(f'{name}={getattr(self, name)!r}' for name in _ATTRIBUTES[:4])})"

    def _make_run_config(self, target: Any, environment: Any, job: Any, docker: Any, longest_s: int | None) -> None:
        self.run_config = RunConfiguration()
        self.run_config.target = target or "local"
        self.run_config.max_run_duration_seconds = longest_s
        if environment is not None:
            self._take_environment(environment)
        if docker is not None:
            self._take_docker(docker)
        if job is not None:
            self._take_job(job)

    def _take_run_config(self, run_config: Any, *, ignored: bool) -> None:
        self.run_config = _check_run_config(run_config)
        if ignored:
            names = "'compute_target', 'environment', 'distributed_job_config', 'max_run_duration_seconds', and "
            names += "'docker_runtime_config'"
            tell([f"If 'run_config' is specified, the following parameters will be ignored: {names}."])
        for name in ("script", "arguments", "command"):
            theirs = getattr(run_config, name)
            if theirs and getattr(self, name):
                tell([f"'{name}' is given here and in 'run_config'; the one given here takes precedence."])
            elif theirs:
                setattr(self, name, theirs)

    def _take_environment(self, environment: object) -> None:
        if not isinstance(environment, Environment):
            message = f"'environment' must be an 'Environment' object. Found {type(environment)}."
            raise RunConfigurationException(message, hint="get one with Environment.get(workspace, name)")
        self.run_config.environment = environment
        if older := environment.docker:
            self.run_config.docker = DockerConfiguration(
                use_docker=older.enabled,
                shared_volumes=older.shared_volumes,
                arguments=older.arguments,
                shm_size=older.shm_size,
            )

    def _take_docker(self, docker: object) -> None:
        if not isinstance(docker, DockerConfiguration):
            message = "'docker_runtime_config' must be a 'DockerConfiguration' object."
            raise RunConfigurationException(message, hint="write DockerConfiguration(use_docker=True)")
        self.run_config.docker = docker

    def _take_job(self, job: object) -> None:
        config = self.run_config
        if not isinstance(job, _JOBS):
            names = [f"'azureml.core.runconfig.{kind.__name__}'" for kind in _JOBS]
            message = f"'distributed_job_config' must be an {names[0]}, {names[1]}, or {names[2]} object."
            raise RunConfigurationException(message, hint="write MpiConfiguration(…) or PyTorchConfiguration(…)")
        if isinstance(job, TensorflowConfiguration):
            config.node_count = job.worker_count
            config.tensorflow, config.framework, config.communicator = job, "TensorFlow", "ParameterServer"
        elif isinstance(job, MpiConfiguration):
            config.node_count = job.node_count
            config.mpi, config.framework, config.communicator = job, "Python", "IntelMpi"
        else:
            config.node_count = job.node_count
            config.pytorch, config.framework, config.communicator = job, "PyTorch", job.communication_backend

    def to_document(self) -> dict[str, Any]:
        """Give the document of the run configuration with this object's script, arguments and command in it."""
        own = {"script": self.script, "arguments": self.arguments or [], "command": self.command or ""}
        return self._get_run_config().to_document() | own

    def _get_run_config(self) -> RunConfiguration:
        _check_run_config(self.run_config)
        if not self.run_config.target:
            message = "Must specify a target either through run configuration or arguments."
            raise ExperimentExecutionException(message, hint="write compute_target='local'")
        return self.run_config

    def to_spec(self, *, find_environment: Callable[[str, str], EnvironmentSpec] | None = None) -> RunSpec:
        """Give what it asks for.

        Args:
            find_environment: Gives a registered environment by its name and version.

        Raises:
            ExperimentExecutionException: the source folder or the script is not there, or there is no target.
            BadInput: it contradicts itself, or asks for what cannot be done here.
        """
        folder = os.path.abspath(self.source_directory)
        if not os.path.isdir(folder):
            hint = "check source_directory"
            raise ExperimentExecutionException(f"{folder} source directory doesn't exist.", hint=hint)
        script: Any = self.script
        if script and not isinstance(script, str | os.PathLike):
            message = f"script takes a path, not {script!r}"
            raise ExperimentExecutionException(message, hint="write its path, relative to source_directory")
        if self.script:
            path = os.path.normpath(os.path.join(folder, self.script))
            if not os.path.exists(path):
                message = f"{path} script path doesn't exist. The script should be inside the project folder"
                raise ExperimentExecutionException(message, hint="check script, which is relative to source_directory")
        document = self.to_document()
        return self._get_run_config().spec_of(document, folder, find_environment=find_environment)


def _check_run_config(given: object) -> RunConfiguration:
    if not isinstance(given, RunConfiguration):
        message = f"'run_config' must be a 'RunConfiguration' object. Found {type(given)}."
        raise RunConfigurationException(message, hint="load one with RunConfiguration.load(path, name)")
    return given
