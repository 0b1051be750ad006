"""When an image is found, when it is made anew, and that it is made once."""

from __future__ import annotations

import json
import os
import subprocess
import time

import pytest
from environment_kit import fill_channel, text_package

from localrun import Environment, Experiment, ScriptRunConfig, Workspace
from localrun.adapters.image_facts import open_engine
from localrun.environments.image import explain
from localrun.environments.image_prune import list_unused_layers, prune_engine


@pytest.fixture
def moving(engine, bare_image, tmp_path):
    """Give a tag that can be moved from one image to another."""
    name = f"localrun-test/moving-{abs(hash(str(tmp_path))) % 10**8}:latest"

    def move(text):
        dockerfile = f"FROM {bare_image}\nLABEL moved={text}\n"
        subprocess.run(
            ["docker", "build", "-q", "-t", name, "-"], input=dockerfile.encode(), check=True, stdout=subprocess.DEVNULL
        )
        return name

    move("first")
    yield name, move
    engine.try_docker("image", "rm", "--force", name)


def test_image_is_found_under_another_name_of_the_environment(images, bare_image):
    first = images.make(images.plan(bare_image, conda=("words",), name="one"))
    plan = images.plan(bare_image, conda=("words",), name="two", environment_variables=(("A", "1"),))
    found = images.make(plan)
    assert (found.image, found.reused) == (first.image, True)
    assert images.told == []
    assert images.find(plan).image == first.image
    assert explain(plan, home=images.home)[1][0].startswith("in the engine: ")


def test_image_that_is_there_tells_the_versions_in_it_also_in_another_workspace(images, bare_image, tmp_path):
    plan = images.plan(bare_image, conda=("words",))
    made = images.make(plan)
    assert images.make(plan).versions == made.versions != ""
    images.home = str(tmp_path / "another")
    os.mkdir(images.home, 0o700)
    found = images.make(plan)
    assert (found.image, found.reused) == (made.image, True)
    with open(found.versions, encoding="utf-8") as file:
        assert [one["name"] for one in json.load(file)["conda"]] == ["words"]


def test_plan_says_that_the_base_image_moved(images, moving):
    name, move = moving
    plan = images.plan(name, conda=("words",))
    first = images.make(plan)
    move("second")
    assert images.find(plan) is None
    assert "now stands for another image" in explain(plan, home=images.home)[1][0]
    again = images.plan(name, conda=("words",))
    _, lines = explain(again, home=images.home)
    assert any("the base image moved" in line for line in lines), lines
    assert images.make(again).image != first.image


def test_plan_that_was_made_before_the_base_moved_is_settled_anew(images, moving):
    name, move = moving
    plan = images.plan(name, conda=("words",))
    move("second")
    now = images.plan(name, conda=("words",))
    images.make(plan)
    assert images.inspect(now.image.name)["Config"]["Labels"]["localrun.base"] == now.image.base_id


def test_image_made_by_hand_under_the_name_is_made_anew(images, bare_image, engine):
    plan = images.plan(bare_image, conda=("words",))
    engine.docker("tag", bare_image, plan.image.name)
    assert "made by hand" in explain(plan, home=images.home)[1][0]
    made = images.make(plan)
    assert any("made by hand" in line for line in images.told)
    assert images.inspect(plan.image.name)["Id"] == made.image


def test_image_of_another_definition_under_the_name_is_made_anew(images, bare_image, engine):
    other = images.plan(bare_image, conda=("many",))
    images.make(other)
    plan = images.plan(bare_image, conda=("words",))
    engine.docker("tag", other.image.name, plan.image.name)
    assert not images.make(plan).reused
    assert any("another definition" in line for line in images.told)


def test_image_that_was_removed_is_made_anew(images, bare_image, engine):
    plan = images.plan(bare_image, conda=("words",))
    images.make(plan)
    engine.docker("image", "rm", plan.image.name)
    assert not images.make(plan).reused


def test_rebuilding_on_purpose_leaves_one_image(images, bare_image, engine, tmp_path):
    images.channel = fill_channel(tmp_path / "channel", [text_package("words", "1.0")])
    plan = images.plan(bare_image, conda=("words",))
    first = images.make(plan)
    again = images.make(plan, rebuild=True)
    assert again.image != first.image
    assert engine.try_docker("image", "inspect", first.image).returncode


def test_twenty_at_once_build_once(images, bare_image):
    plan = images.plan(bare_image, conda=("words",))
    builders = [images.builder(plan) for _ in range(20)]
    outputs = [one.communicate(timeout=280) for one in builders]
    last = [json.loads(out.strip().split("\n")[-1]) for out, _ in outputs]
    assert [one["reused"] for one in last].count(False) == 1, outputs
    assert len({one["image"] for one in last}) == 1
    assert images.containers() == []


def read_until(builder, words):
    while line := builder.stdout.readline():
        if words in line:
            return
    raise AssertionError(builder.stderr.read())


