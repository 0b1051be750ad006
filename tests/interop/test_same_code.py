"""Code that makes environments and run configurations: with azureml-core and with localrun it makes the same."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

import localrun
from localrun.api.distributed_jobs import ParallelTaskConfiguration
from localrun.api.exceptions import AzureMLException

ORACLE = """
import json, logging, os, sys, tempfile, warnings
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
from azureml.core import databricks, environment, runconfig, ScriptRunConfig
from azureml.core._serialization_utils import _serialize_to_dict
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.container_registry import ContainerRegistry, RegistryIdentity
NAMES = {**vars(environment), **vars(runconfig), **vars(databricks), "CondaDependencies": CondaDependencies,
         "ContainerRegistry": ContainerRegistry, "RegistryIdentity": RegistryIdentity, "ScriptRunConfig": ScriptRunConfig}

def write(text):
    with open("given", "w", newline="") as file:
        file.write(text)
    return "given"

def lay(found, environment):
    conda = environment.python.conda_dependencies
    python = found["environment"]["python"] if "environment" in found else found["python"]
    python["condaDependencies"] = None if conda is None else conda.as_dict()
    return found

def tell(made):
    if isinstance(made, environment.Environment):
        return lay(environment.Environment._serialize_to_dict(made), made)
    made = getattr(made, "run_config", made)
    return lay(_serialize_to_dict(made), made.environment) if isinstance(made, runconfig.RunConfiguration) else made

def work(code):
    os.chdir(tempfile.mkdtemp())
    names = NAMES | {"write": write}
    try:
        exec(code, names)
        return {"made": tell(names["made"])}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {getattr(error, 'message', None) or error}"}

for line in sys.stdin:
    print(json.dumps(work(json.loads(line)), default=str), flush=True)
