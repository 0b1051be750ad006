"""Images made on the real engine: what is in them, what they say of themselves, and what is not in them."""

from __future__ import annotations

import json
import os
import stat
import tarfile

import pytest
from environment_kit import fill_channel, make_plan, text_package
from environment_kit import make as make_local
from image_kit import write_wheel


@pytest.fixture
def python_images(images, python_channel, warm_workspace):
    images.channel = python_channel
    return images


def layers(images, name):
    return images.inspect(name)["RootFS"]["Layers"]


def test_python_runs_in_an_image_whose_base_has_none(python_images, own_base, tmp_path):
    write_wheel(tmp_path, "tiny")
    plan = python_images.plan(
        own_base, conda=("python", "pip"), pip=("./tiny-1.0-py3-none-any.whl",), directory=tmp_path
    )
    made = python_images.make(plan)
    assert made.image == python_images.inspect(plan.image.name)["Id"]
    program = "import sys, tiny, json; print(json.dumps([sys.prefix, sys.executable, tiny.VERSION]))"
    someone = ("--user", "4711:4711", "--network", "none")
    prefix, python, version = json.loads(python_images.run(plan.image.name, "python", "-c", program, options=someone))
    assert (prefix, python, version) == (plan.image.prefix, made.python, "1.0")
    missing = "import importlib.util as u, json, os; print([f for f in (json.__cached__, u.find_spec('tiny').cached) if not os.path.exists(f)])"
    assert python_images.run(plan.image.name, "python", "-c", missing, options=someone) == "[]"
    lines = python_images.run(plan.image.name, "env").split("\n")
    variables = dict(line.split("=", 1) for line in lines)
    assert variables["PATH"].split(":")[0] == f"{prefix}/bin"
    assert variables["LD_LIBRARY_PATH"].split(":")[0] == f"{prefix}/lib"
    assert variables["AZUREML_CONDA_ENVIRONMENT_PATH"] == variables["CONDA_PREFIX"] == prefix
    assert variables["AZUREML_ENVIRONMENT_IMAGE"] == "True"

    # One more pip package, and another one: the base and the conda layer stay.
    write_wheel(tmp_path, "second")
    more = python_images.plan(
        own_base,
        conda=("python", "pip"),
        pip=("./tiny-1.0-py3-none-any.whl", "./second-1.0-py3-none-any.whl"),
        directory=tmp_path,
    )
    again = python_images.make(more)
    assert again.image != made.image
    below = layers(python_images, more.image.name)[:-1]
    assert below == layers(python_images, plan.image.name)[:-1]
    assert len(below) == len(layers(python_images, own_base)) + 1
    assert "the conda layer is there already" in python_images.told

    # What the build brought along has gone.
    left = python_images.run(more.image.name, "sh", "-c", "ls -A /tmp /azureml-envs; ls -d /dev/localrun 2>&1 || true")
    assert "localrun" not in left.replace("/dev/localrun", "")
    assert left.split("\n")[0] == "/azureml-envs:"


def test_labels_say_what_an_image_is(images, bare_image):
    plan = images.plan(bare_image, conda=("words",))
    images.make(plan)
    labels = images.inspect(plan.image.name)["Config"]["Labels"]
    assert labels["localrun.fingerprint"] == plan.image.fingerprint
    assert labels["localrun.python"] == plan.fingerprint
    assert labels["localrun.base"] == images.inspect(bare_image)["Id"]
    assert json.loads(labels["localrun.versions"])["conda"][0]["name"] == "words"
    assert len(labels["localrun.lock_sha256"]) == 64
    assert labels["localrun.version"]


def test_files_are_of_root_and_readable_by_everybody(images, bare_image):
    plan = images.plan(bare_image, conda=("words",))
    images.make(plan)
    listed = images.run(
        plan.image.name, "sh", "-c", f"stat -c '%a %U' {plan.image.prefix}/share/words/0.txt /azureml-envs"
    )
    assert listed.split("\n") == ["644 root", "755 root"]