@pytest.mark.parametrize("moment", ["linking", "adding the conda environment", "made azureml"])
def test_killed_build_leaves_no_name_and_the_next_one_cleans_up(images, bare_image, engine, moment, tmp_path):
    for number in range(3):  # a little later each time
        images.channel = fill_channel(tmp_path / f"channel-{number}", [text_package("many", count=200)])
        plan = images.plan(bare_image, conda=("many",))
        builder = images.builder(plan)
        read_until(builder, moment)
        time.sleep(number * 0.05)
        builder.kill()
        builder.communicate()
        found = images.find(plan)
        if found:  # it had been given its name: then it is whole
            assert images.run(plan.image.name, "cat", f"{plan.image.prefix}/share/many/3.txt").startswith("many 1.0")
            engine.docker("image", "rm", plan.image.name)
    images.make(plan)
    assert images.run(plan.image.name, "cat", f"{plan.image.prefix}/share/many/3.txt").startswith("many 1.0")
    assert images.containers() == []


def test_lookup_is_quick(images, bare_image):
    plan = images.plan(bare_image, conda=("words",))
    images.make(plan)
    times = []
    for _ in range(20):
        began = time.process_time()  # what others do meanwhile does not count
        assert images.find(plan)
        times.append(time.process_time() - began)
    assert min(times) < 0.025


def test_image_is_fetched_from_the_registry_before_it_is_built(
    images, bare_image, engine, registry, monkeypatch, tmp_path
):
    plan = images.plan(bare_image, conda=("words",))
    first = images.make(plan)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    registry.log_in()
    remote = f"{registry.address}/{plan.image.name}"
    engine.docker("tag", plan.image.name, remote)
    engine.docker("push", remote)
    engine.docker("image", "rm", remote, plan.image.name)
    os.unlink(os.path.join(images.home, "environments", f"{plan.name}.versions.json"))
    found = images.make(plan, registry=registry.address)
    assert (found.image, found.reused) == (first.image, True)
    assert found.image_digest.startswith("sha256:")
    # The local environment takes the versions of the image that came from elsewhere.
    assert os.path.exists(os.path.join(images.home, "environments", f"{plan.name}.versions.json"))
    engine.docker("image", "rm", "--force", remote)


def test_base_image_comes_from_a_private_registry(images, bare_image, engine, registry, monkeypatch, tmp_path):
    from localrun.spec import RegistrySpec

    base = f"{registry.address}/team/base:1"
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    registry.take_over(engine, bare_image, base)
    monkeypatch.setenv("BASE_PASSWORD", registry.password)
    account = RegistrySpec(address=registry.address, username=registry.user, password="${BASE_PASSWORD}")
    plan = images.plan(base, conda=("words",), registry=account)
    assert plan.image.name == ""
    made = images.make(plan)
    inspected = json.dumps(images.inspect(made.image)) + engine.docker("history", "--no-trunc", made.image)
    assert registry.password not in inspected
    settled = images.plan(base, conda=("words",), registry=account)
    assert images.find(settled).image == made.image
    engine.docker("image", "rm", "--force", base)


def test_layers_that_no_image_stands_on_are_pruned(images, engine, bare_image):
    plan = images.plan(bare_image, conda=("words",))
    done = images.builder(plan).communicate(timeout=300)
    assert images.find(plan), done
    layer = images.inspect(plan.image.name)["Config"]["Labels"]["localrun.layer"]
    name = f"azureml/layer_{layer[:32]}:latest"
    client = open_engine(os.environ)
    try:
        assert name not in list_unused_layers(client)
        engine.try_docker("image", "rm", plan.image.name)  # another builder may remove it as soon as it has no name
        assert name in list_unused_layers(client)
    finally:
        client.close()
    assert name in prune_engine(os.environ, dry_run=True)
    assert engine.try_docker("image", "inspect", name).returncode == 0
    engine.docker("image", "rm", name)


def test_submitted_run_pulls_its_base_image_with_the_password_of_its_environment(
    engine, python_image, registry, monkeypatch, tmp_path
):
    base = f"{registry.address}/team/submitted:1"
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    registry.take_over(engine, python_image, base)
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "train.py").write_text("print('it runs')\n")
    monkeypatch.setenv("LOCALRUN_HOME", str(tmp_path / "home"))
    environment = Environment("private")
    environment.docker.base_image = base
    environment.docker.base_image_registry.address = registry.address
    environment.docker.base_image_registry.username = registry.user
    environment.docker.base_image_registry.password = registry.password
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = "/usr/bin/python3"
    config = ScriptRunConfig(str(tmp_path / "source"), script="train.py", environment=environment)
    config.run_config.docker.use_docker = True
    try:
        run = Experiment(Workspace.from_config(), "private").submit(config)
        run.wait_for_completion()
        assert run.get_status() == "Completed"
    finally:
        engine.try_docker("image", "rm", "--force", base)
    for folder, _, names in os.walk(tmp_path / "home"):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                assert registry.password.encode() not in file.read(), name
