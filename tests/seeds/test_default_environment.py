"""The blocks that run in the default environment of Azure ML: its channels and packages have stand-ins on disk.

The stand-in for `python=3.8.13` is the Python of this machine under that version; `azureml-defaults` is an empty wheel.
"""

from __future__ import annotations

import os
import platform
import sys
import zipfile

import pytest

from localrun import Workspace
from localrun.adapters.host import SUBDIRECTORIES
from localrun.testing.channel import make_package
from localrun.testing.interpreter import PLACEHOLDER, probe_interpreter, stage_interpreter
from localrun.testing.packages import Package, read_folder
from localrun.values import replace

sys.path.insert(0, os.path.dirname(__file__))  # tests are not packages
from block_kit import run_block

pytestmark = pytest.mark.channel
SCRIPT = "import os, sys\nprint(os.environ['EXAMPLE_ENV_VAR'], sys.prefix)\nimport azureml_defaults\n"


def write_wheel(folder):
    facts = "azureml_defaults-1.61.0.dist-info"
    with zipfile.ZipFile(folder / "azureml_defaults-1.61.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("azureml_defaults.py", "")
        wheel.writestr(f"{facts}/METADATA", "Metadata-Version: 2.1\nName: azureml-defaults\nVersion: 1.61.0\n")
        wheel.writestr(f"{facts}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{facts}/RECORD", "")


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory):
    """Give a folder with `anaconda` and `conda-forge` as channels in it, and a wheel."""
    folder = tmp_path_factory.mktemp("stand-ins")
    interpreter = probe_interpreter(sys.executable)
    prefix = folder / "prefix"
    prefix.mkdir()
    placed = stage_interpreter(interpreter, str(prefix))
    python = read_folder(str(prefix), "python", "3.8.13")
    files = tuple(replace(file, placeholder=PLACEHOLDER) if file.path in placed else file for file in python.files)
    subdirectory = SUBDIRECTORIES[sys.platform, platform.machine()]
    python = replace(python, files=files, build="stand_in_0", subdir=subdirectory, noarch="")
    for name in ("anaconda", "conda-forge"):
        os.makedirs(folder / name / "noarch")
        make_package(str(folder / name), python if name == "anaconda" else Package(name="nothing", version="1"))
        make_package(str(folder / name), Package(name="pip", version="24.0"))
    write_wheel(folder)
    return folder


@pytest.fixture
def project(stand_ins, tmp_path, monkeypatch):
    (tmp_path / "condarc").write_text(f"channel_alias: file://{stand_ins}\n")
    monkeypatch.setenv("CONDARC", str(tmp_path / "condarc"))
    monkeypatch.setenv("UV_FIND_LINKS", str(stand_ins))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_howto_13_a_run_without_an_environment_runs_in_the_default_one(project, own_workspace, capsys):
    (project / "example.py").write_text(SCRIPT)
    run = run_block("howto-13", {"ws": Workspace.from_config()})["run"]
    assert run.get_status() == "Completed"
    shown = capsys.readouterr().out
    assert f"EXAMPLE_VALUE {own_workspace}" in shown
    assert run.get_environment().name == "default-environment"


def test_howto_21_a_run_in_a_new_environment(project, own_workspace):
    (project / "train.py").write_text(SCRIPT)
    run = run_block("howto-21", {"ws": Workspace.from_config()})["run"]
    assert run.wait_for_completion()["status"] == "Completed"
    assert run.get_environment().name == "myenv"
