"""A script that uses all of `Run`, and what is to be found of it afterwards."""

from __future__ import annotations

import os

SCRIPT = """
import os, sys
from azureml.core import Run
from azureml.core.run import _OfflineRun
run = Run.get_context()
assert isinstance(run, _OfflineRun)
assert run.id == os.environ["AZUREML_RUN_ID"] == Run.get_context(allow_offline=False).id
run.log("accuracy", 0.5)
run.log("accuracy", 0.75, step=2, description="of the test set")
run.log_list("losses", [3, 2])
run.log_row("row", x=1, y=2)
run.log_table("table", {"a": [1, 2]})
run.log_confusion_matrix("matrix", {"schema_type": "confusion_matrix", "data": {"matrix": [[1]]}})
run.log_accuracy_table("accuracies", {"data": {}})
run.log_predictions("predictions", {"data": {}})
run.log_residuals("residuals", {"data": {}})
open("plot.png", "wb").write(b"PNG")
run.log_image("plot", path="plot.png")
class Plot:
    def savefig(self, path, format):
        open(path, "w").write(format)
run.log_image("drawn plot", plot=Plot())
run.tag("stage", "test")
run.set_tags({"team": 7})
run.add_properties({"p": 1})
os.makedirs("folder/deep")
open("folder/deep/file", "w").write("x")
run.upload_file("models/model.pkl", "plot.png")
run.upload_file("outputs/model.pkl", "plot.png")
run.upload_files(["a", "b"], ["plot.png", "plot.png"])
run.upload_folder("data", "folder")
print("names", run.get_file_names())
with run.child_run("fold") as child:
    child.log("loss", 1)
    assert child.parent is run
assert run.parent is None
assert run.get_metrics("accuracy") == {"accuracy": [0.5, 0.75]}
assert run.get_tags() == {"stage": "test", "team": "7"} == run.tags
assert run.properties == {"p": "1"}
assert run.get_details()["runId"] == run.id
assert run.experiment.name == os.environ["AZUREML_EXPERIMENT_NAME"]
assert run.experiment.workspace.get_default_keyvault().get_secret("token") == run.get_secret("token")
assert run.get_secrets(["token", "nope"]) == {"token": os.environ["TOKEN"], "nope": None}
try:
    run.get_secret("nope")
except LookupError as error:
    print(error)
run.get_environment().name
assert run.input_datasets == {}
model = run.register_model("mine", model_path="outputs/model.pkl", tags={"a": "b"})
assert (model.name, model.version) == ("mine", 1)
for bad in ("../up", "/", ""):
    try:
        run.upload_file(bad, "plot.png")
    except ValueError as error:
        print(error)
run.flush()
run.fail("it went wrong", "CODE")
run.complete()
"""
PRINTED = [
    "Attempted to log scalar metric accuracy:",
    "0.5",
    "Attempted to log list metric losses:",
    "[3, 2]",
    "Attempted to log row metric row:",
    "{'x': 1, 'y': 2}",
    "Attempted to log residual metric residuals:",
    "Attempted to add tag stage with value test",
    "Attempted to set tags {'team': 7}",
    "Attempted to track file models/model.pkl at plot.png",
    "Attempted to track files ['a', 'b'] at ['plot.png', 'plot.png'] with timeout Nones",
    "Attempted to track folder data at folder",
    "Run failed with error code CODE:",
    "it went wrong",
]


def check(localrun, *flags):
    done = localrun.command("secret", "set", "token", stdin=open_value(localrun), env={"LOCALRUN_SECRETS": "file"})
    assert done.returncode == 0, done.stderr
    done = localrun.run(*flags, "--secret", "token=TOKEN", localrun.write("train.py", SCRIPT))
    assert done.returncode == 0, done.stderr + done.stdout
    lines = done.stdout.decode().splitlines()
    assert [line for line in PRINTED if line not in lines] == []
    record = localrun.record()
    assert record["metrics"] == {"accuracy": 0.75, "fold/loss": 1, "losses": 2, "row.x": 1, "row.y": 2}
    assert record["tags"] == {"stage": "test", "team": "7"}
    assert record["properties"] == {"p": "1"}
    assert {item["kind"] for item in record["tables"]} == {
        "table", "confusion_matrix", "accuracy_table", "predictions", "residuals", "image",
    }  # fmt: skip
    assert record["children"] == [{"run_id": f"{record['run_id']}.fold", "name": "fold"}]
    assert record["models"] == [{"name": "mine", "path": "outputs/model.pkl", "tags": {"a": "b"}}]
    assert record["files"] == ["a", "b", "data/deep/file", "models/model.pkl", "outputs/model.pkl"]
    files = os.path.join(record["folder"], "journal", "files")
    assert sorted(os.listdir(files)) == ["a", "b", "data", "drawn_plot.png", "models", "plot.png"]
    assert os.path.exists(os.path.join(record["folder"], "outputs", "model.pkl"))
    assert not os.path.exists(os.path.join(record["folder"], "journal", "up"))
    return lines


def open_value(localrun):
    reader, writer = os.pipe()
    os.write(writer, b"the-value-of-it")
    os.close(writer)
    return reader
