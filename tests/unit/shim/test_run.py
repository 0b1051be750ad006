"""What a script's `Run` does besides logging, in an interpreter that has no azureml-core."""

from __future__ import annotations

import importlib
import io
import json
import os
import sys

import pytest

from localrun import shim

ID = "exp_1_00"


def leave_out():
    for name in [name for name in sys.modules if name.partition(".")[0] in {"azureml", "_localrun_shim"}]:
        del sys.modules[name]


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Give the module `azureml.core` as a rank has it, in a run of its own."""
    (tmp_path / "wd").mkdir()
    monkeypatch.chdir(tmp_path / "wd")
    monkeypatch.syspath_prepend(shim.PATH)
    given = {
        "AZUREML_RUN_ID": ID,
        "AZUREML_EXPERIMENT_NAME": "exp",
        "LOCALRUN_JOURNAL": str(tmp_path / "journal"),
        "AZUREML_CR_EXECUTION_WORKING_DIR_PATH": str(tmp_path / "wd"),
        "LOCALRUN_CONTEXT": json.dumps({"target": "docker", "tags": {"a": "1"}, "secrets": {"token": "TOKEN"}}),
        "TOKEN": "the value",
    }
    for name, text in given.items():
        monkeypatch.setenv(name, text)
    leave_out()
    yield importlib.import_module("azureml.core")
    _, file = sys.modules["_localrun_shim.journal"].JOURNAL._held
    if file >= 0:
        os.close(file)
    leave_out()


@pytest.fixture
def run(script):
    return script.Run.get_submitted_run()


def said(tmp_path, kind):
    lines = [line for file in (tmp_path / "journal").glob("*.jsonl") for line in file.read_text().splitlines()]
    return [entry for entry in map(json.loads, lines) if entry["k"] == kind]


def test_what_the_stand_in_has_not_is_named_with_what_to_do(script):
    with pytest.raises(AttributeError, match="add azureml-core to the environment to use Dataset"):
        script.Dataset  # noqa: B018
    with pytest.raises(AttributeError, match="__wrapped__"):
        script.__wrapped__  # noqa: B018


def test_a_run_tells_what_it_is(run):
    assert (run.id, run.status, run.get_status(), run.get_portal_url()) == (ID, "Running", "Running", "")
    assert repr(run) == f"Run(Experiment: exp,\nId: {ID},\nStatus: Running)"
    assert run.wait_for_completion() == run.get_details()
    assert (run.get_details()["target"], run.name) == ("docker", ID)
    with pytest.raises(AttributeError, match="no Azure workspace, and not its datastores"):
        run.experiment.workspace.datastores  # noqa: B018


def test_tags_are_those_of_the_run_and_of_the_script_and_may_go(run):
    run.set_tags({"b": 2, "c": None})
    run.tag("d", "x")
    assert run.tags == {"a": "1", "b": "2", "d": "x"}
    assert run.remove_tags(["a", "d"]) == {"b": "2"}


def test_children_are_made_with_their_tags_and_end_by_themselves(run, tmp_path):
    first, second = run.create_children(tag_key="fold", tag_values=["1", "2"])
    assert (first.tags, second.tags, first.parent) == ({"fold": "1"}, {"fold": "2"}, run)
    assert len(run.create_children(2)) == 2
    with first:
        pass
    with pytest.raises(ValueError, match="no"), second:
        raise ValueError("no")
    with run:
        pass
    assert [(entry["r"], entry["v"]) for entry in said(tmp_path, "end")] == [
        (first.id, "completed"),
        (second.id, "failed"),
    ]
    run.cancel()
    assert said(tmp_path, "end")[-1]["v"] == "canceled"


def test_files_are_kept_under_their_names_and_copied_out(run, tmp_path):
    (tmp_path / "wd" / "a.txt").write_text("a")
    run.upload_file("deep/a.txt", "a.txt")
    run.upload_file("text", io.StringIO("ü"))
    run.upload_file("bytes", io.BytesIO(b"b"))
    os.makedirs("outputs")
    (tmp_path / "wd" / "outputs" / "model").write_text("m")
    run.upload_file("outputs/model", "outputs/model")  # it is where it belongs
    assert run.get_file_names() == ["bytes", "deep/a.txt", "outputs/model", "text"]
    (tmp_path / "to").mkdir()
    run.download_file("deep/a.txt", str(tmp_path / "to"))
    run.download_file("text")
    assert (tmp_path / "to" / "a.txt").read_text() == "a"
    assert (tmp_path / "wd" / "text").read_text() == "ü"
    for name in ("../up", ".", ""):
        with pytest.raises(ValueError, match="cannot name a file of a run"):
            run.upload_file(name, "a.txt")
    with pytest.raises(ValueError, match="needs a path or a plot"):
        run.log_image("chart")


def test_outside_of_a_run_nothing_is_kept_and_nothing_fails(run, tmp_path, monkeypatch):
    monkeypatch.delenv("LOCALRUN_JOURNAL")
    monkeypatch.setenv("LOCALRUN_CONTEXT", "nonsense")
    run.log("loss", 1)
    run.upload_file("a", "is not read")

    class Plot:
        def savefig(self, *_, **__):
            raise AssertionError("it has no place")

    run.log_image("chart", plot=Plot())
    assert (run.get_file_names(), run.tags, run.get_metrics()) == ([], {}, {})
    assert os.listdir(tmp_path / "wd") == []


def test_secrets_are_those_that_the_run_was_given(run):
    vault = run.experiment.workspace.get_default_keyvault()
    assert vault.list_secrets() == [{"name": "token"}]
    assert vault.get_secrets(["token", "other"]) == run.get_secrets(["token", "other"])
    assert run.get_secrets(["token", "other"]) == {"token": "the value", "other": None}
    with pytest.raises(LookupError, match="localrun run --secret other"):
        vault.get_secret("other")


def test_data_is_found_by_name(run, monkeypatch):
    monkeypatch.setenv("AZURE_ML_INPUT_train", "/in")
    monkeypatch.setenv("AZURE_ML_OUTPUT_model", "/out")
    assert (run.input_datasets, run.output_datasets) == ({"train": "/in"}, {"model": "/out"})
    monkeypatch.setenv("AZUREML_DATASET_ENVIRONMENT_VARS", "mounted:x,gone")
    monkeypatch.setenv("mounted", "/m")
    assert run.input_datasets == {"train": "/in", "mounted": "/m"}


def test_what_json_does_not_know_is_stored_as_number_list_or_text(run, tmp_path):
    class Array:
        def tolist(self):
            return [1, 2]

    class Many:
        def tolist(self):
            raise ValueError("not this way")

        def item(self):
            raise ValueError("more than one")

        def __str__(self):
            return "many"

    class Number:
        def __float__(self):
            return 0.5

    for value in (Array(), Many(), Number(), {3}, float("nan")):
        run.log("x", value)
    run.log("x", Number(), step=3)
    found = [entry["v"] for entry in said(tmp_path, "log")]
    assert found[:4] == [[1, 2], "many", 0.5, [3]]
    assert found[4] != found[4]
    assert (found[5], said(tmp_path, "log")[5]["s"]) == (0.5, 3)


def test_a_line_that_is_being_written_is_not_read_yet(run, tmp_path):
    run.log("x", 1)
    (tmp_path / "journal" / "0-1-aa.jsonl").write_text('{"k": "log", "n": "x"')
    (tmp_path / "journal" / "notes.txt").write_text("none of ours")
    assert run.get_metrics() == {"x": 1}


def test_what_cannot_be_stored_is_told_once_and_the_script_goes_on(run, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LOCALRUN_JOURNAL", str(tmp_path / "file" / "journal"))
    run.log("x", 1)
    run.log("x", 2)
    assert capsys.readouterr().err == "localrun: what is logged cannot be stored: Not a directory\n"
