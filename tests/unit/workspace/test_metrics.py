"""What was logged is read from the journal and from MLflow's files, whoever wrote them at once."""

from __future__ import annotations

import json
import math

import pytest

from localrun.workspace.metrics import describe_logged, plain_number, read_series

RUN = "run_1"


@pytest.fixture
def write(tmp_path):
    def write(*entries, name="0-1-aa", end="\n"):
        folder = tmp_path / "journal"
        folder.mkdir(exist_ok=True)
        with open(folder / f"{name}.jsonl", "a") as file:
            file.write("\n".join(json.dumps({"r": RUN, **entry}) for entry in entries) + end)

    return write


@pytest.fixture
def mlflow(tmp_path):
    run = tmp_path / "mlruns" / "0" / "abc"
    for name in ("metrics/train", "params", "tags"):
        (run / name).mkdir(parents=True)
    (run / "meta.yaml").write_text("x: 1\n")
    return run


def test_processes_are_merged_by_time(tmp_path, write):
    write({"k": "log", "n": "loss", "v": 3, "t": 1.0}, {"k": "log", "n": "loss", "v": 1, "t": 3.0, "s": 7})
    write({"k": "log", "n": "loss", "v": 2, "t": 2.0}, name="1-2-bb")
    assert read_series(str(tmp_path), RUN) == {"loss": [(1.0, None, 3), (2.0, None, 2), (3.0, 7, 1)]}


def test_rows_and_lists_are_metrics(tmp_path, write):
    write({"k": "row", "n": "r", "v": {"x": 1, "y": 2}, "t": 1.0}, {"k": "list", "n": "l", "v": [5, 6], "t": 2.0})
    assert read_series(str(tmp_path), RUN) == {
        "l": [(2.0, 0, 5), (2.0, 1, 6)],
        "r.x": [(1.0, None, 1)],
        "r.y": [(1.0, None, 2)],
    }


def test_what_a_child_logs_stands_under_its_name(tmp_path, write):
    write({"k": "child", "n": "fold", "v": "run_1.fold", "t": 1.0})
    write({"k": "log", "n": "loss", "v": 1, "t": 2.0, "r": "run_1.fold"})
    assert list(read_series(str(tmp_path), RUN)) == ["fold/loss"]


def test_lines_that_are_none_are_passed_over(tmp_path, write):
    write({"k": "log", "n": "a", "v": 1, "t": 1.0})
    for text in ("nonsense\n", "[]\n", "{}\n", '{"k": "log", "t": 2.0}\n', '{"k": "log", "n": "a", "v'):
        write(name="1-2-bb", end=text)
    assert read_series(str(tmp_path), RUN) == {"a": [(1.0, None, 1)]}


def test_files_of_mlflow_are_read(tmp_path, mlflow):
    (mlflow / "metrics" / "acc").write_text("1000 0.5 0\n2000 0.75 1\n")
    (mlflow / "metrics" / "train" / "loss").write_text("1000 nan 0 name digest\n")
    (mlflow / "params" / "depth").write_text("3")
    (mlflow / "tags" / "mlflow.user").write_text("me")
    (mlflow / "tags" / "mine").write_text("yes")
    assert read_series(str(tmp_path), RUN)["acc"] == [(1.0, 0, 0.5), (2.0, 1, 0.75)]
    assert describe_logged(str(tmp_path), RUN) == {
        "metrics": {"acc": 0.75, "train/loss": "NaN"},
        "params": {"depth": "3"},
        "tags": {"mine": "yes"},
    }


def test_the_record_keeps_last_values_and_what_else_was_said(tmp_path, write):
    write(
        {"k": "log", "n": "a", "v": 1, "t": 1.0},
        {"k": "log", "n": "a", "v": 2, "t": 2.0},
        {"k": "tags", "v": {"x": "1", "y": "2"}, "t": 3.0},
        {"k": "tags", "v": {"y": None}, "t": 4.0},
        {"k": "properties", "v": {"p": "q"}, "t": 5.0},
        {"k": "table", "n": "t", "v": {"a": [1]}, "t": 6.0},
        {"k": "model", "n": "m", "v": {"path": "outputs/m", "tags": {}}, "t": 7.0},
        {"k": "file", "n": "f", "t": 8.0},
        {"k": "end", "v": "failed", "code": "c", "details": "d", "t": 9.0},
    )
    assert describe_logged(str(tmp_path), RUN) == {
        "metrics": {"a": 2},
        "tags": {"x": "1"},
        "properties": {"p": "q"},
        "tables": [{"name": "t", "kind": "table"}],
        "models": [{"name": "m", "path": "outputs/m", "tags": {}}],
        "files": ["f"],
        "reported": {"status": "failed", "code": "c", "details": "d"},
    }


def test_a_run_that_logged_nothing_has_nothing(tmp_path):
    assert describe_logged(str(tmp_path), RUN) == {}


@pytest.mark.parametrize(
    ("number", "shown"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (1, 1)]
)
def test_numbers_that_json_does_not_know_are_texts(number, shown):
    assert plain_number(number) == shown


def test_a_line_of_mlflow_without_a_value_is_passed_over_and_a_value_that_is_no_number_is_none(tmp_path, mlflow):
    (mlflow / "metrics" / "acc").write_text("1000\n\n2000 high 0\n3000 0.5 first\n")
    assert read_series(str(tmp_path), RUN) == {"acc": [(2.0, 0, None), (3.0, None, 0.5)]}


def test_a_folder_of_mlflow_without_its_document_is_no_run(tmp_path, mlflow):
    (mlflow / "metrics" / "acc").write_text("1000 0.5 0\n")
    (mlflow / "meta.yaml").unlink()
    assert describe_logged(str(tmp_path), RUN) == {}


def test_the_last_value_is_the_latest_whichever_process_wrote_it(tmp_path, write):
    write({"k": "log", "n": "a", "v": 2, "t": 2.0}, name="0-1-aa")
    write({"k": "log", "n": "a", "v": 1, "t": 1.0}, name="1-2-bb")
    assert describe_logged(str(tmp_path), RUN) == {"metrics": {"a": 2}}


def test_what_a_child_says_of_itself_is_not_said_of_the_run(tmp_path, write):
    write({"k": "child", "n": "fold", "v": "run_1.fold", "t": 1.0})
    write({"k": "tags", "v": {"x": "1"}, "t": 2.0, "r": "run_1.fold"})
    assert describe_logged(str(tmp_path), RUN) == {"children": [{"run_id": "run_1.fold", "name": "fold"}]}
