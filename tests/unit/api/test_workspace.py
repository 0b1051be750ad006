from __future__ import annotations

import json

import pytest

from localrun import Environment, Experiment, UserErrorException, Workspace
from localrun.errors import EnvironmentNotFound


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
