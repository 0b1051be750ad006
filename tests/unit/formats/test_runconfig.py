from __future__ import annotations

import contextlib
import json
import os
import random

import pytest

from localrun.errors import BadInput, EnvironmentNotFound
from localrun.formats.runconfig import find_run_configuration, read_run_configuration, write_run_configuration
from localrun.formats.runconfig_spec import spec_of_runconfig
from localrun.spec import ContainerSpec, DistributionSpec, EnvironmentSpec

CORPUS = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", "..", "corpus", "azureml-v1"))
SNAKE = {
    "max_run_duration_seconds": "maxRunDurationSeconds",
    "node_count": "nodeCount",
    "environment_variables": "environmentVariables",
    "data_references": "dataReferences",
    "output_data": "outputData",
    "source_directory_data_store": "sourceDirectoryDataStore",
    "services": "applicationEndpoints",
    "auto_cluster_compute_specification": "autoClusterComputeSpecification",
    "credential_passthrough": "credentialPassthrough",
}


def corpus():
    with open(os.path.join(CORPUS, "manifest.json"), encoding="utf-8") as file:
        return [case for case in json.load(file)["cases"] if case["kind"] == "runconfig"]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def look(path):
    return "folder" if os.path.isdir(path) else "file" if os.path.isfile(path) else "missing"


def load(path, name=""):
    file = find_run_configuration(path, name, look=look)
    return read_run_configuration(read(file), file=file, read=read, project=path if name else "")


def load_text(text, files=None, file="/p/x.runconfig", **more):
    files = files or {}

    def read_given(path):
        if path not in files:
            raise FileNotFoundError(2, "No such file", path)
        return files[path].encode()

    return read_run_configuration(text.encode(), file=file, read=read_given, **more)


def ask(text, **more):
    found = load_text(text, **more)
    return spec_of_runconfig(
        found.document, directory=found.project, packages=found.packages, file=found.file, lines=found.lines
    )


BASE = "environment: {name: e, python: {userManagedDependencies: true, interpreterPath: python3}}\n"
SCRIPT = BASE + "script: train.py\n"


@pytest.mark.parametrize("case", corpus(), ids=lambda case: case["id"])
def test_the_corpus_is_read_to_the_facts_of_azureml_core(case):
    found = load(os.path.join(CORPUS, case["path"]), case.get("load_name", ""))
    facts = {name: item for name, item in case["facts"].items() if name != "environment"}
    assert {name: found.document[SNAKE.get(name, name)] for name in facts} == facts
    environment = case["facts"]["environment"]
    assert found.document["environment"]["name"] == environment["name"]
    assert found.document["environment"]["version"] == environment["version"]
    if environment["class"] == "Environment":
        python = found.document["environment"]["python"]
        assert python["condaDependencies"]["dependencies"] == environment["python"]["conda"]["dependencies_raw"]
        assert found.document["environment"]["docker"]["baseImage"] == environment["docker"]["base_image"]
    assert found.notes == ()


@pytest.mark.parametrize("case", corpus(), ids=lambda case: case["id"])
def test_what_is_read_and_written_is_read_again(case):
    name = case.get("load_name", "")
    found = load(os.path.join(CORPUS, case["path"]), name)
    file = os.path.join(CORPUS, case["file"])
    folder = os.path.basename(os.path.dirname(file)) + "/" if name else ""
    files = write_run_configuration(found.document, folder=folder, conda_file="")
    if case["id"] not in {"r06_docker_on", "r18_env_vars", "r22_arguments_types", "r29_comments_survive"}:
        assert files[""] == read(file)  # in the others a text is quoted, or there is a comment
    again = load_text(
        files[""].decode(), {f"/p/{name}": text.decode() for name, text in files.items()}, project="/p" if name else ""
    )
    assert again.document == found.document


def test_a_separate_environment_is_written_and_read():
    found = load(os.path.join(CORPUS, "runconfig/r08_user_managed"), "config.runconfig")
    files = write_run_configuration(found.document, folder=".azureml/", conda_file="", separate_environment=True)
    assert set(files) == {"", ".azureml/conda_dependencies.yml", ".azureml/environment.yml"}
    assert b"environment: .azureml/environment.yml" in files[""]
    given = {f"/p/{name}": text.decode() for name, text in files.items()}
    again = load_text(files[""].decode(), given, file="/p/.azureml/config.runconfig")
    assert again.document == found.document


