"""The smaller sections of a run configuration."""

from __future__ import annotations

from typing import Any, ClassVar

from localrun.api.fields import Section


class HistoryConfiguration(Section):
    """What a run leaves behind.

    Attributes:
        output_collection: Kept in files; here `outputs/` and `logs/` always belong to the run's record.
        snapshot_project: Work in a snapshot of the source folder; False: in the folder itself.
        directories_to_watch: Kept in files.
    """

    KEYS: ClassVar = {
        "output_collection": "outputCollection",
        "snapshot_project": "snapshotProject",
        "directories_to_watch": "directoriesToWatch",
        "_ambient_authentication": "ambientAuthentication",
    }

    output_collection: bool
    snapshot_project: bool
    directories_to_watch: list[str]

    def __init__(self) -> None:
        super().__init__()
        self.output_collection = True
        self.snapshot_project = True
        self.directories_to_watch = ["logs"]
        self._ambient_authentication: Any = None


class SparkConfiguration(Section):
    """Settings of Spark, by their own names; kept in files."""

    KEYS: ClassVar = {"configuration": "configuration"}

    configuration: dict[str, Any]

    def __init__(self) -> None:
        super().__init__()
        self.configuration = {"spark.app.name": "Azure ML Experiment", "spark.yarn.maxAppAttempts": 1}


class HdiConfiguration(Section):
    """Settings of an HDInsight cluster; kept in files."""

    KEYS: ClassVar = {"yarn_deploy_mode": "yarnDeployMode"}

    yarn_deploy_mode: str

    def __init__(self) -> None:
        super().__init__()
        self.yarn_deploy_mode = "cluster"


class AmlComputeConfiguration(Section):
    """A cluster to be made for a run; kept in files, only the cloud makes it."""

    KEYS: ClassVar = {
        "vm_size": "vmSize",
        "vm_priority": "vmPriority",
        "_retain_cluster": "retainCluster",
        "_name": "name",
        "_cluster_max_node_count": "clusterMaxNodeCount",
    }

    vm_size: str | None
    vm_priority: str | None

    def __init__(self) -> None:
        super().__init__()
        self.vm_size = None
        self.vm_priority = None
        self._retain_cluster = False
        self._name: str | None = None
        self._cluster_max_node_count: int | None = None


class KubernetesComputeConfiguration(Section):
    """What to take on a Kubernetes cluster; kept in files."""

    KEYS: ClassVar = {"instance_type": "instanceType"}

    instance_type: str | None

    def __init__(self) -> None:
        super().__init__()
        self.instance_type = None
