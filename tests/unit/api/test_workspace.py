from __future__ import annotations

import json

import pytest

from localrun import Environment, Experiment, Run, ScriptRunConfig, UserErrorException, Workspace
from localrun.errors import EnvironmentNotFound, RunNotFound
from localrun.workspace import records


def write_config(folder, place, name):
    path = folder / place
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text(
        json.dumps({"workspace_name": name, "subscription_id": "s", "resource_group": "g"})
    )


def test_workspace_needs_no_file(own_workspace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    workspace = Workspace.from_config()
    assert (workspace.name, workspace.home) == ("local", str(own_workspace))


def test_name_comes_from_config_json_above(tmp_path, monkeypatch):
    write_config(tmp_path, ".azureml", "team")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert Workspace.from_config().name == "team"
    assert Workspace.from_config(path=str(tmp_path)).resource_group == "g"
    assert Workspace.from_config(path=str(tmp_path / ".azureml" / "config.json")).subscription_id == "s"


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00", "nonsense"])
def test_broken_config_json_is_named(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UserErrorException, match=r"config\.json"):
        Workspace.from_config(path=str(tmp_path))


def test_missing_path_is_named(tmp_path):
    with pytest.raises(UserErrorException, match="We could not find"):
        Workspace.from_config(path=str(tmp_path / "nowhere"))


def test_config_is_written_for_from_config(tmp_path):
    Workspace.get("mine", subscription_id="s").write_config(str(tmp_path))
    assert Workspace.from_config(str(tmp_path)).name == "mine"


def test_environments_are_the_registered_and_the_curated_ones():
    workspace = Workspace.create("mine")
    Environment("train").register(workspace)
    found = workspace.environments
    assert {"train", "AzureML-Minimal", "AzureML-sklearn-1.5"} <= found.keys()
    assert found["train"].version == "1"
    assert "azureml-core" in found["AzureML-Minimal"].python.conda_dependencies.serialize_to_string()


def test_experiment_needs_a_workspace_and_has_no_runs_at_first():
    with pytest.raises(UserErrorException, match="expected a Workspace, found NoneType"):
        Experiment(None, "e")
    experiment = Experiment(Workspace.from_config(), "e")
    assert list(experiment.get_runs()) == []
    assert Experiment.list(experiment.workspace) == []


def test_unknown_attributes_are_refused():
    workspace = Workspace.from_config()
    for thing in (workspace, Experiment(workspace, "e")):
        with pytest.raises(AttributeError):
            thing.nmae = "x"


def test_only_what_is_registered_is_got():
    workspace = Workspace.from_config()
    with pytest.raises(UserErrorException, match="Only one of version or label can be specified"):
        Environment.get(workspace, "a", version=1, label="b")
    with pytest.raises(EnvironmentNotFound):
        Environment.get(workspace, "a")


def test_workspace_tells_what_and_where_it_is(own_workspace):
    workspace = Workspace.create("mine")
    assert workspace.get_details() == {
        "id": str(own_workspace),
        "name": "mine",
        "location": "local",
        "type": "localrun",
    }
    assert repr(workspace) == f"Workspace.create(name='mine', home={str(own_workspace)!r})"
    assert repr(Experiment(workspace, "first")) == "Experiment(Name: first,\nWorkspace: mine)"


def test_config_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / ".azureml").write_text("")
    with pytest.raises(UserErrorException, match=r"\.azureml/config\.json cannot be written: "):
        Workspace().write_config(str(tmp_path))


def test_run_that_is_nowhere_is_named(own_workspace):
    workspace = Workspace()
    with pytest.raises(RunNotFound, match="there is no run nope_1_00"):
        workspace.get_run("nope_1_00")
    run = Run(Experiment(workspace, "first"), "nope_1_00")
    with pytest.raises(RunNotFound, match="there is no run nope_1_00"):
        run.get_status()
    with pytest.raises(UserErrorException, match="was not submitted with an environment"):
        run.get_environment()


def test_run_of_a_record_tells_its_status_its_tags_and_its_files(own_workspace, tmp_path):
    workspace = Workspace()
    folder = own_workspace / "runs" / "first_1_00"
    (folder / "outputs").mkdir(parents=True)
    (folder / "outputs" / "model").write_text("m")
    facts = {"status": "failed", "exit_code": 3, "experiment": "first", "display_name": "", "target": "local"}
    records.insert(
        workspace.home,
        {"schema": 1, "run_id": folder.name, "folder": str(folder), "started_at": "2026", "tags": {"a": "b"}, **facts},
    )
    (run,) = Experiment(workspace, "first").get_runs()
    assert (run.status, run.get_tags(), run.properties) == ("Failed", {"a": "b"}, {})
    assert repr(run) == "Run(Experiment: first,\nId: first_1_00,\nStatus: Failed)"
    run.download_file("outputs/model", str(tmp_path / "to") + "/")
    assert (tmp_path / "to" / "model").read_text() == "m"
    with pytest.raises(UserErrorException, match="outputs/modle was not found") as caught:
        run.download_file("outputs/modle")
    assert caught.value.hint == "did you mean outputs/model?"
    with pytest.raises(UserErrorException, match=r"model/x cannot be written: "):
        run.download_file("outputs/model", str(tmp_path / "to" / "model" / "x"))


def test_an_experiment_finds_what_a_run_configuration_only_names(own_workspace):
    workspace = Workspace()
    made = Environment("mine")
    made.python.conda_dependencies.add_pip_package("tabulate")
    made.register(workspace)
    experiment = Experiment(workspace, "first")
    assert experiment._check_environment({"name": "mine", "version": "1"})["name"] == "mine"
    assert "tabulate" in experiment._find_environment("mine", "").python.pip
    assert experiment._register(None) is experiment._check_environment(None) is None
    with pytest.raises(EnvironmentNotFound):
        experiment._find_environment("nothing", "1")


def test_what_is_no_argument_of_a_submission_is_named(tmp_path):
    (tmp_path / "train.py").write_text("")
    config = ScriptRunConfig(str(tmp_path), script="train.py")
    assert repr(config).startswith(f"ScriptRunConfig(source_directory={str(tmp_path)!r}, script='train.py'")
    with pytest.raises(TypeError, match="unexpected keyword argument 'wait'"):
        Experiment(Workspace(), "first").submit(config, wait=True)
