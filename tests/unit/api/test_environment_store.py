from __future__ import annotations

import os
import zipfile
from types import SimpleNamespace

import pytest

from localrun import Environment
from localrun.api.environment import EnvironmentReference
from localrun.api.exceptions import UserErrorException
from localrun.errors import BadInput, LocalrunError
from localrun.workspace.home import make_folder


@pytest.fixture
def workspace(own_workspace):
    make_folder(str(own_workspace))
    return SimpleNamespace(home=str(own_workspace))


def test_registering_gives_versions(workspace):
    environment = Environment("my-env")
    assert environment.register(workspace).version == "1"
    assert environment.register(workspace=workspace).version == "1"
    environment.python.conda_dependencies.add_pip_package("six")
    assert environment.register(workspace).version == "2"
    assert environment.version is None
    first = Environment.get(workspace, "my-env", version=1)
    assert list(first.python.conda_dependencies.pip_packages) == ["azureml-defaults"]
    latest = Environment.get(workspace=workspace, name="my-env")
    assert (latest.name, latest.version) == ("my-env", "2")


def test_labels_find_versions(workspace):
    environment = Environment("e")
    environment.register(workspace)
    Environment.label(workspace, "e", "1", ["good", "old"])
    environment.environment_variables["A"] = "1"
    environment.register(workspace)
    assert Environment.get(workspace, "e", label="good").version == "1"
    assert Environment.get(workspace, "e", label="latest").version == "2"
    with pytest.raises(UserErrorException, match="Only one of version or label can be specified"):
        Environment.get(workspace, "e", version="1", label="good")


def test_what_is_not_there_is_named(workspace):
    with pytest.raises(LocalrunError, match="there is no environment nope"):
        Environment.get(workspace, "nope")
    with pytest.raises(LocalrunError, match="there is no environment nope"):
        EnvironmentReference("nope").get_environment(workspace)


def test_curated_environments_are_there_and_are_not_registered(workspace):
    minimal = Environment.get(workspace=workspace, name="AzureML-Minimal")
    assert minimal.name == "AzureML-Minimal"
    found = Environment.list(workspace)
    assert [name for name in found if name.startswith("AzureML")]
    assert found["AzureML-Minimal"].python.conda_dependencies.serialize_to_string()
    with pytest.raises(BadInput, match="Environment name can not start with the prefix AzureML"):
        Environment("azureml-mine").register(workspace)
    Environment("mine").register(workspace)
    assert Environment.list(workspace)["mine"].version == "1"


def test_a_set_version_is_tried_with_a_warning(workspace, caplog):
    environment = Environment("e")
    environment.version = "7"
    assert environment.register(workspace).version == "7"
    assert "Environment version is set. Attempting to register desired version." in caplog.text


def test_registered_environments_hold_no_password(workspace, caplog):
    environment = Environment("e")
    environment.docker.base_image_registry.password = "s3cret"
    assert environment.register(workspace).docker.base_image_registry.password == "${PASSWORD_OF_REGISTRY}"
    assert "set the environment variable PASSWORD_OF_REGISTRY" in caplog.text


def test_wheels_are_kept_in_the_workspace(workspace, tmp_path):
    wheel = tmp_path / "mine-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("mine.py", "")
    address = Environment.add_private_pip_wheel(workspace, wheel)
    assert address.startswith("file://")
    assert address.endswith("/mine-1.0-py3-none-any.whl")
    environment = Environment("e")
    environment.python.conda_dependencies.add_pip_package("mine==0.9")
    environment.python.conda_dependencies.add_pip_package(address)
    assert list(environment.python.conda_dependencies.pip_packages) == ["azureml-defaults", address]
    with pytest.raises(LocalrunError, match="already exists"):
        Environment.add_private_pip_wheel(workspace, str(wheel))
    assert Environment.add_private_pip_wheel(workspace, str(wheel), exist_ok=True) == address
    with pytest.raises(LocalrunError, match=r"Please make sure the wheel file exists at: no\.whl"):
        Environment.add_private_pip_wheel(workspace, "no.whl")


def test_there_is_nothing_to_make_for_a_user_managed_environment(workspace):
    environment = Environment("e")
    environment.python.user_managed_dependencies = True
    with pytest.raises(UserErrorException, match="environment e has no packages to install"):
        environment.build_local(workspace, useDocker=False)


@pytest.mark.parametrize("options", [{}, {"useDocker": True}])
def test_build_local_refuses_a_reserved_name_before_anything_is_made(workspace, options):
    environment = Environment("azureml-mine")
    with pytest.raises(BadInput, match="can not start with the prefix AzureML"):
        environment.build_local(workspace, **options)
    assert not os.path.exists(os.path.join(workspace.home, "environments"))