def test_a_file_inside_its_folder_is_read_by_its_own_path():
    found = load(os.path.join(CORPUS, "runconfig/r02_aml_config/aml_config/local.runconfig"))
    assert found.project == os.path.join(CORPUS, "runconfig/r02_aml_config")
    assert found.packages == os.path.join(CORPUS, "runconfig/r02_aml_config/aml_config")
    assert found.document["environment"]["python"]["condaDependencies"]["name"] == "project_environment"


@pytest.mark.parametrize(
    ("there", "name", "expected"),
    [
        (["x"], "", "x"),
        (["x.runconfig"], "", "x.runconfig"),
        (["x/.azureml/a", "x/.azureml/a.runconfig", "x/a.runconfig"], "a", "x/.azureml/a"),
        (["x/.azureml/a.runconfig", "x/a.runconfig"], "a", "x/.azureml/a.runconfig"),
        (["x/a.runconfig"], "a", "x/a.runconfig"),
        (["x/aml_config/a", "x/.azureml/a"], "a", "x/aml_config/a"),
        (["x/aml_config/b", "x/.azureml/a"], "a", ""),
        ([], "a", ""),
        (["x/a"], "a", ""),
        (["x/a.runconfig"], "", ""),
    ],
)
def test_a_run_configuration_is_looked_for_where_azureml_core_looks(there, name, expected):
    files = {f"/p/{path}" for path in there}

    def look_here(path):
        if path in files:
            return "file"
        return "folder" if any(file.startswith(path + "/") for file in files) else "missing"

    if expected:
        assert find_run_configuration("/p/x", name, look=look_here) == f"/p/{expected}"
        return
    with pytest.raises(BadInput, match=f"Failed to load RunConfiguration from path=/p/x name={name or None}"):
        find_run_configuration("/p/x", name, look=look_here)


@pytest.mark.parametrize(
    "text",
    [
        "docker: {useDocker: true, shmSize: 4g}\nmaxRunDurationSeconds: 5\nnodeCount: '2'\nenvironmentVariables: {a_B: 1}\n",
        "docker: {use_docker: true, shm_size: 4g}\nmax_run_duration_seconds: 5\nnode_count: 2\nenvironment_variables: {a_B: 1}\n",
        "Docker: {UseDocker: true, ShmSize: 4g}\nMaxRunDurationSeconds: 5\nNodeCount: 2\nEnvironmentVariables: {a_B: 1}\n",
    ],
)
def test_keys_are_read_in_every_spelling_and_the_user_s_names_stay(text):
    found = load_text(SCRIPT + text)
    assert found.document["docker"] == {"useDocker": True, "sharedVolumes": True, "arguments": [], "shmSize": "4g"}
    assert found.document["maxRunDurationSeconds"] == 5
    assert found.document["nodeCount"] == 2
    assert found.document["environmentVariables"] == {"a_B": 1}
    assert dict(found.lines)["docker.shmSize"] == 3
    assert dict(found.lines)["environmentVariables.a_B"] == 6
    assert found.notes == ()


def test_spark_settings_keep_their_names_beside_keys_in_snake_case():
    found = load_text(SCRIPT + "node_count: 1\nspark: {configuration: {spark.app_name: x}}\n")
    assert found.document["spark"] == {"configuration": {"spark.app_name": "x"}}


def test_unknown_keys_are_noted_with_the_nearest_one_and_kept():
    found = load_text(SCRIPT + "nodeCuont: 3\ndocker: {useDockr: true}\n")
    assert [note.rpartition("; ")[2] for note in found.notes] == ["did you mean nodeCount?", "did you mean useDocker?"]
    again = load_text(write_run_configuration(found.document, folder="", conda_file="")[""].decode())
    assert again.document["nodeCuont"] == 3
    assert again.document["docker"]["useDockr"] is True


def test_packages_may_stand_inline_and_win_over_a_file():
    text = "script: a\nenvironment: {name: e, python: {condaDependencies: {dependencies: [python=3.11]}, condaDependenciesFile: no.yml}}\n"
    assert load_text(text).document["environment"]["python"]["condaDependencies"] == {"dependencies": ["python=3.11"]}


