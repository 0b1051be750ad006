"""`localrun environment`, in this process."""

from __future__ import annotations

import json
import os

import pytest

from localrun.cli.commands import run_command
from localrun.errors import BadInput, EnvironmentNotFound, LocalrunError
from localrun.workspace import registry


@pytest.fixture
def call(capsys):
    def run(*arguments):
        assert run_command(["env", *map(str, arguments)]) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def folder(tmp_path, call):
    place = tmp_path / "files"
    call("scaffold", "-n", "train", "-d", place)
    return place


def change(folder, old, new):
    path = folder / "conda_dependencies.yml"
    path.write_text(path.read_text().replace(old, new))


def test_scaffold_writes_the_files_of_a_default_environment(folder):
    assert {path.name for path in folder.iterdir()} == {"azureml_environment.json", "conda_dependencies.yml"}
    assert json.loads((folder / "azureml_environment.json").read_text())["name"] == "train"


def test_scaffold_leaves_a_folder_that_is_there(folder, call):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    call("register", "-d", folder)
    for arguments in (("scaffold", "-n", "other"), ("download", "-n", "train")):
        with pytest.raises(BadInput, match="it is there already"):
            call(*arguments, "-d", folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_unchanged_folder_registers_once_and_a_changed_one_again(folder, call):
    assert call("register", "-d", folder) == "train:1\n"
    assert call("register", "-d", folder) == "train:1\n"
    change(folder, "anaconda", "pytorch")
    assert call("register", "-d", folder) == "train:2\n"
    assert json.loads(call("register", "-d", folder, "--format", "json"))["labels"] == ["latest"]


def test_list_and_versions_have_stable_json(folder, call):
    call("register", "-d", folder)
    change(folder, "anaconda", "pytorch")
    call("register", "-d", folder)
    (row,) = json.loads(call("list", "--format", "json"))
    assert (row["name"], row["version"], row["versions"]) == ("train", "2", 2)
    rows = json.loads(call("versions", "train", "--format", "json"))
    assert [(row["version"], row["labels"]) for row in rows] == [("2", ["latest"]), ("1", [])]
    assert call("list").splitlines()[1].split()[:3] == ["train", "2", "2"]
    assert call("versions", "train").splitlines()[2].split()[0] == "1"
    assert "AzureML-Minimal" in call("list", "--curated")


def test_empty_lists_are_printed(call):
    assert json.loads(call("list", "--format", "json")) == []
    assert call("list").startswith("NAME")


def test_show_prints_the_definition(folder, call):
    call("register", "-d", folder)
    assert json.loads(call("show", "train:1"))["python"]["condaDependencies"]["channels"]
    assert json.loads(call("show", "azureml:AzureML-Minimal@latest"))["name"] == "AzureML-Minimal"
    with pytest.raises(EnvironmentNotFound, match="there is no environment trian") as raised:
        call("show", "trian")
    assert "train" in raised.value.hint


def test_download_gives_back_what_was_registered(folder, call, tmp_path):
    call("register", "-d", folder)
    change(folder, "anaconda", "pytorch")
    call("register", "-d", folder)
    call("download", "-n", "train", "-d", tmp_path / "one", "--version", "1")
    call("download", "-n", "train", "-d", tmp_path / "two")
    assert "anaconda" in (tmp_path / "one" / "conda_dependencies.yml").read_text()
    assert "pytorch" in (tmp_path / "two" / "conda_dependencies.yml").read_text()
    assert call("diff", "train:1", f"{tmp_path}/one") == "train:1 and train:1 are the same\n"
    assert call("register", "-d", tmp_path / "two") == "train:2\n"
    change(tmp_path / "two", "pytorch", "other")
    assert call("register", "-d", tmp_path / "two") == "train:3\n"


def test_diff_tells_fields_and_what_is_rebuilt(folder, call):
    call("register", "-d", folder)
    change(folder, "- anaconda\n- conda-forge", "- conda-forge\n- anaconda")
    call("register", "-d", folder)
    shown = call("diff", "train:1", "train")
    assert "python.condaDependencies.channels: in another order" in shown
    assert "the conda environment would be made again" in shown
    found = json.loads(call("diff", "train:1", "train", "--format", "json"))
    assert [item["field"] for item in found["changes"]] == ["python.condaDependencies.channels"]
    assert (found["environment_rebuilt"], found["image_rebuilt"]) == (True, True)


def test_diff_takes_a_folder_by_its_bare_name_and_what_is_registered_first(folder, call, monkeypatch):
    call("register", "-d", folder)
    monkeypatch.chdir(folder.parent)
    assert "are the same" in call("diff", "train", "files")
    os.mkdir("train")
    assert "are the same" in call("diff", "train", "train:1")
    with pytest.raises(LocalrunError, match="train2"):
        call("diff", "train", "train2")


def test_folder_with_an_environment_yaml_is_registered_and_compared(call, tmp_path):
    (tmp_path / "environment.yml").write_text(
        "name: given\nimage: some/image:1\nconda_file: {dependencies: [python=3.11]}\n"
    )
    assert call("register", "-d", tmp_path) == "given:1\n"
    found = json.loads(call("show", "given"))
    assert found["python"]["condaDependencies"] == {"dependencies": ["python=3.11"]}
    assert found["docker"]["baseImage"] == "some/image:1"
    assert "are the same" in call("diff", "given", tmp_path)
    assert call("register", "-d", tmp_path, "-n", "other") == "other:1\n"
    (tmp_path / "environment.yml").write_text("dependencies: [python=3.11]\n")
    with pytest.raises(BadInput, match="the environment has no name") as caught:
        call("register", "-d", tmp_path)
    assert "-n NAME" in caught.value.hint
    call("register", "-d", tmp_path, "-n", "plain")
    assert call("diff", "plain", tmp_path) == f"plain:1 and {tmp_path} are the same\n"


def test_diff_of_variables_rebuilds_nothing(folder, call):
    call("register", "-d", folder)
    path = folder / "azureml_environment.json"
    path.write_text(path.read_text().replace("EXAMPLE_VALUE", "OTHER"))
    call("register", "-d", folder)
    shown = call("diff", "train:1", "train:2")
    assert 'environmentVariables.EXAMPLE_ENV_VAR: "EXAMPLE_VALUE" -> "OTHER"' in shown
    assert "the conda environment stays as it is\nthe image stays as it is\n" in shown


def test_existing_conda_environment_is_imported(call, tmp_path):
    meta = tmp_path / "envs" / "old" / "conda-meta"
    meta.mkdir(parents=True)
    record = {"name": "python", "version": "3.11.4", "channel": "conda-forge", "files": []}
    (meta / "python-3.11.4-0.json").write_text(json.dumps(record))
    assert call("import", "--conda-env", tmp_path / "envs" / "old") == "old:1\n"
    assert json.loads(call("show", "old"))["python"]["condaDependencies"]["dependencies"] == ["python=3.11.4"]
    call("import", "--conda-env", tmp_path / "envs" / "old", "-n", "new", "-d", tmp_path / "out")
    assert "python=3.11.4" in (tmp_path / "out" / "conda_dependencies.yml").read_text()


@pytest.mark.parametrize("name", ["AzureML-mine", "microsoft-x", "../x", "a/b", "a\nb", "\x1b[31mred"])
def test_bad_names_register_nothing(folder, call, name):
    with pytest.raises(BadInput):
        call("register", "-d", folder, "-n", name)
    with pytest.raises(BadInput):
        call("import", "--conda-env", name)
    assert registry.names(os.environ["LOCALRUN_HOME"]) == []


def test_folder_without_an_environment_is_named(call, tmp_path):
    for place in (tmp_path / "nothing", tmp_path):
        with pytest.raises(BadInput, match=r"azureml_environment\.json"):
            call("register", "-d", place)


def test_version_that_is_there_with_another_definition_stays(folder, call):
    call("register", "-d", folder)
    change(folder, "anaconda", "pytorch")
    with pytest.raises(BadInput, match="version 1 with another definition"):
        call("register", "-d", folder, "--version", "1")
    assert len(json.loads(call("versions", "train", "--format", "json"))) == 1