@pytest.fixture
def odd_base(engine, bare_image, tmp_path):
    name = f"localrun-test/odd-{tmp_path.name.replace('_', '-').lower().strip('-')}"
    text = (
        f"FROM {bare_image}\nENV PATH=/odd:$PATH LD_LIBRARY_PATH=/odd/lib\nLABEL of=theirs\nUSER 1000\nWORKDIR /srv\n"
        'ENTRYPOINT ["/usr/bin/env", "A=1"]\nCMD ["true"]\n'
    )
    yield engine.build(text, name)
    engine.try_docker("image", "rm", "--force", name)


def read_log(images, plan):
    log = f"{images.home}/environments/images/{plan.image.name.rpartition('/')[2]}.log"
    with open(log, encoding="utf-8") as file:
        return file.read()


def test_command_entrypoint_user_and_folder_of_the_base_stay(images, odd_base):
    plan = images.plan(odd_base, conda=("words",))
    images.make(plan)
    settings, before = (images.inspect(name)["Config"] for name in (plan.image.name, odd_base))
    assert "goes through a container" not in read_log(images, plan)
    steps = images.engine.docker("history", "--no-trunc", "--format", "{{.CreatedBy}}{{.Comment}}", plan.image.name)
    assert any("localrun: conda environment" in step for step in steps.split("\n"))
    assert any("of=theirs" in step for step in steps.split("\n"))
    same = ("Cmd", "Entrypoint", "User", "WorkingDir")
    assert [settings[key] for key in same] == [before[key] for key in same]
    assert settings["Labels"]["of"] == "theirs"
    variables = dict(pair.split("=", 1) for pair in settings["Env"])
    assert variables["PATH"].startswith(f"{plan.image.prefix}/bin:/odd:")
    assert variables["LD_LIBRARY_PATH"] == f"{plan.image.prefix}/lib:/odd/lib"


def test_base_without_a_command_gets_a_shell(images, bare_image):
    plan = images.plan(bare_image, conda=("words",))
    images.make(plan)
    settings = images.inspect(plan.image.name)["Config"]
    assert (settings["Cmd"], settings["Entrypoint"] or []) == (["/bin/sh"], [])


def test_image_that_is_used_as_it_is_is_not_built(images, python_image):
    plan = images.plan(python_image, interpreter="/usr/bin/python3")
    made = images.make(plan)
    assert (made.image, made.python) == (images.inspect(python_image)["Id"], "/usr/bin/python3")
    assert made.reused
    assert images.told == []


def test_dockerfile_is_built_with_its_context(images, bare_image, tmp_path):
    context = tmp_path / "context"
    context.mkdir()
    (context / "data").mkdir()
    (context / "data/keep.txt").write_text("kept")
    (context / "data/drop.txt").write_text("x" * 100)
    (context / ".dockerignore").write_text("**/drop.txt\n")
    os.mkfifo(context / "pipe")
    dockerfile = f"FROM {bare_image}\nCOPY data /data\nRUN ls /data >/seen\n"
    (context / "Dockerfile").write_text(dockerfile)
    plan = images.plan(dockerfile=dockerfile, context=context, interpreter="/usr/bin/python3")
    made = images.make(plan)
    assert made.python == "/usr/bin/python3"
    assert images.run(plan.image.name, "cat", "/seen", "/data/keep.txt") == "keep.txt\nkept"
    assert any("pipe" in line for line in images.told)
    assert any(line.startswith("Step 2/3") for line in images.told)
    assert images.make(plan).reused
    (context / "data/keep.txt").write_text("other")
    assert images.plan(dockerfile=dockerfile, context=context).image.name != plan.image.name


def test_packages_are_put_on_a_dockerfile(images, bare_image):
    plan = images.plan(dockerfile=f"FROM {bare_image}\nRUN echo 1 >/of-the-dockerfile\n", conda=("words",))
    images.make(plan)
    shown = images.run(plan.image.name, "cat", "/of-the-dockerfile", f"{plan.image.prefix}/share/words/0.txt")
    assert shown.startswith("1\nwords 1.0")


def versions(images, name):
    found = json.loads(images.inspect(name)["Config"]["Labels"]["localrun.versions"])
    return {one["name"]: one["version"] for one in found["conda"]}