def test_a_missing_conda_file_is_named_with_the_places():
    text = "script: a\nenvironment:\n  python:\n    condaDependenciesFile: .azureml/c.yml\n"
    with pytest.raises(BadInput, match=r"there is no file \.azureml/c\.yml") as refused:
        load_text(text, file="/p/.azureml/x.runconfig")
    assert (refused.value.line, refused.value.key) == (4, "environment.python.condaDependenciesFile")
    assert refused.value.hint == "looked for /p/.azureml/.azureml/c.yml and /p/.azureml/c.yml"


def test_a_user_managed_environment_does_without_its_conda_file():
    text = "script: a\nenvironment: {python: {userManagedDependencies: true, condaDependenciesFile: c.yml}}\n"
    found = load_text(text)
    assert found.notes[0].endswith("there is no file c.yml; a user-managed environment does without")


def test_another_environment_makes_the_file_s_own_unnecessary():
    found = load_text("script: a\n", environment_wanted=False)
    assert found.document["environment"] is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("[1]", "expected a mapping, found a list"),
        ("script: a\n", "a run configuration needs the key environment"),
        ("ArgumentVector: [a]\nTarget: local\n", "ArgumentVector: a run configuration of the old format is not read"),
        ("script: a\nenvironment:\n", "expected an environment or a file's name, found nothing"),
        ("script: a\nenvironment: 3\n", "expected an environment or a file's name, found the number 3"),
        ("script: a\nenvironment: e.yml\n", "there is no file e.yml"),
        (SCRIPT + "nodeCount: abc\n", "expected a whole number, found the text 'abc'"),
        (SCRIPT + "docker: {useDocker: 'no'}\n", "expected true or false, found the text 'no'"),
        (SCRIPT + "docker: 3\n", "expected a mapping, found the number 3"),
        (SCRIPT + "arguments: {a: 1}\n", "expected a list, found a mapping"),
        (SCRIPT + "arguments: [[1]]\n", "expected text, a number or a truth value, found a list"),
        (SCRIPT + "environmentVariables: [A=1]\n", "expected a mapping, found a list"),
        (SCRIPT + "target: [local]\n", "expected text, found a list"),
        (SCRIPT + "dataReferences: {d: {mode: zork}}\n", "mode zork is not supported. Only mount, download allowed"),
        (SCRIPT + "script: b\n", "key script is there twice"),
        (SCRIPT + "nodeCount: .nan\n", "expected a whole number"),
        (SCRIPT + "nodeCount: 99999999999999999999\n", "expected a whole number from"),
        (SCRIPT + "x: " + "[" * 60 + "]" * 60, "nested deeper than 50"),
    ],
)
def test_files_that_azureml_core_stumbles_over_are_refused_in_words(text, message):
    with pytest.raises(BadInput) as refused:
        load_text(text)
    assert message in refused.value.message
    assert refused.value.file == "/p/x.runconfig"


def test_true_and_false_in_quotes_mean_what_they_say():
    document = load_text(SCRIPT + "docker: {useDocker: 'False'}\n").document
    assert document["docker"]["useDocker"] is False


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("arguments: [--n, 5, --lr, 1e-05, --flag, true, a b, '']\n", ("--n", "5", "--lr", "1e-05", "--flag", "True", "a b", "")),
        ("arguments: --a 'b c' $D\n", ("--a", "b c", "$D")),
        ("", ()),
    ],
)  # fmt: skip
def test_arguments_become_texts(text, arguments):
    spec = ask(SCRIPT + text)
    assert (spec.script, spec.arguments, spec.expand_arguments) == ("/p/train.py", arguments, True)


def test_a_command_list_is_joined_by_blanks_as_azureml_core_does():
    assert ask(BASE + "command: [echo, a b, '&&', ls, 3]\n").command == "echo a b && ls 3"
    assert ask(BASE + "command: echo a && ls\n").command == "echo a && ls"


