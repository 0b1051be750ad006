"""Every code block of the documentation that localrun grew from, one test each; docs/seeds.md is their table.

`guide` is the page about environments of the Azure ML cheat sheets, `howto` the page "Create & use software
environments" of Azure ML's documentation. Placeholders get values; nothing else in a block is changed, apart from the
imports and the slips that the table names.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from localrun import Environment, Run, ScriptRunConfig, UserErrorException, Workspace

sys.path.insert(0, os.path.dirname(__file__))  # tests are not packages
from block_kit import FOLDER, read_block, run_block

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONDA = "name: mine\nchannels: [conda-forge]\ndependencies: [python=3.10, numpy, pip, {pip: [scipy]}]\n"


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "requirements.txt").write_text("numpy==1.26.4\n")
    (folder / "env.yml").write_text(CONDA)
    (folder / "Dockerfile").write_text("FROM example/base:1\n")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def ws():
    return Workspace.from_config()


def user_managed(name="mine"):
    environment = Environment(name)
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = sys.executable
    return environment


def submit(project, ws):
    from localrun import Experiment

    (project / "train.py").write_text("print('trained')\n")
    config = ScriptRunConfig(str(project), script="train.py", environment=user_managed())
    run = Experiment(ws, "exp").submit(config)
    run.wait_for_completion()
    return run


def conda_of(environment):
    found = environment.python.conda_dependencies
    return [*found.conda_packages], [*found.pip_packages]


def test_guide_01_environment_from_a_requirements_file():
    env = run_block("guide-01", path_to_requirements_txt="requirements.txt", env_name="mine")["env"]
    assert conda_of(env) == (["python=3.8.13", "pip"], ["numpy==1.26.4"])


def test_guide_02_environment_from_a_conda_file():
    env = run_block("guide-02", path_to_env_yml="env.yml", env_name="mine")["env"]
    assert conda_of(env) == (["python=3.10", "numpy", "pip"], ["scipy"])


def test_guide_03_environment_from_conda_dependencies():
    env = run_block("guide-03")["env"]
    assert conda_of(env) == (
        ["python=3.7", "pytorch", "torchvision"], ["azureml-defaults", "pyyaml", "mpi4py", "deepspeed"],
    )  # fmt: skip
    assert "pytorch" in [*env.python.conda_dependencies.conda_channels]


def test_guide_04_image_from_a_registry_whose_password_is_never_written(monkeypatch, project):
    monkeypatch.setenv("CONTAINER_PASSWORD", "top secret")
    env = run_block("guide-04", {"Environment": Environment, "os": os})["env"]
    assert env.docker.base_image == "<image-name>"
    assert env.docker.base_image_registry.password == "top secret"
    assert env.python.interpreter_path == "/opt/miniconda/envs/example/bin/python"
    env.save_to_directory(str(project / "saved"))
    assert "top secret" not in (project / "saved" / "azureml_environment.json").read_text()


def test_guide_05_environment_from_a_dockerfile():
    env = run_block("guide-05", {"Environment": Environment})["env"]
    assert env.docker.base_dockerfile == "FROM example/base:1\n"
    assert env.docker.base_image is None


def test_guide_05_a_dockerfile_that_is_not_there_is_an_error(project):
    (project / "Dockerfile").unlink()
    with pytest.raises(UserErrorException, match="Dockerfile"):
        run_block("guide-05", {"Environment": Environment})


def test_guide_06_requirements_on_an_own_dockerfile():
    env = run_block("guide-06", {"Environment": Environment}, path_to_requirements_txt="requirements.txt")["env"]
    assert conda_of(env)[1] == ["numpy==1.26.4"]
    assert env.docker.base_dockerfile == "FROM example/base:1\n"


def test_guide_08_private_image_with_secrets_of_a_vault(ws, monkeypatch):
    monkeypatch.setenv("LOCALRUN_SECRETS", "file")
    ws.get_default_keyvault().set_secrets({"username": "the username", "password": "the password"})
    env = run_block("guide-08", {"Environment": Environment, "ws": ws})["env"]
    assert env.docker.base_image == "/my/private/img:tag"  # the block's comma makes a tuple of it
    assert env.docker.base_image_registry.username == "the username"


def test_guide_09_environment_is_registered(ws):
    run_block("guide-09", {"env": user_managed(), "ws": ws})
    assert Environment.get(ws, "mine").version == "1"


def test_guide_10_environments_of_the_workspace(ws):
    user_managed().register(ws)
    envs = run_block("guide-10", {"Dict": dict, "Environment": Environment, "ws": ws})["envs"]
    assert "mine" in envs
    assert any(name.startswith("AzureML-") for name in envs)


def test_guide_11_environment_is_registered_found_and_found_by_version(ws, project):
    for number in range(5):
        (project / "requirements.txt").write_text(f"numpy==1.26.{number}\n")
        Environment.from_pip_requirements("my-env", "requirements.txt").register(ws)
    (project / "requirements.txt").write_text("numpy==2.0\n")
    env = run_block("guide-11", {"Environment": Environment, "ws": ws})["env"]
    assert (env.name, env.version, conda_of(env)[1]) == ("my-env", "6", ["numpy==2.0"])


def test_guide_12_environment_is_saved_to_a_directory(project):
    run_block("guide-12", {"env": user_managed()}, path_to_local_directory="saved")
    assert json.loads((project / "saved" / "azureml_environment.json").read_text())["name"] == "mine"


def test_guide_13_environment_is_loaded_from_a_directory(project):
    user_managed().save_to_directory(str(project / "saved"))
    env = run_block("guide-13", {"Environment": Environment}, path_to_local_directory="saved")["env"]
    assert (env.name, env.python.user_managed_dependencies) == ("mine", True)


def test_guide_14_environment_variable_of_an_environment():
    env = run_block("guide-14", {"Environment": Environment})["env"]
    assert env.environment_variables["EXAMPLE_ENV_VAR"] == "EXAMPLE_VALUE"


def test_guide_17_bootstrap_script_before_the_training(project, ws):
    from localrun import Experiment

    (project / "bootstrap.sh").write_text('echo "Running bootstrap.sh"\n')
    (project / "train.py").write_text("import sys\nprint(*sys.argv[1:])\nopen('outputs/a', 'w').close()\n")
    (project / "outputs").mkdir()
    known = {"ScriptRunConfig": ScriptRunConfig, "compute_target": "local", "environment": user_managed()}
    config = run_block("guide-17", known, path_to_code=".", command_command="command=cmd")["config"]
    run = Experiment(ws, "exp").submit(config)
    assert run.wait_for_completion()["status"] == "Completed"
    run.download_file("user_logs/std_log.txt")
    assert (project / "std_log.txt").read_text() == "Running bootstrap.sh\n--learning_rate 1e-5\n"


def test_guide_19_and_20_key_vault_of_the_workspace(ws, monkeypatch):
    monkeypatch.setenv("LOCALRUN_SECRETS", "file")
    monkeypatch.setenv("MY_SECRET", "the value")
    kv = run_block("guide-19")["kv"]
    run = SimpleNamespace(get_secret=kv.get_secret)  # a run has it in its script
    assert run_block("guide-20", {"kv": kv, "run": run}, my_secret="my-secret")["secret"] == "the value"


def test_howto_01_environment_by_its_constructor():
    assert run_block("howto-01")["Environment"] is Environment


def test_howto_02_curated_environment():
    env = run_block("howto-02")["env"]
    assert env.name == "AzureML-Minimal"
    assert env.python.conda_dependencies is not None


def test_howto_03_curated_environments_and_their_packages_are_printed(ws, capsys):
    run_block("howto-03", {"Environment": Environment, "ws": ws})
    shown = capsys.readouterr().out
    assert "Name AzureML-Minimal" in shown
    assert "azureml-defaults" in shown


def test_howto_04_environments_from_files():
    names = run_block(
        "howto-04", {"Environment": Environment},
        path_to_conda_specification_file="env.yml", path_to_pip_requirements_file="requirements.txt",
    )  # fmt: skip
    assert conda_of(names["myenv"])[1] == ["numpy==1.26.4"]


def test_howto_05_docker_is_enabled_and_reaches_the_run():
    myenv = run_block("howto-05", {"myenv": user_managed()})["myenv"]
    assert ScriptRunConfig(".", command="ls", environment=myenv).to_spec().target == "docker"


def test_howto_06_registry_as_a_text_is_its_address(project):
    myenv = run_block("howto-06", {"myenv": user_managed()})["myenv"]
    assert myenv.docker.base_image == "your_base-image"
    myenv.save_to_directory(str(project / "saved"))
    again = Environment.load_from_directory(str(project / "saved"))
    assert again.docker.base_image_registry.address == "your_registry_location"


def test_howto_07_dockerfile_as_a_text_and_from_a_file():
    myenv = run_block("howto-07", {"myenv": user_managed()})["myenv"]
    assert (myenv.docker.base_image, myenv.docker.base_dockerfile) == (None, "FROM example/base:1\n")


def test_howto_08_own_interpreter_in_an_own_image():
    myenv = run_block("howto-08", {"myenv": Environment("myenv")})["myenv"]
    assert myenv.docker.base_dockerfile.splitlines()[2] == "RUN conda install numpy"
    assert myenv.python.user_managed_dependencies
    assert myenv.python.interpreter_path == "/opt/miniconda/bin/python"


def test_howto_11_environment_from_an_existing_conda_environment(tmp_path, monkeypatch):
    prefix = tmp_path / "conda" / "envs" / "mycondaenv"
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta" / "history").touch()
    facts = {"name": "numpy", "version": "1.26.4", "build": "py311_0", "build_number": 0, "depends": [], "files": [],
        "channel": "https://conda.anaconda.org/conda-forge/linux-64", "fn": "numpy-1.26.4-py311_0.conda",
        "subdir": "linux-64", "url": "https://conda.anaconda.org/conda-forge/linux-64/numpy-1.26.4-py311_0.conda"}  # fmt: skip
    (prefix / "conda-meta" / "numpy-1.26.4-py311_0.json").write_text(json.dumps(facts))
    (tmp_path / ".conda").mkdir()
    (tmp_path / ".conda" / "environments.txt").write_text(f"{prefix}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    myenv = run_block("howto-11", {"Environment": Environment})["myenv"]
    assert "numpy=1.26.4" in conda_of(myenv)[0]


def test_howto_12_environment_is_saved_changed_and_loaded():
    changes = {"path_to_destination_directory": "saved", "path_to_source_directory": "saved"}
    names = run_block("howto-12", {"Environment": Environment, "myenv": Environment("myenv")}, **changes)
    assert names["newenv"] == names["myenv"] or names["newenv"].to_document() == names["myenv"].to_document()


def test_howto_14_packages_are_added():
    packages = conda_of(run_block("howto-14")["myenv"])
    assert packages == (["python=3.8.13", "numpy==1.17.0"], ["azureml-defaults", "pillow"])


def test_howto_15_environment_variables_are_assigned():
    myenv = run_block("howto-15", {"myenv": user_managed()})["myenv"]
    assert myenv.to_spec().environment_variables == (("MESSAGE", "Hello from Azure Machine Learning"),)


def test_howto_16_environment_is_registered(ws):
    run_block("howto-16", {"myenv": user_managed("myenv"), "ws": ws})
    assert "myenv" in ws.environments


def test_howto_17_environment_is_found_by_version(ws):
    user_managed("myenv").register(ws)
    restored = run_block("howto-17", {"Environment": Environment, "ws": ws})["restored_environment"]
    assert (restored.name, restored.version) == ("myenv", "1")


def test_howto_18_environment_of_a_run_is_asked_of_the_run_and_not_of_its_class(project, ws):
    run = submit(project, ws)
    assert run.get_environment().name == "mine"
    assert "Run.get_environment()" in read_block("howto-18")
    with pytest.raises(TypeError):
        Run.get_environment()


def command(block, folder):
    """Run a block of the command line, `localrun` in place of `az ml`."""
    words = read_block(block).split()
    assert words[:2] == ["az", "ml"]
    words = [sys.executable, "-m", "localrun", *words[2:]]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_howto_23_scaffold_on_the_command_line(project):
    command("howto-23", project)
    assert json.loads((project / "myenvdir" / "azureml_environment.json").read_text())["name"] == "myenv"
    assert (project / "myenvdir" / "conda_dependencies.yml").exists()


def test_howto_24_and_25_register_and_list_on_the_command_line(project):
    command("howto-23", project)
    command("howto-24", project)
    assert re.search(r"^myenv\s+1\b", command("howto-25", project), re.MULTILINE)


def test_howto_26_download_on_the_command_line(project):
    for block in ("howto-23", "howto-24", "howto-26"):
        command(block, project)
    assert json.loads((project / "downloaddir" / "azureml_environment.json").read_text())["name"] == "myenv"


def test_every_block_has_its_line_in_the_table():
    with open(os.path.join(REPOSITORY, "docs", "seeds.md"), encoding="utf-8") as file:
        listed = re.findall(r"^\| (\w+-\d\d) \|", file.read(), re.MULTILINE)
    assert listed == sorted(name.partition(".")[0] for name in os.listdir(FOLDER))