@pytest.mark.parametrize("first", ["local", "image"])
def test_image_and_local_environment_hold_the_same_versions(images, bare_image, tmp_path, first):
    images.channel = fill_channel(tmp_path / "channel", [text_package("words", "1.0")])
    local = make_plan(images.channel, ("words",))
    plan = images.plan(bare_image, conda=("words",))
    assert plan.name == local.name
    made = make_local(local, images.home) if first == "local" else images.make(plan)
    fill_channel(tmp_path / "channel", [text_package("words", "2.0")])
    if first == "local":
        made = make_local(local, images.home)
        images.make(plan)
    else:
        made = make_local(local, images.home)
    assert versions(images, plan.image.name) == {"words": "1.0"}
    with open(os.path.join(made.prefix, "share/words/0.txt"), encoding="utf-8") as file:
        assert file.readline().startswith("words 1.0")
    # On purpose, both get the new one.
    images.make(plan, rebuild=True)
    assert versions(images, plan.image.name) == {"words": "2.0"}
    again = make_local(local, images.home)
    with open(os.path.join(again.prefix, "share/words/0.txt"), encoding="utf-8") as file:
        assert file.readline().startswith("words 2.0")


def test_no_credential_is_in_an_image(python_images, bare_image, tmp_path, monkeypatch, engine):
    write_wheel(tmp_path, "tiny")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine index.example.org login me password planted-in-netrc\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("UV_INDEX_PRIVATE_PASSWORD", "planted-in-a-variable")
    monkeypatch.setenv("ALL_PROXY", "")
    monkeypatch.setenv("FTP_PROXY", "http://me:planted-in-a-proxy@localhost:9")
    plan = python_images.plan(
        bare_image,
        conda=("python",),
        pip=("--extra-index-url https://me:planted-in-a-line@index.example.org/simple", "./tiny-1.0-py3-none-any.whl"),
        directory=tmp_path,
    )
    python_images.make(plan, offline=True)
    words = json.dumps(python_images.inspect(plan.image.name)) + engine.docker(
        "history", "--no-trunc", "--format", "json", plan.image.name
    )
    assert "planted-in-" not in words
    saved = tmp_path / "image.tar"
    engine.docker("save", "-o", str(saved), plan.image.name)
    with open(saved, "rb") as file:
        tail = b""
        while piece := file.read(1 << 22):
            assert b"planted-in-" not in tail + piece
            tail = piece[-20:]
    with tarfile.open(saved) as archive:
        assert any(member.name == "manifest.json" for member in archive)
    log = [
        name for name in os.listdir(os.path.join(python_images.home, "environments/images")) if name.endswith(".log")
    ]
    for name in log:
        with open(os.path.join(python_images.home, "environments/images", name), "rb") as file:
            assert b"planted-in-" not in file.read()
            assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600


def test_python_api_builds_an_image_and_tells_of_it(images, bare_image, tmp_path, monkeypatch):
    from localrun import CondaDependencies, Environment, Workspace

    monkeypatch.chdir(tmp_path)
    environment = Environment("api")
    environment.docker.base_image = bare_image
    dependencies = CondaDependencies()
    dependencies.set_python_version("3.11")
    environment.python.conda_dependencies = dependencies
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = "/usr/bin/python3"
    workspace = Workspace.from_config()
    assert environment.build(workspace).image == bare_image
    dockerfile = f"FROM {bare_image}\nRUN echo of the api >/made\n"
    environment.docker.base_dockerfile = dockerfile
    before = environment.get_image_details(workspace)
    assert not before.image_exist
    name = environment.build_local(workspace, useDocker=True)
    images.names.append(name)
    details = environment.get_image_details(workspace)
    assert details.image_exist
    assert (details.repository, details.dockerfile, details.interpreter_path) == (name, dockerfile, "/usr/bin/python3")
    assert details["dockerImage"]["sizeBytes"] > 0
    assert images.run(name, "cat", "/made") == "of the api"


def test_command_builds_an_image_and_prints_its_name(images, bare_image, localrun, engine):
    dockerfile = localrun.write("Dockerfile", f"FROM {bare_image}\nRUN echo of the command >/made\n")
    done = localrun.command("env", "build", "--target", "docker", dockerfile)
    assert done.returncode == 0, done.stderr
    name = done.stdout.decode().strip()
    images.names.append(name)
    assert images.run(name, "cat", "/made") == "of the command"
    assert b"Step 2/2" in done.stderr
    again = localrun.command("env", "build", "--target", "docker", dockerfile)
    assert (again.stdout, again.stderr) == (done.stdout, b"")