@pytest.mark.parametrize(
    ("text", "nodes", "distribution"),
    [
        ("", 1, DistributionSpec()),
        ("nodeCount: 3\n", 3, DistributionSpec()),
        ("communicator: nccl\nframework: PyTorch\nnodeCount: 2\npytorch: {processCount: 8}\n", 2, DistributionSpec(type="pytorch", processes_per_node=4)),
        ("communicator: Gloo\nnodeCount: 2\n", 2, DistributionSpec(type="pytorch")),
        ("communicator: IntelMpi\nmpi: {processCountPerNode: 4}\n", 1, DistributionSpec(type="mpi", processes_per_node=4)),
        ("communicator: OpenMpi\nnodeCount: 2\n", 2, DistributionSpec(type="mpi")),
        ("communicator: ParameterServer\nframework: TensorFlow\n", 1, DistributionSpec(type="tensorflow", workers=1, parameter_servers=1)),
        ("communicator: ParameterServer\nnodeCount: 2\ntensorflow: {workerCount: 2, parameterServerCount: 0}\n", 2, DistributionSpec(type="tensorflow", workers=2)),
    ],
)  # fmt: skip
def test_the_communicator_says_how_ranks_are_made(text, nodes, distribution):
    spec = ask(SCRIPT + text)
    assert (spec.nodes, spec.distribution) == (nodes, distribution)


def test_history_duration_target_and_variables_are_taken_over():
    text = "history: {snapshotProject: false}\nmaxRunDurationSeconds: 60\nenvironmentVariables: {A: 1, B: true, C: , D: yes}\n"
    spec = ask(SCRIPT + text)
    assert (spec.in_place, spec.timeout_s, spec.target) == (True, 60, "")
    assert spec.environment_variables == (("A", "1"), ("B", "True"), ("C", ""), ("D", "yes"))
    assert spec.environment == EnvironmentSpec(name="e", interpreter="python3", file="/p/x.runconfig")


def test_the_longest_duration_of_azure_ml_is_no_limit():
    assert ask(SCRIPT + "maxRunDurationSeconds: 2592000\n").timeout_s == 0


def test_docker_and_the_cloud_s_targets_are_told_apart():
    assert ask(SCRIPT + "docker: {useDocker: true}\n").target == "docker"
    spec = ask(SCRIPT + "target: cpu-cluster\namlcompute: {vmSize: D2}\npriority: 3\ndata: {a: {}}\n")
    assert spec.target == ""
    assert spec.cloud_keys == ("target", "priority", "data", "amlcompute.vmSize")


def test_what_has_no_effect_is_noted():
    spec = ask(SCRIPT + "history: {outputCollection: false}\n")
    assert [note.split(": ")[1] for note in spec.notes] == ["history.outputCollection"]


def test_the_docker_section_says_what_is_asked_of_containers():
    spec = ask(SCRIPT + "docker: {arguments: [--gpus, all, '-v ./d:/d', -e, A=1], shmSize: 8g}\n")
    assert spec.container == ContainerSpec(
        arguments=("--gpus=all", "--volume=/p/d:/d"), variables=(("A", "1"),), shm_size="8g"
    )
    assert ask(SCRIPT).container == ContainerSpec()


