"""How the ranks of a run are made, and the settings of Docker: parts of a run configuration that users make."""

from __future__ import annotations

from typing import Any, ClassVar

from localrun.api.exceptions import RunConfigurationException
from localrun.api.fields import Section

BACKENDS = ("nccl", "gloo")


class MpiConfiguration(Section):
    """Ranks that `mpirun` starts.

    Attributes:
        process_count_per_node: Ranks on each node.
        node_count: How many nodes; `ScriptRunConfig` takes it over into the run configuration.
    """

    KEYS: ClassVar = {
        "process_count_per_node": "processCountPerNode",
        "node_count": "nodeCount",
    }

    process_count_per_node: int
    node_count: int

    def __init__(self, process_count_per_node: int = 1, node_count: int = 1) -> None:
        super().__init__()
        self.process_count_per_node = process_count_per_node
        self.node_count = node_count


class PyTorchConfiguration(Section):
    """Ranks that find one another through `env://`.

    Attributes:
        communication_backend: `nccl` or `gloo`, lower case whatever was given; the script sets up the backend itself.
        process_count: Ranks of all nodes together; None: one on each node.
        node_count: How many nodes; `ScriptRunConfig` takes it over into the run configuration.
    """

    KEYS: ClassVar = {
        "communication_backend": "communicationBackend",
        "process_count": "processCount",
        "node_count": "nodeCount",
    }

    communication_backend: str
    process_count: int | None
    node_count: int

    def __init__(
        self, communication_backend: str = "Nccl", process_count: int | None = None, node_count: int = 1
    ) -> None:
        super().__init__()
        if str(communication_backend).lower() not in BACKENDS:
            message = f"{communication_backend} is not a supported backend."
            message += " 'communication_backend' must be 'Nccl' or 'Gloo'."
            raise RunConfigurationException(message, hint="use MpiConfiguration for MPI")
        self.communication_backend = communication_backend.lower()
        self.process_count = process_count
        self.node_count = node_count


class TensorflowConfiguration(Section):
    """Workers and parameter servers of TensorFlow.

    Attributes:
        worker_count: How many workers; `ScriptRunConfig` takes it over as the number of nodes.
        parameter_server_count: How many parameter servers.
    """

    KEYS: ClassVar = {
        "worker_count": "workerCount",
        "parameter_server_count": "parameterServerCount",
    }

    worker_count: int
    parameter_server_count: int

    def __init__(self, worker_count: int = 1, parameter_server_count: int = 1) -> None:
        super().__init__()
        self.worker_count = worker_count
        self.parameter_server_count = parameter_server_count


class DockerConfiguration(Section):
    """Whether and how a run uses Docker.

    Better than the original: two configurations never share a list of arguments.

    Attributes:
        use_docker: Run in a container.
        shared_volumes: Kept in files; containers always share the run's folder.
        arguments: More arguments for `docker run`.
        shm_size: Size of `/dev/shm`, such as `2g`.
    """

    KEYS: ClassVar = {
        "use_docker": "useDocker",
        "shared_volumes": "sharedVolumes",
        "arguments": "arguments",
        "shm_size": "shmSize",
    }

    use_docker: bool
    shared_volumes: bool
    arguments: list[str]
    shm_size: str | None

    def __init__(
        self,
        use_docker: bool = False,
        shared_volumes: bool = True,
        arguments: list[str] | None = None,
        shm_size: str | None = "2g",
    ) -> None:
        super().__init__()
        self.use_docker = use_docker
        self.shared_volumes = shared_volumes
        self.arguments = list(arguments or [])
        self.shm_size = shm_size


class ParallelTaskConfiguration(Section):
    """Settings of a parallel task; kept in files, not run here."""

    KEYS: ClassVar = {
        "max_retries_per_worker": "maxRetriesPerWorker",
        "worker_count_per_node": "workerCountPerNode",
        "terminal_exit_codes": "terminalExitCodes",
    }

    max_retries_per_worker: int
    worker_count_per_node: int
    terminal_exit_codes: Any

    def __init__(self) -> None:
        super().__init__()
        self.max_retries_per_worker = 0
        self.worker_count_per_node = 1
        self.terminal_exit_codes = None
