"""What is said when an image cannot be made, and that nothing of it is left."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile

import pytest
from image_kit import with_image

from localrun.errors import BadInput, EnvironmentFailed, LocalrunError
from localrun.secrets.store import Vault, write_secrets


@pytest.fixture
def fail(images):
    def make(plan, **settings):
        with pytest.raises(LocalrunError) as caught:
            images.make(plan, **settings)
        assert images.containers() == []
        assert not plan.image.name or images.find(plan) is None
        return caught.value

    return make


def import_image(engine, name, **files):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    subprocess.run(["docker", "import", "-", name], input=data.getvalue(), check=True, stdout=subprocess.DEVNULL)
    return name


@pytest.fixture
def odd_image(engine, tmp_path):
    names = []

    def make(**files):
        names.append(f"localrun-test/odd-{len(names)}-{abs(hash(str(tmp_path))) % 10**8}")
        return import_image(engine, names[-1], **{path.replace("__", "/"): content for path, content in files.items()})

    yield make
    for name in names:
        engine.try_docker("image", "rm", "--force", name)


LOADER = "lib64/ld-linux-x86-64.so.2"


def test_base_with_musl_is_refused_before_anything_is_linked(images, fail, odd_image):
    name = odd_image(**{"bin/sh": b"", "lib/ld-musl-x86_64.so.1": b""})
    error = fail(images.plan(name, conda=("words",)))
    assert "has musl in place of glibc" in error.message
    assert error.code == "base_image"
    assert not any("linking" in line for line in images.told)


def test_base_without_glibc_is_refused(images, fail, odd_image):
    assert "has no glibc" in fail(images.plan(odd_image(**{"bin/sh": b""}), conda=("words",))).message


def test_base_without_a_shell_is_refused(images, fail, odd_image):
    error = fail(images.plan(odd_image(**{LOADER: b""}), conda=("words",)))
    assert "has no shell" in error.message
    assert "distroless" in error.hint


def test_base_of_another_platform_is_refused(images, fail, bare_image):
    plan = images.plan(bare_image, conda=("words",), platform="linux/arm64")
    error = fail(with_image(plan, pull="never"))
    assert error.code == "image_platform"
    assert "is for linux/amd64, and linux/arm64 is asked for" in error.message


def test_base_that_is_not_there_and_may_not_be_fetched(images, fail):
    error = fail(with_image(images.plan("localrun-test/absent", conda=("words",)), pull="never"))
    assert error.code == "image_not_found"
    assert "localrun-test/absent is not in the engine" in error.message


def test_base_in_a_registry_that_nobody_answers_for(images, fail):
    error = fail(images.plan("127.0.0.1:9/absent:1", conda=("words",)))
    assert error.code == "registry_unreachable"
    assert "127.0.0.1:9/absent:1 cannot be pulled" in error.message


def test_unknown_instruction_names_its_line(images, fail, bare_image):
    error = fail(images.plan(dockerfile=f"FROM {bare_image}\n\nRUNN true\n"))
    assert isinstance(error, BadInput)
    assert error.message.startswith("Dockerfile:3: unknown instruction: RUNN")


def test_failing_step_shows_its_last_lines(images, fail, bare_image):
    dockerfile = f"FROM {bare_image}\nRUN for n in $(seq 30); do echo line $n; done; exit 7\n"
    error = fail(images.plan(dockerfile=dockerfile))
    assert isinstance(error, EnvironmentFailed)
    assert error.code == "build_failed"
    assert "step 2/2 of the Dockerfile failed: RUN for n in" in error.message
    assert "(exit code 7)" in error.message
    assert error.detail.split("\n") == [f"line {n}" for n in range(11, 31)]
    log = error.hint.rpartition("the whole log is ")[2]
    with open(log, encoding="utf-8") as file:
        assert "line 1\n" in file.read()


def test_file_that_is_not_in_the_context_is_named(images, fail, bare_image, tmp_path):
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(text := f"FROM {bare_image}\nCOPY nothing /x\n")
    error = fail(images.plan(dockerfile=text, context=context))
    assert "step 2/2" in error.message
    assert "nothing" in error.message


def test_dockerfile_without_a_base_is_refused(images):
    with pytest.raises(BadInput, match="has no FROM"):
        images.plan(dockerfile="RUN true\n")


def test_too_large_a_context_is_refused_before_it_is_sent(images, bare_image, tmp_path):
    context = tmp_path / "context"
    context.mkdir()
    with open(context / "huge", "wb") as file:
        os.truncate(file.fileno(), 5 * 1024**3)
    with pytest.raises(BadInput, match="is too large"):
        images.plan(dockerfile=f"FROM {bare_image}\nCOPY . /\n", context=context)


def test_conda_package_that_does_not_exist(images, fail, bare_image):
    error = fail(images.plan(bare_image, conda=("nowhere-to-be-found",)))
    assert error.code == "solve"


def test_pip_part_without_python_is_refused(images, fail, bare_image):
    error = fail(images.plan(bare_image, conda=("words",), pip=("click",)))
    assert "no python in its conda part" in error.message


def test_failing_container_is_kept_when_asked_for(images, bare_image, engine):
    plan = images.plan(bare_image, conda=("words",), pip=("click",))
    with pytest.raises(EnvironmentFailed) as caught:
        images.make(plan, keep=True)
    name = caught.value.hint.partition("docker commit ")[2].partition(" ")[0]
    assert name.startswith("localrun-kept_")
    assert engine.docker("rm", name) == name


def test_engine_that_is_not_there_says_what_was_tried(images, bare_image, monkeypatch):
    plan = images.plan(bare_image, conda=("words",))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(LocalrunError) as caught:
        images.make(plan)
    assert caught.value.code == "docker_unavailable"
    assert "/nowhere/docker.sock" in caught.value.message


@pytest.mark.parametrize("place", ["text", "context"])
def test_build_that_would_hold_a_secret_of_the_workspace_is_refused(
    images, bare_image, fail, tmp_path, monkeypatch, place
):
    monkeypatch.setenv("LOCALRUN_SECRETS", "file")
    write_secrets(Vault(home=images.home, environ=os.environ), {"KEY": "planted-in-a-build"})
    context = tmp_path / "context"
    context.mkdir()
    (context / "settings.txt").write_text("key = planted-in-a-build" if place == "context" else "")
    value = "planted-in-a-build" if place == "text" else "asked-for-later"
    dockerfile = f"FROM {bare_image}\nENV HF_TOKEN={value}\nCOPY settings.txt /\n"
    (context / "Dockerfile").write_text(dockerfile)
    error = fail(images.plan(dockerfile=dockerfile, context=context))
    assert error.message.startswith(
        "settings.txt: the secret KEY" if place == "context" else "Dockerfile:2: the secret"
    )
    assert "planted" not in f"{error.message} {error.hint} {error.detail} {images.told}"
    if place == "context":
        (context / "settings.txt").write_text("no more")
        images.make(images.plan(dockerfile=dockerfile, context=context))
        assert any("is HF_TOKEN a secret?" in line for line in images.told)