def test_what_the_older_docker_section_of_the_environment_says_counts_where_the_newer_says_nothing():
    older = "environment: {name: e, docker: {enabled: true, baseImage: i, arguments: [--ipc=host], shmSize: 4g}}\n"
    spec = ask("script: train.py\n" + older)
    assert (spec.target, spec.container) == ("docker", ContainerSpec(arguments=("--ipc=host",), shm_size="4g"))
    spec = ask("script: train.py\n" + older + "docker: {arguments: [--privileged], shmSize: 8g}\n")
    assert spec.container == ContainerSpec(arguments=("--privileged=true",), shm_size="8g")


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (BASE, "script", "the run configuration names neither a script nor a command"),
        (SCRIPT + "command: ls\n", "script", "a run configuration has a command or a script with arguments"),
        (BASE + "arguments: [a]\ncommand: ls\n", "arguments", "here arguments too"),
        (SCRIPT + "arguments: [--x, null]\n", "arguments.1", "expected text or a number, found nothing"),
        (SCRIPT + "arguments: [--x, .nan]\n", "arguments.1", "expected text or a number, found the number nan"),
        (SCRIPT + "arguments: --x 'y\n", "arguments", "cannot be split into arguments: no closing quotation"),
        (SCRIPT + "arguments: ['DatasetConsumptionConfig:d']\n", "arguments.0", "stands for data that only Azure ML has"),
        (SCRIPT + "communicator: nccl\nnodeCount: 3\npytorch: {processCount: 4}\n", "pytorch.processCount", "4 processes cannot be shared out evenly among 3 nodes"),
        (SCRIPT + "communicator: zork\n", "communicator", "the communicator zork is not known"),
        (SCRIPT + "framework: PySpark\n", "framework", "a Spark job is not run here"),
        (SCRIPT + "communicator: ParallelTask\n", "communicator", "a parallel task is not run here"),
        (SCRIPT + "nodeCount: 0\n", "nodeCount", "expected a whole number from 1, found 0"),
        (SCRIPT + "maxRunDurationSeconds: -1\n", "maxRunDurationSeconds", "expected a whole number from 0, found -1"),
        (SCRIPT + "environmentVariables: {A=B: 1}\n", "environmentVariables.A=B", "cannot be the name of an environment variable"),
        (SCRIPT + "environmentVariables: {A: [1]}\n", "environmentVariables.A", "expected text or a number"),
        ("script: a\nenvironment: {name: curated, version: 3}\n", "environment", "the environment curated:3 is a reference to a registered one"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_with_its_place(text, place, message):
    with pytest.raises(BadInput) as refused:
        ask(text)
    assert message in refused.value.message
    assert (refused.value.file, refused.value.key) == ("/p/x.runconfig", place)
    assert refused.value.line or place == "script"


def test_a_reference_is_looked_up_by_name_and_version():
    document = load_text("script: a\nenvironment: {name: curated, version: '3'}\n").document
    asked = []

    def find(name, version):
        asked.append((name, version))
        return EnvironmentSpec(name=name, interpreter="python3")

    spec = spec_of_runconfig(document, directory="/p", find_environment=find)
    assert asked == [("curated", "3")]
    assert spec.environment == EnvironmentSpec(name="curated", interpreter="python3")


@pytest.mark.parametrize("error", [BadInput("no such", hint="x"), EnvironmentNotFound("no such", hint="x")])
def test_environment_that_is_not_registered_is_told_with_its_place(error):
    def find(name, version):
        raise error

    found = load_text("script: a\nenvironment: {name: mine, version: 3}\n")
    with pytest.raises(BadInput) as caught:
        spec_of_runconfig(found.document, directory="/p", file=found.file, lines=found.lines, find_environment=find)
    assert str(caught.value) == "/p/x.runconfig:2: environment: no such"
    assert caught.value.hint == "x; or name another with -E"


def test_relative_requirements_start_at_the_conda_file():
    text = "script: a\nenvironment: {name: e, python: {condaDependenciesFile: c/env.yml}}\n"
    spec = ask(text, files={"/p/c/env.yml": "dependencies: [python=3.11, pip, {pip: [-e ./lib]}]\n"})
    assert spec.environment is not None
    assert spec.environment.python is not None
    assert spec.environment.python.directory == "/p/c"


def test_a_password_is_not_written():
    document = load_text(SCRIPT).document
    registry = {"address": "x.example.org", "username": "u", "password": "secret", "registryIdentity": None}
    document["environment"]["docker"]["baseImageRegistry"] = registry
    files = write_run_configuration(document, folder="", conda_file="")
    assert b"secret" not in files[""]
    assert b"${PASSWORD_OF_X_EXAMPLE_ORG}" in files[""]


MISTAKES = ("", "[]", "{}", "3", "-1", ".nan", ".inf", '"x"', "true", "null", "[1, [2]]", "{a: 1}", "1e400", "9" * 30,
    "&a [*a]", '"\\0"', "|\n  a", "!!x", "2024-01-01", "\t", "../../x", "a\x1b[31m")  # fmt: skip


@pytest.mark.parametrize("seed", range(60))
def test_a_file_with_a_mistake_gives_a_run_or_words(seed):
    pick = random.Random(seed)
    case = pick.choice([case for case in corpus() if case["id"] != "r31_env_reference"])
    lines = read(os.path.join(CORPUS, case["file"])).decode().splitlines()
    number = pick.randrange(len(lines))
    lines[number] = pick.choice(
        [lines[number].partition(":")[0] + ": " + pick.choice(MISTAKES), lines[pick.randrange(len(lines))], " x"]
    )
    conda = read(os.path.join(CORPUS, "runconfig/r01_default/.azureml/conda_dependencies.yml")).decode()
    files = {f"/p/{name}/conda_dependencies.yml": conda for name in (".azureml", "aml_config")}
    with contextlib.suppress(BadInput):  # every other exception fails the test
        found = load_text("\n".join(lines), files, file="/p/.azureml/x.runconfig")
        write_run_configuration(found.document, folder="", conda_file="")
        spec_of_runconfig(found.document, directory="/p", file=found.file, lines=found.lines)