"""
FROM_CONDA = "made = Environment.from_conda_specification('c', write({!r}))"
FROM_PIP = "made = Environment.from_pip_requirements('p', write({!r}){})"
CONDA_FILES = (
    "name: x\nchannels: [defaults]\ndependencies: [numpy]\n", "dependencies: [python, numpy]\n", "dependencies: [python==3.8.1]\n",
    "dependencies: ['python>=3.6,<3.9']\n", "dependencies: [python-dateutil, python=3.8]\n", "channels: [a]\n",
    "dependencies:\n- pip: [a]\n- python=3.8\n- pip: [b]\n", "dependencies: []\n", "---\nname: n\ndependencies: [python=3.8]\n...\n",
    "channels: &c [a, b]\ndependencies: [python=3.8]\nvariables: {A: &v x, B: *v}\n", "name: 3\ndependencies: [python=3.8]\n",
    "variables: {B: 12:30:45, C: 1_000, D: 0o17, E: 1e3, F: ~, G: 0x1F, I: '1', J: off}\ndependencies: [python=3.8]\n",
    "dependencies: [python=3.8, pip: [a, '-r req.txt']]\n", "name: !!str 3\ndependencies: ['python=3.9', \"numpy>=1\"]\n",
    "channels: ['https://u:p@conda.example.org/c', nodefaults]\ndependencies: [python=3.9, {pip: ['--extra-index-url https://u:p@x/y', a]}]\n",
    "dependencies:\n- python=3.9\n- >-\n  pandas\n- |\n  scipy\n- pip:\n  - a  # c\n  - 'b # c'\n  - \"-e git+https://x#egg=y\"\n",
)  # fmt: skip
ON_ENVIRONMENT = (
    "e.python.conda_dependencies = CondaDependencies(_underlying_structure={'dependencies': ['python=3.8']})",
    "e.python.user_managed_dependencies = True; e.python.conda_dependencies = None",
    "e.python.user_managed_dependencies = True; e.python.interpreter_path = None", "e.python.conda_dependencies_file = 'my.yml'",
    "e.docker.base_dockerfile = 'FROM a'; e.docker.base_image = 'b'", "e.docker.base_image = 'b'; e.docker.base_dockerfile = 'FROM a'",
    "e.docker.base_image = 'b'; e.docker.base_dockerfile = 'FROM a'; e.docker.base_dockerfile = None", "e.docker.base_image = None",
    "e.docker.build_context = DockerBuildContext('git', 'https://x/y#main:dir', 'docker/Dockerfile')", "e.docker = None",
    "e.docker.build_context = DockerBuildContext('storageAccount', 'https://x'); e.docker.base_image = 'z'", "e.spark = None",
    "i = RegistryIdentity(); i.resource_id = '/s'; i.client_id = 'c'; e.docker.base_image_registry.registry_identity = i",
    "e.docker.platform.os = 'Windows'; e.docker.platform.architecture = 'arm64'", "e.docker.platform = None", "e.databricks = None",
    "e.docker.enabled = True; e.docker.shm_size = '64g'; e.docker.shared_volumes = False; e.docker.arguments = ['-v', '/a:/b']",
    "e.environment_variables = {}", "e.environment_variables = {'A': 10**30, 'B': 1e300, 'C': -0.0, 'D': 1e-7, 'E': None, 'F': True}",
    "e.spark.packages = [SparkPackage('g', 'a', None)]; e.spark.repositories = ['a', 'b']", "e.r = RSection()",
    "e.r = RSection(); e.r.user_managed = True; e.r.rscript_path = '/usr/bin/Rscript'", "e.inferencing_stack_version = 'latest'",
    "d = e.databricks; d.maven_libraries = [MavenLibrary('g:a:1', 'r', ['x'])]; d.pypi_libraries = [PyPiLibrary('p', 'https://r')]",
    "d = e.databricks; d.rcran_libraries = [RCranLibrary('r')]; d.jar_libraries = [JarLibrary('j')]; d.egg_libraries = [EggLibrary('e')]",
    "made = e = e.clone('y'); e.python.conda_dependencies.set_python_version('3.11')", "e.version = '3'; made = e = e.clone('y')",
    "e.docker.shm_size = None; e.docker.gpu_support = True", "e.docker.base_dockerfile = __import__('io').StringIO('FROM q\\n')",
)  # fmt: skip
RUNS = (
    "made = RunConfiguration(script='t.py', arguments=['--a', 'b c'])", "made = RunConfiguration(command='echo a && b')",
    "made = RunConfiguration(script='t.py', framework='TensorFlow', communicator='ParameterServer')",
    "made = RunConfiguration(command=['echo', 'a b'])", "made = RunConfiguration(script='t.py', arguments=\"--a b 'c d'\")",
    "made = ScriptRunConfig('.', 't.py', distributed_job_config=MpiConfiguration(4, 2))",
    "made = ScriptRunConfig('.', 't.py', distributed_job_config=PyTorchConfiguration('Gloo', node_count=3))",
    "made = ScriptRunConfig('.', 't.py', distributed_job_config=TensorflowConfiguration(worker_count=3, parameter_server_count=2))",
    "made = RunConfiguration(script='t.py'); made.target = 'gpu'; made.node_count = 3; made.max_run_duration_seconds = 60; made.priority = 5",
    "made = RunConfiguration(script='t.py'); h = made.history; h.output_collection = h.snapshot_project = False; h.directories_to_watch = ['a']",
    "made = RunConfiguration(framework='PySpark'); made.spark.configuration = {'spark.executor.memory': '2g'}",
    "made = RunConfiguration(); made.hdi.yarn_deploy_mode = 'client'; made.kubernetescompute.instance_type = 'x'",
    "made = RunConfiguration(); made.source_directory_data_store = 'ds'; made.credential_passthrough = True; made.amlcompute.vm_size = 'D2'",
    "made = RunConfiguration(); made.environment_variables = {'A': 1, 'B': None, 'C': True, 'D': 'yes', 'E': '1:30', 'F': '~', 'G': 'a\\nb'}",
    "made = ScriptRunConfig('.', 't.py', arguments=['--a', True, 1.5, 1e-7, '$X', 'a;b', '#c', \"'\", 'a: b', '- x', '*'])",
    "c = RunConfiguration(script='a.py'); made = ScriptRunConfig('.', 'b.py', ['y'], c, compute_target='gpu', environment=Environment('z'))",
    "made = ScriptRunConfig('.', 't.py', environment=Environment('q'), docker_runtime_config=DockerConfiguration(True, shm_size='9g'))",
    "e = Environment('q'); e.docker.enabled = True; e.docker.arguments = ['--ipc=host']; made = ScriptRunConfig('.', 't.py', environment=e)",
    "e = Environment('q'); e.docker.enabled = True; made = ScriptRunConfig('.', environment=e, docker_runtime_config=DockerConfiguration())",
    "made = RunConfiguration(communicator='zork', framework='zork')", "RunConfiguration.load('.')", "RunConfiguration.load('.', 'zz')",
    "ScriptRunConfig('.', distributed_job_config=PyTorchConfiguration('mpi'))", "ScriptRunConfig('.', distributed_job_config='mpi')",
    "ScriptRunConfig('.', distributed_job_config=ParallelTaskConfiguration())", "ScriptRunConfig('.', docker_runtime_config={'a': 1})",
    "ScriptRunConfig('.', resume_from='x')", "RunConfiguration().save('.')", "Environment(3)", "Environment('x').clone('')",
    "Environment('x').python.conda_dependencies.set_pip_option('numpy')", "CondaDependencies().save('.')",
    "made = CondaDependencies.merge_requirements(['numpy>1', 'numpy<2', 'torch==1'])", "made = str(Environment('x'))",
)  # fmt: skip
CASES = (
    *(FROM_CONDA.format(text) for text in CONDA_FILES),
    *(
        FROM_PIP.format(*given)
        for given in (("a\r\nb==1\r\n", ""), ("", ""), ("a\n", ", '20.1'"), ("a \\\n  --hash=x\nb\x0cc\n", ""))
    ),
    *(f"made = e = Environment('x'); {code}" for code in ON_ENVIRONMENT),
    *RUNS,
)


@pytest.fixture(scope="module")
def answers(oracle_v1, tmp_path_factory):
    home = str(tmp_path_factory.mktemp("home"))
    environ = os.environ | {"HOME": home, "TMPDIR": home, "PYTHONUTF8": "1"}
    given = "\n".join(map(json.dumps, CASES))
    done = subprocess.run(
        [oracle_v1, "-c", ORACLE], input=given, capture_output=True, text=True, check=True, env=environ
    )
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(found) == len(CASES), done.stderr
    return dict(zip(CASES, found, strict=True))


def write(text):
    with open("given", "w", encoding="utf-8", newline="") as file:
        file.write(text)
    return "given"


def work(code):
    names = {"write": write, "ParallelTaskConfiguration": ParallelTaskConfiguration}
    names |= {name: getattr(localrun, name) for name in localrun.__all__}
    try:
        exec(code, names)
    except (AzureMLException, TypeError) as error:
        return {"error": f"{type(error).__name__}: {getattr(error, 'message', None) or error}"}
    made = getattr(names["made"], "run_config", names["made"])
    return {"made": made.to_document() if hasattr(made, "to_document") else made}


@pytest.mark.parametrize("code", CASES)
def test_the_same_code_makes_the_same(code, answers, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = work(code)
    if "history" in (found.get("made") or ()):  # written only where it is set
        del found["made"]["history"]["ambientAuthentication"]
    assert found == answers[code]
