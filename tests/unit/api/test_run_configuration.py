from __future__ import annotations

import json
import logging
import os
import shutil

import pytest

from localrun import (
    DockerConfiguration,
    Environment,
    MpiConfiguration,
    PyTorchConfiguration,
    RunConfiguration,
    ScriptRunConfig,
    TensorflowConfiguration,
)
from localrun.api.environment import EnvironmentReference
from localrun.api.exceptions import ExperimentExecutionException, RunConfigurationException, UserErrorException
from localrun.errors import BadInput
from localrun.spec import DistributionSpec

CORPUS = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", "..", "corpus", "azureml-v1"))


def corpus():
    with open(os.path.join(CORPUS, "manifest.json"), encoding="utf-8") as file:
        return [case for case in json.load(file)["cases"] if case["kind"] == "runconfig"]


def user_managed():
    environment = Environment("mine")
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = "python3"
    return environment


@pytest.mark.parametrize("case", corpus(), ids=lambda case: case["id"])
def test_the_corpus_loads_and_saves_to_the_same_document(case, tmp_path):
    name = case.get("load_name")
    loaded = RunConfiguration.load(os.path.join(CORPUS, case["path"]), name)
    facts = case["facts"]
    assert (loaded.script, loaded.arguments, loaded.command) == (facts["script"], facts["arguments"], facts["command"])
    assert (loaded.target, loaded.framework, loaded.communicator) == (
        facts["target"], facts["framework"], facts["communicator"],
    )  # fmt: skip
    assert loaded.environment_variables == facts["environment_variables"]
    assert type(loaded.environment).__name__ == facts["environment"]["class"]
    if facts["environment"]["class"] == "EnvironmentReference":
        assert isinstance(loaded.environment, EnvironmentReference)
    loaded.save(str(tmp_path), "again")
    again = RunConfiguration.load(str(tmp_path), "again")
    expected = loaded.to_document()
    if name:
        expected["environment"]["python"]["condaDependenciesFile"] = again.environment.python.conda_dependencies_file
    assert again.to_document() == expected


def test_a_new_one_has_the_defaults_of_azureml_core():
    facts = corpus()[0]["facts"]
    made = RunConfiguration().to_document()
    assert made["history"] == facts["history"]
    assert made["docker"] == facts["docker"]
    assert made["pytorch"] == facts["pytorch"]
    assert (made["nodeCount"], made["maxRunDurationSeconds"], made["communicator"]) == (1, None, "None")
    assert made["environment"]["name"] == "default-environment"


def test_unknown_attributes_are_refused_with_the_nearest_one():
    with pytest.raises(AttributeError, match="did you mean node_count"):
        RunConfiguration().node_cuont = 3
    with pytest.raises(AttributeError, match="did you mean use_docker"):
        RunConfiguration().docker.use_dokcer = True
    with pytest.raises(AttributeError, match="did you mean arguments"):
        ScriptRunConfig(".").argument = []


def test_sections_of_two_configurations_are_not_shared():
    first, second = RunConfiguration(), RunConfiguration()
    first.docker.arguments.append("--gpus")
    first.history.directories_to_watch.append("x")
    assert (second.docker.arguments, second.history.directories_to_watch) == ([], ["logs"])
    assert DockerConfiguration().arguments is not DockerConfiguration().arguments


def test_saving_needs_a_name_that_stays_in_its_folder(tmp_path):
    with pytest.raises(UserErrorException, match="Cannot save a runconfig without a name specified"):
        RunConfiguration().save(str(tmp_path))
    for name in ("../x", "a/b", "..", "a\nb"):
        with pytest.raises(UserErrorException, match="cannot be the name of a run configuration"):
            RunConfiguration().save(str(tmp_path), name)
    with pytest.raises(UserErrorException, match="does not exist"):
        RunConfiguration().save(str(tmp_path / "nowhere"), "x")
    assert os.listdir(tmp_path) == []


def test_saving_makes_the_folder_and_keeps_the_name_as_it_is(tmp_path):
    RunConfiguration("train.py").save(str(tmp_path), "local")
    assert sorted(os.listdir(tmp_path / ".azureml")) == ["conda_dependencies.yml", "local"]
    (tmp_path / "aml_config").mkdir()
    RunConfiguration("train.py").save(str(tmp_path), "local.runconfig", separate_environment_yaml=True)
    assert sorted(os.listdir(tmp_path / "aml_config")) == [
        "conda_dependencies.yml",
        "environment.yml",
        "local.runconfig",
    ]
    assert RunConfiguration.load(str(tmp_path), "local").environment.name == "default-environment"


