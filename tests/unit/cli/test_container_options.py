"""Options of the docker target on the command line, and how its plans are shown."""

from __future__ import annotations

import click
import pytest

from localrun.adapters.files import Reading
from localrun.cli.container_options import NAMES, OPTIONS, split_container
from localrun.cli.flags import Flags
from localrun.cli.request import read_request
from localrun.cli.show_container import describe_containers, describe_image, show_size
from localrun.plan import Artifact, ContainerPlan, EnvironmentPlan, ImagePlan
from localrun.spec import ContainerSpec
from localrun.values import fields

JOB = """command: echo
environment: {image: i}
resources: {shm_size: 8g, docker_args: --memory=1g -v ./d:/d}
"""


@pytest.fixture
def ask(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.yml").write_text(JOB)

    def read(source="job.yml", **given):
        others, container = split_container(given)
        return read_request(Flags(source=source, container=container, **others), Reading())

    return read


def test_every_option_is_a_field_of_what_containers_are_asked():
    taken = {option(click.Command("x")).params[-1].name for option in OPTIONS}
    assert taken == set(NAMES)
    assert taken <= set(fields(ContainerSpec()))


def test_options_are_named_where_they_set_something_and_stand_over_the_file(ask, tmp_path):
    container = ask(memory="2g", volumes=("./x:/x", "cache:/c"), keep=True, inherit_network_settings=False).container
    assert container == ContainerSpec(
        arguments=("--memory=1g", f"--volume={tmp_path}/d:/d"), shm_size="8g", memory="2g",
        volumes=(f"{tmp_path}/x:/x", "cache:/c"), keep=True, inherit_network_settings=False,
        flags=("--volume", "--memory", "--keep", "--inherit-network-settings"),
    )  # fmt: skip
    assert ask().container.flags == ()


def test_an_option_takes_the_line_of_the_key_that_it_replaces_away(ask):
    assert "resources.shm_size" in dict(ask().lines)
    spec = ask(shm_size="1g")
    assert spec.container.shm_size == "1g"
    assert "resources.shm_size" not in dict(spec.lines)


def test_the_project_s_target_stands_between_flag_and_file(ask, tmp_path, monkeypatch):
    monkeypatch.delenv("LOCALRUN_TARGET", raising=False)
    (tmp_path / "a.runconfig").write_text(
        "script: a.py\nenvironment: {name: e, docker: {enabled: true, baseImage: i}}\n"
    )
    assert ask().target == ""
    assert ask("a.runconfig").target == "docker"
    (tmp_path / "pyproject.toml").write_text('[tool.localrun]\ntarget = "local"\n')
    assert ask().target == ask("a.runconfig").target == "local"
    assert ask(target="docker").target == "docker"


def test_a_change_of_the_project_s_settings_is_evidence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reading = Reading()
    read_request(Flags(command="true"), reading)
    assert reading.evidence[str(tmp_path / "pyproject.toml")] == ()


def test_an_image_s_rows_say_what_it_is_and_whether_it_is_there():
    image = ImagePlan(
        name="azureml/azureml_1", fingerprint="1", base="base", base_id="sha256:2", prefix="/azureml-envs/azureml_3",
        platform="linux/amd64", registry="r:5000", username="me", spark=("package a:b:1",),
    )  # fmt: skip
    environment = EnvironmentPlan(kind="image", image=image)
    text = "\n".join(" ".join(row) for row in describe_image(environment, None, ("the tag base has moved",)))
    assert "image azureml/azureml_1\n" in text
    assert "made from base (sha256:2)" in text
    for part in ("the tag base has moved", "fingerprint 1", "/azureml-envs/azureml_3", "r:5000 as me", "package a:b:1"):
        assert part in text
    artifact = Artifact(kind="image", python="", image="sha256:9")
    assert describe_image(environment, artifact, ())[0] == ("image", "azureml/azureml_1 (sha256:9)")


def test_images_that_are_used_as_they_are_and_dockerfiles_are_told_apart():
    plain = EnvironmentPlan(kind="image", image=ImagePlan(name="base", base="base", pull="never"))
    assert [row for _, row in describe_image(plain, None, ())] == [
        "base (not in the engine yet)", "platform , images are fetched never",
    ]  # fmt: skip
    built = EnvironmentPlan(kind="image", image=ImagePlan(name="", dockerfile="FROM a\nRUN b\n"))
    rows = [row for _, row in describe_image(built, None, ())]
    assert rows[0] == "named when its base image is known (to be built)"
    assert "made from a Dockerfile of 2 lines" in rows


def test_containers_rows_hold_what_was_asked():
    made = ContainerPlan(
        user="0:0", memory_bytes=3 << 29, nano_cpus=1_500_000_000, gpus="all", mounts=("/:/host",), ports=("80:80",),
        options=(("Privileged", "true"),), keep=True, working_directory="/w", inherit_network_settings=True,
    )  # fmt: skip
    assert describe_containers(made, 2) == [
        (
            "containers",
            ("2: user 0:0, shared memory 2 GiB, memory 1.5 GiB, 1.5 processors, network of the run, gpus all, in /w, "
            "kept after the run, with network settings of this machine"),
        ),
        ("mount", "/:/host"), ("port", "80:80"), ("setting", "Privileged = true"),
    ]  # fmt: skip
    assert describe_containers(ContainerPlan(), 1) == [
        ("containers", "1: user of the image, shared memory 2 GiB, network of the engine")
    ]


@pytest.mark.parametrize(
    ("count", "text"), [(2 << 30, "2 GiB"), (3 << 19, "1.5 MiB"), (7, "7 bytes"), (1 << 40, "1 TiB")]
)
def test_sizes_are_shown_in_a_unit_that_keeps_them_short(count, text):
    assert show_size(count) == text
