"""v1 environments made for real: a saved folder, a private wheel and a folder's own requirements."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from localrun import CondaDependencies, Environment, Workspace
from localrun.errors import BadInput

sys.path.insert(0, os.path.dirname(__file__))  # tests are not packages
from packages_kit import make_wheel

pytestmark = [pytest.mark.channel, pytest.mark.usefixtures("warm_workspace")]


def python_of(prefix, program):
    done = subprocess.run(
        [os.path.join(prefix, "bin", "python"), "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_build_local_makes_the_environment_with_a_private_wheel(python_channel, tmp_path, monkeypatch):
    workspace = Workspace.from_config()
    conda = CondaDependencies(_underlying_structure={"channels": [python_channel], "dependencies": ["python", "pip"]})
    conda.add_pip_package(Environment.add_private_pip_wheel(workspace, make_wheel(tmp_path / "wheels")))
    environment = Environment("e")
    environment.python.conda_dependencies = conda
    prefix = environment.register(workspace).build_local(workspace, useDocker=False)
    assert python_of(prefix, "import greeting; print(greeting.hello())") == "we love you"
    assert environment.clone("f").build_local(workspace) == prefix


def test_a_saved_folder_runs_with_requirements_beside_it(python_channel, localrun, tmp_path):
    os.makedirs(tmp_path / "e")
    make_wheel(tmp_path / "e" / "dist")
    (tmp_path / "e" / "requirements.txt").write_text("./dist/greeting-1.0-py3-none-any.whl\n")
    environment = Environment.from_pip_requirements("e", tmp_path / "e" / "requirements.txt")
    environment.python.conda_dependencies = CondaDependencies(
        _underlying_structure={
            "channels": [python_channel],
            "dependencies": ["python", {"pip": ["-r requirements.txt"]}],
        }
    )
    environment.save_to_directory(tmp_path / "e", overwrite=True)
    localrun.write("t.py", "import greeting, os; print(greeting.hello(), os.environ['EXAMPLE_ENV_VAR'])\n")
    done = localrun.run("-E", str(tmp_path / "e"), "t.py")
    assert b"we love you EXAMPLE_VALUE" in done.stdout, done.stderr


def test_an_existing_conda_environment_is_made_again_from_what_it_holds(python_channel, tmp_path, monkeypatch):
    workspace = Workspace.from_config()
    conda = CondaDependencies(_underlying_structure={"channels": [python_channel], "dependencies": ["python", "pip"]})
    conda.add_pip_package(Environment.add_private_pip_wheel(workspace, make_wheel(tmp_path / "wheels")))
    first = Environment("first")
    first.python.conda_dependencies = conda
    prefix = first.build_local(workspace)
    (tmp_path / ".conda").mkdir()
    (tmp_path / ".conda" / "environments.txt").write_text(f"{prefix}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    by_path = Environment.from_existing_conda_environment("again", prefix)
    by_name = Environment.from_existing_conda_environment("again", os.path.basename(prefix))
    assert by_path.to_document() == by_name.to_document()
    found = by_path.python.conda_dependencies
    assert any(package.startswith("python=") for package in found.conda_packages)
    assert [package.partition("==")[0] for package in found.pip_packages if "greeting" in package]
    assert list(found.conda_channels) == [python_channel]
    with pytest.raises(BadInput, match="nowhere"):
        Environment.from_existing_conda_environment("again", "nowhere")
