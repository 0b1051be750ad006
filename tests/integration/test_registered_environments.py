"""Environments by name on the real command line: registered, run, built, and never stale."""

from __future__ import annotations

import json
import os
import sys
import time

import pytest

from localrun import Environment, Workspace

SCRIPT = "import os; print('value', os.environ['VALUE'])\n"


def register(value, name="mine"):
    environment = Environment(name)
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = sys.executable
    environment.environment_variables.clear()
    environment.environment_variables["VALUE"] = value
    return environment.register(Workspace.from_config())


@pytest.mark.parametrize("reference", ["mine", "azureml:mine@latest", "mine@latest"])
def test_new_version_is_run_at_once_although_the_call_was_warm(localrun, reference):
    localrun.write("t.py", SCRIPT)
    register("one")
    time.sleep(0.15)  # a file that has just been written is not trusted
    for _ in range(2):
        assert b"value one" in localrun.run("-E", reference, "t.py").stdout
    register("two")
    assert b"value two" in localrun.run("-E", reference, "t.py").stdout
    assert b"value one" in localrun.run("-E", "mine:1", "t.py").stdout


def test_job_names_a_registered_environment(localrun):
    register("job")
    localrun.write("t.py", SCRIPT)
    localrun.write("job.yml", "command: python t.py\ncode: .\nenvironment: azureml:mine@latest\n")
    assert b"value job" in localrun.run("job.yml").stdout
    localrun.write("job.yml", "command: python t.py\ncode: .\nenvironment: azureml:mine:5\n")
    refused = localrun.run("job.yml")
    assert refused.returncode == 125
    assert b"job.yml:3: environment: environment mine has no version 5" in refused.stderr


def test_curated_environment_is_planned_by_every_reference(localrun):
    localrun.write("t.py", SCRIPT)
    prints = set()
    for reference in (
        "AzureML-sklearn-1.5",
        "azureml:AzureML-sklearn-1.5:1",
        "azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
    ):
        plan = json.loads(localrun.command("plan", "--format", "json", "-E", reference, "t.py").stdout)
        prints.add(plan["environment"]["fingerprint"])
        assert "scikit-learn~=1.5.0" in plan["environment"]["pip"]
    assert len(prints) == 1


@pytest.mark.channel
@pytest.mark.usefixtures("warm_workspace")
def test_registered_environment_is_built_and_run(localrun, python_channel):
    localrun.command("env", "scaffold", "-n", "real", "-d", "real")
    conda = f"channels: ['{python_channel}']\ndependencies: [python, pip]\n"
    localrun.write("real/conda_dependencies.yml", conda)
    assert localrun.command("env", "register", "-d", "real").stdout == b"real:1\n"
    built = localrun.command("env", "build", "real:1")
    prefix = built.stdout.decode().strip()
    assert os.path.exists(os.path.join(prefix, "bin", "python")), built.stderr
    assert localrun.command("env", "build", "real").stdout == built.stdout
    localrun.write("t.py", "import os; print(os.environ['AZUREML_CONDA_ENVIRONMENT_PATH'])\n")
    assert prefix.encode() in localrun.run("-E", "real", "t.py").stdout
    imported = localrun.command("env", "import", "--conda-env", prefix, "-n", "copy")
    assert imported.stdout == b"copy:1\n", imported.stderr
    found = json.loads(localrun.command("env", "show", "copy").stdout)["python"]["condaDependencies"]
    assert found["channels"] == [python_channel.rstrip("/")]
    assert any(spec.startswith("python=") for spec in found["dependencies"])


def test_a_run_registers_its_environment_without_listing_it_and_its_record_names_it(localrun):
    script = localrun.write("train.py", "print('x')")
    plan = ("-E", f"interpreter:{sys.executable}", script)
    for _ in range(3):  # the last ones find the plan of the first
        assert localrun.run(*plan).returncode == 0
    named = {record["plan"]["environment"]["registered"] for record in localrun.records()}
    assert len(named) == 1
    version = named.pop()
    assert version.startswith("localrun-anonymous:Autosave_")
    listed = localrun.command("env", "list", "--format", "json")
    assert json.loads(listed.stdout) == []
    shown = localrun.command("env", "show", version)
    assert json.loads(shown.stdout)["python"]["interpreterPath"] == sys.executable


def test_a_run_of_a_registered_environment_names_its_version(localrun):
    localrun.write("azureml_environment.json", json.dumps(USER_MANAGED))
    assert localrun.command("env", "register", "-d", localrun.source).returncode == 0
    assert localrun.run("-E", "own", localrun.write("train.py", "print('x')")).returncode == 0
    assert localrun.record()["plan"]["environment"]["registered"] == "own:1"


def test_a_run_of_a_changed_curated_environment_is_refused_before_anything_is_made(localrun):
    localrun.write("azureml_environment.json", json.dumps(USER_MANAGED | {"name": "AzureML-own"}))
    done = localrun.run("-E", localrun.source, localrun.write("train.py", "print('x')"))
    assert done.returncode == 125
    assert b"Environment name can not start with the prefix AzureML" in done.stderr
    assert localrun.records() == []


USER_MANAGED = {
    "name": "own",
    "environmentVariables": {},
    "python": {"userManagedDependencies": True, "interpreterPath": sys.executable},
}
