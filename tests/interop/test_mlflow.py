"""MLflow 2 and 3, unchanged: what a script logs with it ends in the record."""

from __future__ import annotations

import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))

from run_kit import Driver

SCRIPT = """
import os, warnings
warnings.simplefilter("ignore")
import mlflow
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier
mlflow.sklearn.autolog(log_models=False)
with mlflow.start_run() as run:
    mlflow.log_metric("train/loss", 0.5, step=1)
    mlflow.log_metric("train/loss", 0.25, step=2)
    mlflow.log_metrics({"nan": float("nan")})
    mlflow.log_param("depth", os.environ.get("RANK", "0"))
    mlflow.set_tag("mine", "yes")
    with open("note.txt", "w") as file:
        file.write("x")
    mlflow.log_artifact("note.txt")
    DecisionTreeClassifier(max_depth=3).fit(*load_iris(return_X_y=True))
    with mlflow.start_run(nested=True):
        mlflow.log_metric("nested", 1)
print("mlflow", mlflow.__version__)
"""


@pytest.fixture
def localrun(own_workspace, tmp_path):
    return Driver(own_workspace, tmp_path / "source")


@pytest.mark.slow
@pytest.mark.parametrize("version", [2, 3])
def test_metrics_params_tags_and_artifacts_end_in_the_record(localrun, mlflow_python, version):
    script = localrun.write("train.py", SCRIPT)
    done = localrun.run("-E", f"interpreter:{mlflow_python(version)}", script, timeout=120)
    assert done.returncode == 0, done.stdout
    assert f"mlflow {version}." in done.stdout.decode()
    record = localrun.record()
    metrics = record["metrics"]
    assert (metrics["train/loss"], metrics["nan"], metrics["nested"]) == (0.25, "NaN", 1)
    assert metrics["training_accuracy_score"] > 0.9  # by autolog
    assert record["params"]["max_depth"] == "3"
    assert record["params"]["depth"] == "0"
    assert record["tags"]["mine"] == "yes"
    assert record["tags"]["estimator_name"] == "DecisionTreeClassifier"
    (note,) = [path for path in record["artifacts"] if path.endswith("/artifacts/note.txt")]
    assert os.path.isfile(os.path.join(record["folder"], note))


@pytest.mark.slow
@pytest.mark.parametrize("version", [2, 3])
def test_ranks_that_log_at_once_lose_nothing(localrun, mlflow_python, version, tmp_path):
    text = """
import mlflow, os, pathlib, time
me, other = (pathlib.Path(os.environ["LOCALRUN_TEST_MEET"], rank) for rank in (os.environ["RANK"], str(1 - int(os.environ["RANK"]))))
me.touch()
while not other.exists():
    time.sleep(0.001)
with mlflow.start_run():
    for step in range(50):
        mlflow.log_metric("loss", step, step=step)
"""
    script = localrun.write("train.py", text)
    (tmp_path / "meet").mkdir()
    meet = ("--env", f"LOCALRUN_TEST_MEET={tmp_path}/meet")
    done = localrun.run("-n", "2", *meet, "-E", f"interpreter:{mlflow_python(version)}", script, timeout=120)
    assert done.returncode == 0, done.stdout
    from localrun.workspace.metrics import read_series

    record = localrun.record()
    points = read_series(record["folder"], record["run_id"])["loss"]
    assert sorted(step for _, step, _ in points) == sorted([*range(50), *range(50)])