def test_a_file_of_its_own_is_saved_with_its_conda_file_beside_it(tmp_path):
    path = tmp_path / "new.runconfig"
    RunConfiguration("train.py").save(str(path))
    assert sorted(os.listdir(tmp_path)) == ["conda_dependencies.yml", "new.runconfig"]
    loaded = RunConfiguration.load(str(path))
    loaded.node_count = 2
    loaded.save()
    assert RunConfiguration.load(str(path)).node_count == 2


def test_comments_survive_loading_and_saving(tmp_path):
    loaded = RunConfiguration.load(os.path.join(CORPUS, "runconfig/r29_comments_survive"), "a")
    loaded.node_count = 5
    loaded.save(str(tmp_path), "a")
    lines = (tmp_path / ".azureml" / "a").read_text().splitlines()
    assert lines[0] == "# my project"
    assert "nodeCount: 5" in lines


def test_a_failed_save_leaves_what_was_there(tmp_path):
    config = RunConfiguration("train.py")
    config.save(str(tmp_path), "local")
    before = (tmp_path / ".azureml" / "local").read_bytes()
    config.arguments = [object()]
    with pytest.raises(BadInput):
        config.save(str(tmp_path), "local")
    assert (tmp_path / ".azureml" / "local").read_bytes() == before


def test_deleting_removes_it_or_says_that_it_is_not_there(tmp_path):
    RunConfiguration().save(str(tmp_path), "local.runconfig")
    RunConfiguration.delete(str(tmp_path), "local")
    assert os.listdir(tmp_path / ".azureml") == ["conda_dependencies.yml"]
    with pytest.raises(UserErrorException, match="Run config local not found in"):
        RunConfiguration.delete(str(tmp_path), "local")


def test_loading_what_is_not_there_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(UserErrorException, match=r"Failed to load RunConfiguration from path=.* name=local") as refused:
        RunConfiguration.load(str(tmp_path), "local")
    assert os.path.join(".azureml", "local.runconfig") in refused.value.hint


def test_a_copied_project_loads_by_the_file_s_own_path(tmp_path):
    shutil.copytree(os.path.join(CORPUS, "runconfig/r06_docker_on"), tmp_path / "p")
    loaded = RunConfiguration.load(str(tmp_path / "p" / ".azureml" / "config.runconfig"))
    assert loaded.docker.use_docker
    assert loaded.to_spec(str(tmp_path)).target == "docker"


def test_a_target_may_be_an_object_with_a_name():
    class Cluster:
        name = "cpu-cluster"

    assert ScriptRunConfig(".", compute_target=Cluster()).run_config.target == "cpu-cluster"
    assert ScriptRunConfig(".", target="local").run_config.target == "local"


@pytest.mark.parametrize(
    ("job", "nodes", "framework", "communicator", "distribution"),
    [
        (MpiConfiguration(4, 2), 2, "Python", "IntelMpi", DistributionSpec(type="mpi", processes_per_node=4)),
        (PyTorchConfiguration("Gloo", 8, 2), 2, "PyTorch", "gloo", DistributionSpec(type="pytorch", processes_per_node=4)),
        (PyTorchConfiguration(node_count=3), 3, "PyTorch", "nccl", DistributionSpec(type="pytorch")),
        (
            TensorflowConfiguration(2), 2, "TensorFlow", "ParameterServer",
            DistributionSpec(type="tensorflow", workers=2, parameter_servers=1),
        ),
    ],
)  # fmt: skip
def test_a_distributed_job_sets_framework_communicator_and_nodes(
    tmp_path, job, nodes, framework, communicator, distribution
):
    (tmp_path / "train.py").touch()
    source = ScriptRunConfig(str(tmp_path), "train.py", environment=user_managed(), distributed_job_config=job)
    config = source.run_config
    assert (config.node_count, config.framework, config.communicator) == (nodes, framework, communicator)
    spec = source.to_spec()
    assert (spec.nodes, spec.distribution, spec.timeout_s) == (nodes, distribution, 0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"distributed_job_config": "mpi"}, "'distributed_job_config' must be an 'azureml.core.runconfig.TensorflowConfiguration'"),
        ({"docker_runtime_config": True}, "'docker_runtime_config' must be a 'DockerConfiguration' object."),
        ({"environment": "mine"}, "'environment' must be an 'Environment' object."),
        ({"run_config": {}}, "'run_config' must be a 'RunConfiguration' object."),
    ],
)  # fmt: skip
def test_arguments_of_the_wrong_class_are_refused(given, message):
    with pytest.raises(RunConfigurationException, match=message):
        ScriptRunConfig(".", **given)


