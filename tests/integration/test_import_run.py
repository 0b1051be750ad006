"""Runs of Azure ML, as they are downloaded, run here."""

from __future__ import annotations

import json
import os
import sys

import pytest

DEFINITION = {
    "script": "train.py", "command": "", "useAbsolutePath": False, "arguments": ["--epochs", "3"],
    "sourceDirectoryDataStore": None, "framework": "Python", "communicator": "None", "target": "gpu-cluster",
    "dataReferences": {}, "data": {"d": {"dataLocation": {"dataset": {"id": "1"}}, "mechanism": "Mount"}},
    "outputData": {}, "datacaches": [], "jobName": None, "maxRunDurationSeconds": 600, "nodeCount": 1,
    "instanceTypes": [], "priority": None, "credentialPassthrough": False, "identity": None,
    "environment": {
        "name": "e", "version": "3", "assetId": "azureml://x",
        "python": {"interpreterPath": sys.executable, "userManagedDependencies": True, "condaDependencies": None},
        "environmentVariables": {"FROM": "environment"},
        "docker": {"baseImage": "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04", "platform": {"os": "Linux", "architecture": "amd64"},
                   "baseDockerfile": None, "baseImageRegistry": {"address": None, "username": None, "password": None}},
        "spark": {"repositories": [], "packages": [], "precachePackages": True}, "inferencingStackVersion": None,
    },
    "history": {"outputCollection": True, "directoriesToWatch": ["logs"], "enableMLflowTracking": True},
    "spark": {"configuration": {}}, "parallelTask": {"maxRetriesPerWorker": 0, "workerCountPerNode": 1},
    "amlCompute": {"name": None, "vmSize": "STANDARD_NC6", "retainCluster": False, "clusterMaxNodeCount": None},
    "tensorflow": {"workerCount": 1, "parameterServerCount": 1}, "mpi": {"processCountPerNode": 1},
    "pyTorch": {"communicationBackend": "nccl", "processCount": None}, "hdi": {"yarnDeployMode": "Cluster"},
    "containerInstance": {"region": None, "cpuCores": 2.0, "memoryGb": 3.5},
    "docker": {"useDocker": False, "sharedVolumes": True, "shmSize": "2g", "arguments": []},
    "environmentVariables": {"A": "1"}, "applicationEndpoints": {},
}  # fmt: skip
SCRIPT = "import os, sys; print(sys.argv[1:], os.environ['A'], os.environ.get('FROM'))"
JOB = """\
$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
type: command
name: calm_drain_1
status: Completed
command: cat ${{inputs.text}}; echo; cat data.txt
code: azureml:/subscriptions/1/codes/2/versions/1
environment: azureml:e:3
compute: azureml:gpu-cluster
inputs:
  text: {type: uri_file, path: azureml://datastores/d/paths/x}
outputs:
  default: {type: uri_folder, path: azureml://datastores/d/outputs}
resources: {instance_count: 1, instance_type: STANDARD_NC6}
services: {Studio: {endpoint: https://ml.azure.com}}
"""


@pytest.fixture
def folder(localrun):
    os.makedirs(os.path.join(localrun.source, "run", "snapshot"))
    return os.path.join(localrun.source, "run")


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text if isinstance(text, str) else json.dumps(text))


def take(localrun, *words):
    done = localrun.command("import-run", "--format", "json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_v1_details_run_here(localrun, folder, elsewhere):
    write(folder, "details.json", {"runId": "r", "status": "Completed", "runDefinition": DEFINITION})
    write(folder, "snapshot/train.py", SCRIPT)
    found = take(localrun, folder, *(("-o", "made") if elsewhere else ()))
    assert found["command"].startswith("localrun run ")
    done = localrun.run("-q", *found["command"].split()[2:])
    assert done.stdout == b"['--epochs', '3'] 1 environment\n", done.stderr
    left = " ".join(found["left"])
    assert "target: gpu-cluster" in left
    assert "STANDARD_NC6" in left
    assert "data:" in left
    assert "does not run yet" not in left


def test_environment_of_its_own_file_is_taken(localrun, folder):
    definition = DEFINITION | {"environment": {"name": "e", "version": "3"}}
    write(folder, "details.json", {"runDefinition": definition})
    write(folder, "azureml_environment.json", DEFINITION["environment"])
    write(folder, "snapshot/train.py", SCRIPT)
    done = localrun.run("-q", *take(localrun, folder)["command"].split()[2:])
    assert done.stdout.endswith(b"1 environment\n"), done.stderr


def test_v2_job_runs_here_when_its_data_is_put_there(localrun, folder):
    write(folder, "job.yml", JOB)
    write(folder, "snapshot/data.txt", "kept\n")
    found = take(localrun, folder)
    left = "\n".join(found["left"])
    assert "inputs.text: azureml://datastores/d/paths/x: put the data at inputs/text" in left
    assert "environment: azureml:e:3" in left
    assert "compute: azureml:gpu-cluster" in left
    assert "outputs.default.path" in left
    os.makedirs(os.path.join(folder, "snapshot", "inputs"))
    write(folder, "snapshot/inputs/text", "given")
    done = localrun.run("-q", "-E", f"interpreter:{sys.executable}", *found["command"].split()[2:])
    assert done.stdout == b"given\nkept\n", done.stderr


@pytest.mark.parametrize("content", ["", "{", '{"a": 1}', "[1]"])
def test_folder_without_a_run_is_refused(localrun, folder, content):
    write(folder, "details.json", content)
    done = localrun.command("import-run", folder)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (125, b"kind=bad_input")
    assert localrun.command("import-run", "nowhere").returncode == 125
