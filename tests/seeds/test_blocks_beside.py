"""The blocks of the documentation that are not Python of localrun's: a Dockerfile, shell lines, a service of the cloud."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from localrun import CondaDependencies, Environment
from localrun.adapters.files import Reading
from localrun.formats.docker_section import read_dockerfile
from localrun.resolve import resolve
from localrun.resolve.facts import HostFacts
from localrun.spec import RunSpec

sys.path.insert(0, os.path.dirname(__file__))  # tests are not packages
from block_kit import read_block, run_block

BASE = "mcr.microsoft.com/azureml/openmpi3.1.2-ubuntu18.04"
PIP = '#!/bin/sh\necho "pip was asked to $*"\n'


def read_sketch(name):
    """Give a block without the dots that stand for what a reader adds."""
    return read_block(name).replace("\n...", "\n")


def test_guide_07_a_dockerfile_is_planned_as_an_image_of_its_own(tmp_path):
    (tmp_path / "Dockerfile").write_text(read_sketch("guide-07"))
    asked = read_dockerfile(str(tmp_path / "Dockerfile"), read=Reading().read)
    facts = HostFacts(platform="linux-64", cpu_count=1, python_version="3.11", images=((BASE, f"sha256:{'a' * 64}"),))
    plan = resolve(RunSpec(command="true", environment=asked), facts)
    assert plan.target == "docker"
    assert plan.environment.image.dockerfile.startswith(f"FROM {BASE}\n")
    assert plan.environment.image.name.startswith("azureml/azureml_")


def test_guide_16_a_bootstrap_script_runs_before_the_script(tmp_path, own_workspace):
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "pip").write_text(PIP)
    (programs / "pip").chmod(0o755)
    source = tmp_path / "source"
    source.mkdir()
    (source / "bootstrap.sh").write_text(f'PATH="{programs}:$PATH"\n{read_sketch("guide-16")}')
    (source / "train.py").write_text("print('trained')\n")
    words = ("run", "--bootstrap", str(source / "bootstrap.sh"), str(source / "train.py"))
    done = subprocess.run((sys.executable, "-m", "localrun", *words), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = ["Running bootstrap.sh", "pip was asked to install torch==1.8.0+cu111", "trained"]
    assert done.stdout.splitlines() == lines


def test_guide_22_packages_of_azure_go_into_an_environment_as_any_others():
    pip, verb, *packages = read_block("guide-22").split()
    assert (pip, verb) == ("pip", "install")
    environment = Environment("azure")
    environment.python.conda_dependencies = CondaDependencies.create(pip_packages=packages)
    assert environment.to_spec().python.pip[-2:] == ("azure-identity", "azure-keyvault")


def test_howto_22_a_service_of_the_cloud_is_not_there():
    with pytest.raises(ImportError, match="InferenceConfig"):
        run_block("howto-22")
