"""`localrun image` on a real engine and a real registry."""

from __future__ import annotations

import base64
import json
import os
import re

import pytest
from engine_kit import Engine
from registry_kit import make_image, nobody

CLIENT = Engine()


@pytest.fixture
def account(registry, tmp_path):
    """Give variables by which docker's own settings know the account of the registry."""
    secret = base64.b64encode(f"{registry.user}:{registry.password}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.address: {"auth": secret}}}))
    return {"DOCKER_CONFIG": str(tmp_path)}


@pytest.fixture
def made(registry):
    """Give the name of an image that looks as if localrun had made it; it goes with its name in the registry."""
    fingerprint = os.urandom(32).hex()
    name = f"azureml/azureml_{fingerprint[:32]}"
    labels = (f"localrun.fingerprint={fingerprint}", "localrun.base=localrun-test/bare", "localrun.version=0")
    make_image(CLIENT, name, size=5000, labels=labels)
    yield name
    for left in (name, f"{registry.address}/team/{name}"):
        CLIENT.try_docker("image", "rm", "--force", left)


def read(done):
    assert done.returncode == 0, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def test_list_shows_the_images_that_localrun_made_and_no_others(localrun, made):
    rows = read(localrun.command("image", "list", "--format", "json"))
    (row,) = [row for row in rows if row["name"] == made]
    assert row["image"] == CLIENT.inspect(made, "image")["Id"]
    assert row["fingerprint"].startswith(made.rpartition("_")[2])
    assert (row["base"], row["version"], row["size_bytes"], row["environments"]) == (
        "localrun-test/bare",
        "0",
        5000,
        [],
    )
    assert all(row["fingerprint"] for row in rows)
    assert [row["created_at"] for row in rows] == sorted((row["created_at"] for row in rows), reverse=True)
    shown = localrun.command("image", "list").stdout.decode()
    assert shown.startswith("IMAGE ")
    assert made in shown
    assert made in localrun.command("image", "list", "--quiet").stdout.decode().split()


@pytest.mark.parametrize("by", ["name", "short name", "id", "start of the id"])
def test_inspect_shows_one_by_what_it_is_called(localrun, made, by):
    found = CLIENT.inspect(made, "image")["Id"]
    names = {"name": made, "short name": made.partition("/")[2], "id": found, "start of the id": found[7:19]}
    details = read(localrun.command("image", "inspect", names[by], "--format", "json"))
    assert (details["name"], details["image"], details["layers"]) == (made, found, 1)
    assert made in localrun.command("image", "inspect", names[by]).stdout.decode()


def test_an_image_that_is_not_there_is_told(localrun):
    done = localrun.command("image", "inspect", "azureml/azureml_" + "0" * 32)
    assert done.returncode == 125
    assert b"the engine has no image" in done.stderr
    assert done.stderr.endswith(b"kind=image_not_found\n")


def test_an_environment_stands_for_its_image(localrun):
    document = {"name": "mine", "version": "1", "docker": {"baseImage": "localrun-test/bare"}, "python": {}}
    os.mkdir(os.path.join(localrun.source, "mine"))
    localrun.write("mine/azureml_environment.json", json.dumps(document))
    conda = {"channels": ["file:///nowhere"], "dependencies": [f"python=3.{os.getpid()}"]}
    localrun.write("mine/conda_dependencies.yml", json.dumps(conda))
    done = localrun.command("env", "register", "-d", "mine")
    assert done.returncode == 0, done.stderr
    missing = localrun.command("image", "inspect", "mine")
    name = re.search(rb"the image of mine, (azureml/azureml_[0-9a-f]{32}), is not in the engine", missing.stderr)
    assert name, missing.stderr
    image = name.group(1).decode()
    made = make_image(CLIENT, image, labels=("localrun.fingerprint=x",))
    try:
        details = read(localrun.command("image", "inspect", "mine", "--format", "json"))
        rows = read(localrun.command("image", "list", "--format", "json"))
    finally:
        CLIENT.docker("image", "rm", "--force", image)
    assert (details["image"], details["environments"]) == (made, ["mine:1"])
    assert [row["environments"] for row in rows if row["name"] == image] == [["mine:1"]]


def test_an_image_goes_to_the_project_s_registry_and_comes_back(localrun, registry, account, made):
    localrun.write("pyproject.toml", f'[tool.localrun]\nregistry = "{registry.address}/team"\n')
    pushed = localrun.command("image", "push", made, "--format", "json", env=account)
    answer = read(pushed)
    assert answer["reference"] == f"{registry.address}/team/{made}:latest"
    assert registry.password.encode() not in pushed.stdout + pushed.stderr
    before = CLIENT.inspect(made, "image")["Id"]
    CLIENT.docker("image", "rm", made, answer["reference"])
    assert read(localrun.command("image", "pull", made, "--format", "json", env=account))["digest"] == answer["digest"]
    assert CLIENT.inspect(made, "image")["Id"] == before
    assert read(localrun.command("image", "inspect", made, "--format", "json"))["digests"]


def test_the_variable_goes_before_the_project_s_registry_and_the_option_before_both(localrun, registry, account, made):
    localrun.write("pyproject.toml", '[tool.localrun]\nregistry = "127.0.0.1:1"\n')
    environ = {**account, "LOCALRUN_REGISTRY": f"{registry.address}/team"}
    done = localrun.command("image", "push", made, "--quiet", env=environ)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().startswith(f"{registry.address}/team/{made}:latest@sha256:")
    assert not done.stderr
    environ = {**account, "LOCALRUN_REGISTRY": "127.0.0.1:1"}
    assert (
        localrun.command("image", "pull", made, "--registry", f"{registry.address}/team", env=environ).returncode == 0
    )


def test_an_image_that_the_registry_lacks_is_told(localrun, registry, account):
    done = localrun.command("image", "pull", "azureml_" + "0" * 32, "--registry", registry.address, env=account)
    assert done.returncode == 125
    assert b"has no image azureml/azureml_0000" in done.stderr
    assert done.stderr.endswith(b"kind=image_not_found\n")


def test_who_is_not_logged_in_is_told_how_and_leaves_no_name(localrun, registry, made, tmp_path):
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    done = localrun.command("image", "push", made, "--registry", f"{registry.address}/team", env=environ)
    assert done.returncode == 125
    assert f"docker login {registry.address}".encode() in done.stderr
    assert done.stderr.endswith(b"kind=registry_credentials\n")
    assert CLIENT.inspect(made, "image")["RepoTags"] == [f"{made}:latest"]


def test_no_registry_at_all_is_told(localrun, made):
    done = localrun.command("image", "push", made, env={"LOCALRUN_REGISTRY": ""})
    assert done.returncode == 125
    assert b"no registry is named" in done.stderr
    assert b"[tool.localrun]" in done.stderr


@pytest.mark.slow
def test_a_registry_that_is_not_there_is_told_after_some_tries_and_the_image_stays(localrun, made):
    with nobody() as address:
        done = localrun.command("image", "push", made, "--registry", address)
    assert done.returncode == 125
    assert done.stderr.count(b"trying again in") == 3
    assert b"it is still in the engine" in done.stderr
    assert done.stderr.endswith(b"kind=registry_unreachable\n")
    assert CLIENT.inspect(made, "image")["RepoTags"] == [f"{made}:latest"]


@pytest.mark.parametrize(
    "words",
    [("list",), ("inspect", "x"), ("push", "x", "--registry", "r:1"), ("pull", "azureml_0", "--registry", "r:1")],
)
def test_no_engine_is_told_by_every_command(localrun, words):
    done = localrun.command("image", *words, env={"DOCKER_HOST": "unix:///nonexistent.sock"})
    assert done.returncode == 125
    assert b"no Docker engine answers at unix:///nonexistent.sock (DOCKER_HOST): No such file" in done.stderr
    assert b"-t local" in done.stderr
    assert done.stderr.endswith(b"kind=docker_unavailable\n")


def forget(reference):
    """Remove an image under both of its names, and give its id."""
    made = reference.partition("/team/")[2].removesuffix(":latest")
    image = CLIENT.inspect(made, "image")["Id"]
    CLIENT.forget(made, reference)
    return image


def test_what_is_built_goes_to_the_registry_and_is_not_built_again(localrun, registry, account, text_channel):
    document = {"name": "mine", "image": "localrun-test/bare", "conda_file": "conda.yml"}
    localrun.write("env.yml", json.dumps(document))
    localrun.write("conda.yml", json.dumps({"channels": [text_channel], "dependencies": ["words"]}))
    environ = {**account, "LOCALRUN_REGISTRY": f"{registry.address}/team"}
    done = localrun.command("env", "build", "--push", "env.yml", env=environ, timeout=250)
    assert done.returncode == 0, done.stderr
    reference = done.stdout.decode().strip()
    assert reference.startswith(f"{registry.address}/team/azureml/azureml_")
    before = forget(reference)
    again = localrun.command("env", "build", "-t", "docker", "env.yml", env=environ)
    assert again.returncode == 0, again.stderr
    assert b"adding the conda environment" not in again.stderr
    assert forget(reference) == before
    assert registry.password.encode() not in done.stdout + done.stderr + again.stderr


def test_python_api_pushes_what_it_builds(localrun, registry, account, monkeypatch):
    from localrun import Environment, Workspace

    monkeypatch.chdir(localrun.source)
    monkeypatch.setenv("LOCALRUN_HOME", localrun.home)
    monkeypatch.setenv("DOCKER_CONFIG", account["DOCKER_CONFIG"])
    environment = Environment("mine")
    environment.docker.base_dockerfile = f"FROM localrun-test/bare\nRUN echo {os.urandom(8).hex()} >/made\n"
    environment.python.user_managed_dependencies = True
    workspace = Workspace.from_config()
    monkeypatch.setenv("LOCALRUN_REGISTRY", f"{registry.address}/team")
    name = environment.build_local(workspace, useDocker=True, pushImageToWorkspaceAcr=True)
    reference = f"{registry.address}/team/{name}:latest"
    before = forget(reference)
    CLIENT.docker("--config", account["DOCKER_CONFIG"], "pull", reference)
    assert CLIENT.inspect(reference, "image")["Id"] == before
    CLIENT.docker("image", "rm", "--force", reference)
