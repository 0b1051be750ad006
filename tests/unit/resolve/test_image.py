"""What an image is made of, and what it is called."""

from __future__ import annotations

import pytest

from localrun.errors import BadInput
from localrun.resolve import plan_environment
from localrun.resolve.facts import HostFacts
from localrun.resolve.image import is_plain_image, list_bases, settle_image
from localrun.spec import (
    ContainerSpec,
    EnvironmentSpec,
    ImageBuildSpec,
    PythonSpec,
    RegistrySpec,
    RunSpec,
    SparkSpec,
)
from localrun.values import replace

BASE_ID = "sha256:" + "1" * 64
FACTS = HostFacts(
    platform="linux-64",
    cpu_count=2,
    python_version="3.11",
    engine_platform="linux/amd64",
    images=(("base", BASE_ID), ("other:1", "sha256:" + "2" * 64)),
    contexts=(("/context", "c" * 64),),
)
PYTHON = PythonSpec(channels=("one",), conda=("python=3.11", "numpy"), pip=("click",))


def plan(environment, facts=FACTS, **more):
    return plan_environment(RunSpec(command="true", environment=environment, **more), facts, "docker")


def of(facts=FACTS, **fields):
    return plan(EnvironmentSpec(**fields), facts)


def test_image_used_as_it_is_keeps_its_name():
    planned = of(image="base", interpreter="/opt/bin/python")
    assert planned.kind == "image"
    assert planned.image.name == "base"
    assert planned.image.base_id == BASE_ID
    assert planned.image.fingerprint == ""
    assert planned.interpreter == "/opt/bin/python"
    assert is_plain_image(planned)


def test_python_on_an_image_is_named_after_both():
    planned = of(image="base", python=PYTHON)
    assert planned.image.name == f"azureml/azureml_{planned.image.fingerprint[:32]}"
    assert planned.name == f"azureml_{planned.fingerprint[:32]}"
    assert planned.image.prefix.startswith("/azureml-envs/azureml_")
    assert planned.platform == "linux-64"


def test_local_environment_of_the_same_definition_has_the_same_name():
    spec = RunSpec(command="true", environment=EnvironmentSpec(image="base", python=PYTHON))
    assert plan_environment(spec, FACTS, "docker").name == plan_environment(spec, FACTS).name


def test_name_version_and_variables_do_not_count():
    first = of(image="base", python=PYTHON, name="a", environment_variables=(("A", "1"),))
    assert first.image.name == of(image="base", python=PYTHON, name="b").image.name


@pytest.mark.parametrize(
    "change",
    [
        {"image": "other:1"},
        {"python": replace(PYTHON, pip=("click", "rich"))},
        {"python": replace(PYTHON, conda=("numpy", "python=3.11"))},
        {"spark": SparkSpec(packages=("g:a:1",))},
        {"image": "", "build": ImageBuildSpec(dockerfile="FROM base")},
    ],
    ids=str,
)
def test_every_part_counts(change):
    fields = {"image": "base", "python": PYTHON}
    assert of(**(fields | change)).image.name != of(**fields).image.name


def test_moved_tag_is_another_image():
    moved = replace(FACTS, images=(("base", "sha256:" + "9" * 64),))
    assert of(image="base", python=PYTHON).image.name != of(moved, image="base", python=PYTHON).image.name
    dockerfile = ImageBuildSpec(dockerfile="FROM base")
    assert of(build=dockerfile).image.name != of(moved, build=dockerfile).image.name


def test_digest_is_the_same_image_whatever_its_id():
    pinned = "base@sha256:" + "a" * 64
    first, second = (replace(FACTS, images=((pinned, f"sha256:{digit * 64}"),)) for digit in "12")
    assert of(first, image=pinned, python=PYTHON).image.name == of(second, image=pinned, python=PYTHON).image.name


def test_one_more_pip_package_keeps_the_prefix():
    more = replace(PYTHON, pip=("click", "rich"))
    assert of(image="base", python=PYTHON).image.prefix == of(image="base", python=more).image.prefix
    other = replace(PYTHON, conda=("python=3.12",))
    assert of(image="base", python=PYTHON).image.prefix != of(image="base", python=other).image.prefix


def test_name_is_unknown_until_the_base_image_is_there():
    planned = of(image="absent", python=PYTHON)
    assert (planned.image.name, planned.image.fingerprint, planned.image.base_id) == ("", "", "")
    settled = settle_image(planned, {"absent": BASE_ID})
    assert settled.image.name == of(image="base", python=PYTHON).image.name


def test_context_counts_by_its_files():
    build = ImageBuildSpec(dockerfile="FROM base", context="/context")
    edited = replace(FACTS, contexts=(("/context", "d" * 64),))
    assert of(build=build).image.name != of(edited, build=build).image.name
    assert of(build=build).image.context_hash == "c" * 64


@pytest.mark.parametrize(
    ("text", "bases"),
    [
        ("FROM a", ("a",)),
        ("# FROM x\nfrom a AS build\nFROM b:1\nCOPY --from=build / /\n", ("a", "b:1")),
        ("FROM a AS one\nFROM one\nFROM a", ("a",)),
        ("FROM --platform=linux/amd64 a AS x\nFROM scratch", ("a",)),
        ("ARG V\nFROM a:$V", ()),
    ],
)
def test_bases_of_a_dockerfile(text, bases):
    assert list_bases(of(build=ImageBuildSpec(dockerfile=text)).image) == bases


def test_registry_of_the_base_image_is_in_the_plan_by_reference():
    registry = RegistrySpec(address="localhost:5000", username="me", password="${PASSWORD}")
    image = of(image="localhost:5000/base", registry=registry).image
    assert (image.registry, image.username, image.password) == ("localhost:5000", "me", "${PASSWORD}")


def test_platform_of_the_environment_comes_first():
    planned = of(image="base", python=PYTHON, platform="linux/arm64")
    assert (planned.image.platform, planned.platform) == ("linux/arm64", "linux-aarch64")


def test_platform_without_conda_packages_is_refused():
    with pytest.raises(BadInput, match="linux/riscv64") as caught:
        of(image="base", python=PYTHON, platform="linux/riscv64")
    assert "linux/amd64" in caught.value.hint


def test_environment_without_an_image_is_refused():
    with pytest.raises(BadInput, match="docker target needs one"):
        of(python=PYTHON)


def test_pull_is_taken_over():
    assert plan(EnvironmentSpec(image="base"), container=ContainerSpec(pull="always")).image.pull == "always"
