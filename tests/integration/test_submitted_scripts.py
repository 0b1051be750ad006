"""What a submitted script logs, and the secrets it gets, from Python."""

from __future__ import annotations

import os
import sys

import pytest

from localrun import Environment, Experiment, ScriptRunConfig, Workspace

SCRIPT = """
import os
from azureml.core import Run
run = Run.get_context()
run.log("accuracy", 0.5)
run.log("loss", 2); run.log("loss", 1)
run.add_properties({"p": "q"})
run.upload_file("models/m", __file__)
print("token", os.environ["TOKEN"])
"""


@pytest.fixture
def run(own_workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("LOCALRUN_SECRETS", "file")
    (tmp_path / "train.py").write_text(SCRIPT)
    workspace = Workspace.from_config()
    workspace.get_default_keyvault().set_secret("token", "the-planted-value")
    environment = Environment("mine")
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = sys.executable
    environment.environment_variables["TOKEN"] = "@Microsoft.KeyVault(VaultName=any;SecretName=token)"
    run = Experiment(workspace, "exp").submit(ScriptRunConfig(str(tmp_path), "train.py", environment=environment))
    run.wait_for_completion()
    return run


def test_metrics_properties_and_files_are_read_from_the_run(run, tmp_path):
    assert run.get_metrics() == {"accuracy": 0.5, "loss": [2, 1]}
    assert run.get_metrics("accuracy") == {"accuracy": 0.5}
    assert run.get_properties() == {"p": "q"}
    assert "models/m" in run.get_file_names()
    run.download_file("models/m", str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_text() == SCRIPT


def test_a_secret_reaches_the_script_and_is_nowhere_else(run, own_workspace):
    for place, _, names in os.walk(own_workspace):
        for name in names:
            path = os.path.join(place, name)
            if not os.path.islink(path):
                with open(path, "rb") as file:
                    data = file.read()
                assert b"the-planted-value" not in data, path
                if name == "std_log.txt":
                    assert data.endswith(b"token ***\n")
