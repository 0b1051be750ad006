"""What scripts have logged, as the command line shows it."""

from __future__ import annotations

import csv
import json
import os

import pytest
from run_kit import wait_until

SCRIPT = """
import sys
from azureml.core import Run
run = Run.get_context()
run.tag("name", sys.argv[1])
for number in range(5):
    run.log("loss", float(sys.argv[2]) / (number + 1), step=number)
run.log("accuracy", sys.argv[2])
"""


@pytest.fixture
def runs(localrun):
    script = localrun.write("train.py", SCRIPT)
    for name, number in (("one", "1"), ("two", "2")):
        assert localrun.run("-q", script, name, number).returncode == 0
    localrun.run("-q", "--command", "true")
    return [record["run_id"] for record in localrun.records()]


def test_metrics_are_shown_as_a_table_json_and_csv(localrun, runs):
    rows = localrun.command("metrics", runs[0]).stdout.decode().splitlines()
    assert rows[0].split() == ["METRIC", "VALUES", "LAST", "MIN", "MAX"]
    assert rows[2].split() == ["loss", "5", "0.2", "0.2", "1"]
    (found,) = json.loads(localrun.command("metrics", "--format", "json", "-m", "loss", runs[1]).stdout)
    assert found["run_id"] == runs[1]
    assert [(item["step"], item["value"]) for item in found["metrics"]["loss"][:2]] == [(0, 2.0), (1, 1.0)]
    text = localrun.command("metrics", "--format", "csv", *runs[:2]).stdout.decode()
    lines = list(csv.DictReader(text.splitlines()))
    assert len(lines) == 12
    assert lines[0].keys() == {"run_id", "metric", "step", "at", "value"}


def test_a_metric_that_is_not_there_is_named(localrun, runs):
    done = localrun.command("metrics", "-m", "los", runs[0])
    assert done.returncode == 125
    assert b"did you mean loss?" in done.stderr


def test_runs_are_sorted_and_filtered_by_what_they_logged(localrun, runs):
    shown = localrun.command("ps", "--sort", "metric:accuracy").stdout.decode().splitlines()
    assert [row.split()[0] for row in shown[1:]] == [runs[1], runs[0], runs[2]]
    assert shown[0].split()[-1] == "accuracy"
    assert localrun.command("ps", "-q", "--filter", "tags.name=one").stdout.decode().split() == [runs[0]]
    assert b"is no filter" in localrun.command("ps", "--filter", "nonsense").stderr


def test_a_plot_is_drawn_and_written(localrun, runs):
    drawn = localrun.command("plot", "loss", *runs[:2]).stdout.decode()
    assert "●" in drawn
    assert runs[1] in drawn
    for name, start in (("a.png", b"\x89PNG"), ("a.svg", b"<?xml")):
        assert localrun.command("plot", "-o", name, "loss", *runs[:2]).returncode == 0
        with open(os.path.join(localrun.source, name), "rb") as file:
            assert file.read().startswith(start)
    assert b"ends in none of" in localrun.command("plot", "-o", "a.gif", "loss", runs[0]).stderr


def test_a_live_run_shows_what_it_has_logged_so_far(localrun, tmp_path):
    marker = tmp_path / "marker"
    text = f"""
import time
from azureml.core import Run
Run.get_context().log("loss", 0.25)
open({str(marker)!r}, "w").close()
time.sleep(600)
"""
    with localrun.start("run", localrun.write("train.py", text)) as child:
        wait_until(marker.exists, 30)
        wait_until(localrun.records, 30)
        inspected = json.loads(localrun.command("inspect", "latest").stdout)
        assert inspected["metrics"] == {"loss": 0.25}
        assert b"0.25" in localrun.command("metrics", "latest").stdout
        child.terminate()
        child.communicate(timeout=30)


def test_a_name_with_control_characters_is_shown_escaped(localrun):
    text = "from azureml.core import Run; Run.get_context().log('a\\x1b[31m', 1)"
    localrun.run("-q", localrun.write("train.py", text))
    for form in ("text", "csv", "json"):
        assert b"\x1b" not in localrun.command("metrics", "--format", form, "latest").stdout


def test_a_chart_without_matplotlib_is_drawn_on_the_terminal_alone(localrun, runs, tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError\n")
    env = {"PYTHONPATH": str(tmp_path)}
    assert "●" in localrun.command("plot", "loss", *runs[:2], env=env).stdout.decode()
    refused = localrun.command("plot", "-o", "a.png", "loss", runs[0], env=env)
    assert refused.returncode == 125
    assert b"pip install 'localrun[plot]'" in refused.stderr
    assert not os.path.exists(os.path.join(localrun.source, "a.png"))