def test_a_backend_that_is_none_and_a_data_path_are_refused_in_the_original_s_words():
    with pytest.raises(
        RunConfigurationException, match=r"mpi is not a supported backend\. 'communication_backend' must be"
    ):
        PyTorchConfiguration("mpi")
    with pytest.raises(
        UserErrorException, match=r"resume_from parameter should be of type DataPath\. Found <class 'str'>\."
    ):
        ScriptRunConfig(".", resume_from="x")


def test_a_run_config_gives_what_is_not_given_here_and_the_rest_is_told(caplog):
    config = RunConfiguration("theirs.py", ["--theirs"])
    caplog.set_level(logging.WARNING, "localrun")
    source = ScriptRunConfig(".", script="mine.py", run_config=config, compute_target="x", max_run_duration_seconds=3)
    assert (source.script, source.arguments, source.run_config) == ("mine.py", ["--theirs"], config)
    assert config.max_run_duration_seconds is None
    assert [record.message.split(",")[0] for record in caplog.records] == [
        "If 'run_config' is specified",
        "'script' is given here and in 'run_config'; the one given here takes precedence.",
    ]


def test_docker_is_taken_from_the_argument_else_from_the_environment():
    environment = user_managed()
    environment.docker.enabled = True
    environment.docker.shm_size = "4g"
    older = ScriptRunConfig(".", environment=environment).run_config.docker
    assert (older.use_docker, older.shm_size) == (True, "4g")
    newer = ScriptRunConfig(".", environment=environment, docker_runtime_config=DockerConfiguration(shm_size="1g"))
    assert (newer.run_config.docker.use_docker, newer.run_config.docker.shm_size) == (False, "1g")


def test_a_script_that_is_not_there_is_refused_in_the_original_s_words(tmp_path):
    with pytest.raises(
        ExperimentExecutionException, match=r"train\.py script path doesn't exist\. The script should be inside"
    ):
        ScriptRunConfig(str(tmp_path), "train.py").to_spec()
    with pytest.raises(ExperimentExecutionException, match="source directory doesn't exist"):
        ScriptRunConfig(str(tmp_path / "no"), "train.py").to_spec()


def test_without_a_target_it_is_refused(tmp_path):
    source = ScriptRunConfig(str(tmp_path), command=["ls"])
    source.run_config.target = None
    with pytest.raises(ExperimentExecutionException, match="Must specify a target either through run configuration or"):
        source.to_spec()


def test_the_spec_has_the_command_the_variables_and_the_history_switch(tmp_path):
    source = ScriptRunConfig(
        str(tmp_path), command=["python", "-c", "print(1)", "&&", "ls"], environment=user_managed()
    )
    source.run_config.environment_variables = {"A": 1}
    source.run_config.history.snapshot_project = False
    source.run_config.max_run_duration_seconds = 60
    spec = source.to_spec()
    assert spec.command == "python -c print(1) && ls"
    assert (spec.environment_variables, spec.in_place, spec.timeout_s) == ((("A", "1"),), True, 60)
    assert spec.environment is not None
    assert spec.environment.interpreter == "python3"
    assert spec.source_directory == str(tmp_path)


def test_none_counts_as_the_default(tmp_path):
    config = RunConfiguration(command="ls")
    config.environment = user_managed()
    for name in ("arguments", "docker", "history", "environment_variables", "node_count", "communicator", "mpi"):
        setattr(config, name, None)
    assert config.to_spec(str(tmp_path)).nodes == 1


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("environment", "AzureML-Minimal", "'environment' must be an 'Environment' object"),
        ("environment_variables", ["A"], "expected names and values, found list"),
        ("environment_variables", {1: "x"}, "cannot be the name of an environment variable"),
        ("arguments", 3, "expected a list, found int"),
        ("command", {"a": 1}, "expected a list, found dict"),
        ("node_count", "3", "expected a whole number, found '3'"),
        ("max_run_duration_seconds", 1.5, "expected a whole number, found 1.5"),
    ],
)
def test_values_of_the_wrong_kind_are_refused_in_words(tmp_path, name, given, message):
    config = RunConfiguration("train.py")
    config.environment = user_managed()
    if name == "command":
        config.script = None
    setattr(config, name, given)
    with pytest.raises((BadInput, RunConfigurationException), match=message):
        config.to_spec(str(tmp_path))


def test_paths_may_stand_among_arguments_and_other_objects_may_not(tmp_path):
    (tmp_path / "train.py").touch()
    source = ScriptRunConfig(tmp_path, "train.py", ["--data", tmp_path, 1e-5], environment=user_managed())
    assert source.to_spec().arguments == ("--data", str(tmp_path), "1e-05")
    source.arguments = ["--data", {"a": 1}]
    with pytest.raises(BadInput, match="expected text or a number, found a value of type dict"):
        source.to_spec()
