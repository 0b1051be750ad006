"""The blocks of the documentation that make images, on the real engine and with a registry on loopback.

In place of Azure ML's base image, which is fetched from the internet, stands one of the machine's.
"""

from __future__ import annotations

import os
import sys

import pytest

from localrun import Environment, Experiment, ScriptRunConfig, Workspace

sys.path.insert(0, os.path.dirname(__file__))  # tests are not packages
sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "integration"))
from block_kit import run_block
from engine_kit import PYTHON, Engine
from registry_kit import Registry


@pytest.fixture
def ws():
    return Workspace.from_config()


@pytest.fixture(scope="module")
def open_registry(tmp_path_factory):
    """Give a registry that everybody may push to."""
    with Registry(tmp_path_factory.mktemp("registry"), user="") as one:
        yield one


@pytest.fixture
def registry(open_registry, monkeypatch):
    """Name a registry as the project's."""
    monkeypatch.setenv("LOCALRUN_REGISTRY", open_registry.address)
    return open_registry


@pytest.fixture
def environment(tmp_path):
    """Give an environment whose image is of this test alone; what was made of it is removed."""
    made = Environment("mine")
    made.docker.base_dockerfile = f"FROM {PYTHON}\nLABEL localrun.test={os.urandom(8).hex()}\n"
    made.python.user_managed_dependencies = True
    made.python.interpreter_path = "python3"
    yield made
    engine = Engine()
    label = made.docker.base_dockerfile.split()[-1]
    images = engine.docker("image", "ls", "-q", "--filter", f"label={label}").split()
    if images:
        engine.docker("image", "rm", "--force", *set(images))


def test_guide_15_an_image_is_built_and_pushed(ws, environment, registry):
    names = run_block("guide-15", {"ws": ws, "mine": environment}, Environment_name_env_name="mine.clone('mine")
    assert names["registered_env"].version == "1"
    details = environment.get_image_details(ws)
    assert details["imageExistsInRegistry"]
    assert details.image.startswith(f"{registry.address}/azureml/azureml_")


def test_howto_09_image_details(ws, environment):
    details = run_block("howto-09", {"environment": environment, "ws": ws})["details"]
    assert not details.image_exist
    assert details.dockerfile == environment.docker.base_dockerfile


def test_howto_10_image_details_of_a_run(ws, environment, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "train.py").write_text("import os; print(os.environ['AZUREML_RUN_ID'])\n")
    config = ScriptRunConfig(str(source), script="train.py", environment=environment)
    run = Experiment(ws, "exp").submit(config)
    assert run.wait_for_completion()["status"] == "Completed"
    assert run.get_details()["target"] == "docker"
    details = run_block("howto-10", {"run": run, "ws": ws})["details"]
    assert details["imageExistsLocally"]


def test_howto_19_an_image_is_built_and_its_log_shown(ws, environment, capsys):
    names = run_block("howto-19", {"env": environment, "ws": ws}, from_localrun_import_Image="")
    assert names["build"].status == "Succeeded"
    assert "Image Build Status: Succeeded" in capsys.readouterr().err
    assert environment.get_image_details(ws).image_exist


def test_howto_20_an_image_is_built_locally_and_pushed(ws, environment, registry):
    name = run_block("howto-20", {"env": environment, "ws": ws})["build"]
    assert name.startswith("azureml/azureml_")
    assert environment.get_image_details(ws)["imageExistsInRegistry"]
