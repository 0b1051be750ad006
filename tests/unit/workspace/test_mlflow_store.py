"""MLflow's store is there before the ranks, and tells whether anything was logged."""

from __future__ import annotations

import os

import pytest
from ruamel.yaml import YAML

from localrun.plan import MLFLOW_URI
from localrun.resolve.variables import describe_mlflow
from localrun.workspace.mlflow_store import has_runs, make_store


@pytest.mark.parametrize("name", ["digits", "a: b", 'say "yes"', "実験 😀", "line\nbreak"])
def test_the_store_holds_the_experiment_of_the_run(tmp_path, name):
    folder = tmp_path / "with space%41"
    folder.mkdir()
    make_store(describe_mlflow(name), str(folder))
    meta = YAML(typ="safe").load((folder / "mlruns/0/meta.yaml").read_text("utf-8"))
    assert (meta["name"], meta["experiment_id"], meta["lifecycle_stage"]) == (name, "0", "active")
    assert meta["artifact_location"] == f"file://{tmp_path}/with%20space%2541/mlruns/0"
    assert meta["creation_time"] == meta["last_update_time"] > 1_700_000_000_000
    assert os.path.isdir(folder / "mlruns/.trash")


@pytest.mark.parametrize("variables", [{}, {"MLFLOW_TRACKING_URI": "http://tracking"}])
def test_no_store_is_made_when_the_ranks_log_elsewhere(tmp_path, variables):
    make_store(variables, str(tmp_path))
    assert os.listdir(tmp_path) == []
    assert not has_runs(str(tmp_path))


def test_an_experiment_without_a_name_is_the_default_one(tmp_path):
    make_store({"MLFLOW_TRACKING_URI": MLFLOW_URI}, str(tmp_path))
    assert 'name: "Default"\n' in (tmp_path / "mlruns/0/meta.yaml").read_text()


def test_a_store_has_runs_once_something_was_logged(tmp_path):
    make_store(describe_mlflow("x"), str(tmp_path))
    assert not has_runs(str(tmp_path))
    (tmp_path / "mlruns/0/abc").mkdir()
    assert has_runs(str(tmp_path))


def test_a_second_experiment_counts_as_logged(tmp_path):
    make_store(describe_mlflow("x"), str(tmp_path))
    (tmp_path / "mlruns/12").mkdir()
    assert has_runs(str(tmp_path))


def test_a_store_that_a_script_made_in_its_own_way_has_runs(tmp_path):
    assert not has_runs(str(tmp_path))
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / "a-file").write_text("")
    assert has_runs(str(tmp_path))
