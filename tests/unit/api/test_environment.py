from __future__ import annotations

import io
import json
import logging
import os
import pathlib
import stat

import pytest

import localrun
from localrun import CondaDependencies, ContainerRegistry, DockerBuildContext, Environment, SparkPackage
from localrun.api.environment import EnvironmentReference
from localrun.api.exceptions import UserErrorException
from localrun.errors import BadInput, LocalrunError, StoreFailed

CORPUS = os.path.join(os.path.dirname(__file__), "..", "..", "corpus", "azureml-v1", "env")
FILES = ["azureml_environment.json", "conda_dependencies.yml"]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def packages(environment):
    conda = environment.python.conda_dependencies
    return list(conda.conda_packages), list(conda.pip_packages)


def test_a_new_environment_is_that_of_azure_ml():
    environment = Environment(name="myenv")
    with open(os.path.join(CORPUS, "e01_default", FILES[0]), encoding="utf-8") as file:
        default = json.load(file)
    document = environment.to_document()
    assert document["python"].pop("condaDependencies") == CondaDependencies().as_dict()
    assert json.dumps(document) == json.dumps(default)
    assert str(environment) == "Environment(Name: myenv,\nVersion: None)"


@pytest.mark.parametrize(
    ("folder", "make"),
    [
        ("e12_sdk_conda_deps", "pytorch"),
        ("e16_channels_order", "channels"),
        ("e47_pip_options", "pip-options"),
        ("e45_wheels", "wheels"),
    ],
)
def test_the_code_that_made_the_corpus_makes_the_same(folder, make):
    environment = Environment(make)
    conda = environment.python.conda_dependencies
    if make == "pytorch":
        conda.add_channel("pytorch")
        for package in ("python=3.7", "pytorch", "torchvision"):
            conda.add_conda_package(package)
        for package in ("pyyaml", "mpi4py", "deepspeed"):
            conda.add_pip_package(package)
    if make == "channels":
        conda.remove_channel("anaconda")
        for channel in ("nvidia", "pytorch", "conda-forge"):
            conda.add_channel(channel)
    if make == "pip-options":
        for option in ("--index-url https://a.example.org/simple", "--extra-index-url https://b.example.org/simple"):
            conda.set_pip_option(option)
        conda.set_pip_option("--extra-index-url https://c.example.org/simple")
        conda.set_pip_option("--pre")
        conda.add_pip_package("torch==1.8.0+cu111")
    if make == "wheels":
        address = "https://acct.blob.core.windows.net/azureml/Environment/azureml-private-packages/"
        conda.add_pip_package(address + "mypkg-1.0-py3-none-any.whl")
        conda.add_pip_package("./dist/other_pkg-0.1-py3-none-any.whl")
    assert environment == Environment.load_from_directory(os.path.join(CORPUS, folder))


def test_names_are_text():
    with pytest.raises(TypeError, match="Environment name expected str, <class 'int'> found"):
        Environment(3)
    assert Environment("a / b").name == "a / b"


@pytest.mark.parametrize("part", ["", "docker", "docker.platform", "docker.base_image_registry", "spark", "python"])
def test_a_mistyped_attribute_is_refused(part):
    thing = Environment("e")
    for name in filter(None, part.split(".")):
        thing = getattr(thing, name)
    with pytest.raises(AttributeError, match="has no attribute foo"):
        thing.foo = 1


def test_a_mistyped_attribute_names_the_nearest():
    with pytest.raises(AttributeError, match=r"did you mean base_image\?"):
        Environment("e").docker.base_imge = "x"


def test_clones_share_nothing():
    environment = Environment("e")
    environment.version, environment.asset_id = "3", "a"
    clone = environment.clone("f")
    clone.python.conda_dependencies.add_pip_package("x")
    clone.environment_variables["A"] = "1"
    clone.docker.arguments.append("--ipc=host")
    clone.docker.base_image_registry.address = "r"
    assert (clone.name, clone.version, clone.asset_id) == ("f", None, None)
    clean = Environment("e")
    clean.version, clean.asset_id = "3", "a"
    assert environment == clean
    with pytest.raises(UserErrorException, match="Name is required to instantiate an Environment object"):
        environment.clone("")


def test_saving_and_loading_gives_the_same(tmp_path):
    environment = Environment("環境")
    environment.docker.base_dockerfile = "FROM x\nLABEL a=é\n"
    environment.spark.packages = [SparkPackage("g", "a", "1")]
    environment.environment_variables = {"A": None, "B": True, "C": "x\ny"}
    environment.save_to_directory("a/b")
    assert sorted(os.listdir("a/b")) == ["BaseDockerfile", *FILES]
    loaded = Environment.load_from_directory("a/b")
    assert loaded == environment
    assert loaded.spark.packages[0].artifact == "a"
    assert loaded.directory == str(tmp_path / "a/b")


def test_a_directory_that_is_there_is_kept_unless_said_otherwise():
    environment = Environment("e")
    environment.docker.base_dockerfile = "FROM old\n"
    environment.save_to_directory("d")
    with open("d/notes.txt", "w") as file:
        file.write("mine")
    environment = Environment("e2")
    with pytest.raises(BadInput, match="d: the folder is there already"):
        environment.save_to_directory("d")
    environment.save_to_directory("d", overwrite=True)
    assert sorted(os.listdir("d")) == [*FILES, "notes.txt"]
    assert Environment.load_from_directory("d") == environment


@pytest.mark.parametrize("spoil", ["nan", "object", "python"])
def test_a_failed_save_leaves_what_was_there(spoil):
    environment = Environment("old")
    environment.save_to_directory("d")
    environment.name = "new"
    if spoil == "python":
        environment.python.conda_dependencies = CondaDependencies(_underlying_structure={"dependencies": ["numpy"]})
    else:
        environment.environment_variables["A"] = {"nan": float("nan"), "object": object()}[spoil]
    with pytest.raises(LocalrunError):
        environment.save_to_directory("d", overwrite=True)
    with pytest.raises(LocalrunError):
        environment.save_to_directory("fresh")
    assert Environment.load_from_directory("d").name == "old"
    assert sorted(os.listdir("d")) == FILES
    assert not os.path.exists("fresh")


def test_a_user_managed_environment_needs_no_python_package():
    environment = Environment("e")
    environment.python.user_managed_dependencies = True
    environment.python.conda_dependencies = CondaDependencies(_underlying_structure={"dependencies": []})
    environment.save_to_directory("d")
    assert Environment.load_from_directory("d").to_spec().interpreter == "python"


def test_bad_places_are_named(tmp_path):
    with open("file", "w"):
        pass
    with pytest.raises(BadInput, match="file: a file stands where the folder is to be"):
        Environment("e").save_to_directory("file", overwrite=True)
    with pytest.raises(StoreFailed, match="file/x cannot be written"):
        Environment("e").save_to_directory("file/x")
    with pytest.raises(BadInput, match="file: it is no folder"):
        Environment.load_from_directory("file")
    with pytest.raises(BadInput, match="nowhere: there is no such folder"):
        Environment.load_from_directory("nowhere")
    os.makedirs("e/conda_dependencies.yml")
    with pytest.raises(BadInput, match=r"a folder stands where this file is to be written"):
        Environment("e").save_to_directory("e", overwrite=True)
    assert os.listdir("e") == ["conda_dependencies.yml"]


def test_files_are_made_as_the_umask_says(tmp_path):
    before = os.umask(0o027)
    try:
        Environment("e").save_to_directory(tmp_path / "d")
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat("d/azureml_environment.json").st_mode) == 0o640


def test_a_directory_that_only_names_an_environment_is_a_reference():
    os.mkdir("d")
    with open("d/azureml_environment.json", "w") as file:
        file.write('{"name": "e", "version": 6}')
    found = Environment.load_from_directory("d")
    assert isinstance(found, EnvironmentReference)
    assert (found.name, found.version) == ("e", "6")
    with pytest.raises(UserErrorException, match="environment e is only named"):
        Environment.from_document({"name": "e", "version": None})


def test_what_is_not_known_survives_loading_and_saving(caplog):
    os.mkdir("d")
    with open("d/azureml_environment.json", "w") as file:
        file.write('{"name": "e", "docker": {"baseImage": "i", "future": [1]}, "more": {"a": null}}')
    environment = Environment.load_from_directory("d")
    assert "unknown key, kept but not used" in caplog.text
    environment.clone("f").save_to_directory("d", overwrite=True)
    with open("d/azureml_environment.json") as file:
        saved = json.load(file)
    assert (saved["docker"]["future"], saved["more"], saved["name"]) == ([1], {"a": None}, "f")


def test_warnings_are_escaped(caplog):
    os.mkdir("d")
    with open("d/azureml_environment.json", "w") as file:
        file.write('{"python": {}, "a\\u001b[31mb": 1}')
    Environment.load_from_directory("d")
    assert "\x1b" not in caplog.text
    assert "unknown key" in caplog.text


def test_no_password_is_written_or_shown(caplog):
    environment = Environment("e")
    environment.docker.base_image = "/my/private/img:tag"
    environment.docker.base_image_registry.address = "myprivateacr.example.org"
    environment.docker.base_image_registry.username = "user"
    environment.docker.base_image_registry.password = "s3cret"
    environment.save_to_directory("d")
    with open("d/azureml_environment.json") as file:
        text = file.read()
    assert "s3cret" not in text
    assert "s3cret" not in repr(environment) + repr(environment.docker) + caplog.text
    assert "set the environment variable PASSWORD_OF_MYPRIVATEACR_EXAMPLE_ORG" in caplog.text
    assert environment.docker.base_image_registry.password == "s3cret"
    loaded = Environment.load_from_directory("d")
    assert loaded.docker.base_image_registry.password == "${PASSWORD_OF_MYPRIVATEACR_EXAMPLE_ORG}"
    assert loaded.to_spec().image == "myprivateacr.example.org/my/private/img:tag"


def test_the_seeds_of_the_docker_section_do_what_was_meant(caplog):
    docker = Environment("e").docker
    docker.base_image = ("/my/private/img:tag",)  # the trailing comma of the seed
    assert docker.base_image == "/my/private/img:tag"
    docker.base_image_registry = "your_registry_location"
    assert docker.base_image_registry.address == "your_registry_location"
    docker.enabled = True
    docker.gpu_support = False
    assert docker.gpu_support is True
    for wrong in (3, ("a", "b"), b"x"):
        with pytest.raises(UserErrorException, match="base_image takes the name of an image"):
            docker.base_image = wrong
    with pytest.raises(UserErrorException, match="takes a ContainerRegistry or an address"):
        docker.base_image_registry = 3


def test_of_image_dockerfile_and_build_context_the_last_counts(caplog):
    docker = Environment("e").docker
    docker.base_dockerfile = "FROM x\n"
    assert (docker.base_image, docker.base_dockerfile) == (None, "FROM x\n")
    assert "Property base_dockerfile is mutually exclusive with base_image. Reset base_image to None" in caplog.text
    docker.base_image = None
    assert docker.base_dockerfile == "FROM x\n"
    docker.build_context = DockerBuildContext(DockerBuildContext.LocationType.Git, "https://example.org/x")
    assert docker.base_dockerfile is None
    docker.base_image = "i"
    assert docker.build_context is None


def test_a_dockerfile_is_text_a_path_or_an_open_file():
    docker = Environment("e").docker
    text = 'FROM mcr.example.com/base\nRUN echo "é"\n'
    with open("Dockerfile", "w", encoding="utf-8") as file:
        file.write(text)
    for given in (text, "./Dockerfile", pathlib.Path("Dockerfile"), io.StringIO(text), io.BytesIO(text.encode())):
        docker.base_dockerfile = given
        assert docker.base_dockerfile == text
    docker.base_dockerfile = "FROM ubuntu:22.04"
    assert docker.base_dockerfile == "FROM ubuntu:22.04"
    docker.base_dockerfile = None
    assert docker.base_dockerfile is None


@pytest.mark.parametrize("given", ["./Dockerfil", "x" * 300, ".", 123, pathlib.Path("nope"), "a\0b"])
def test_what_is_no_dockerfile_is_refused(given):
    docker = Environment("e").docker
    with pytest.raises(LocalrunError):
        docker.base_dockerfile = given
    assert docker.base_image


def test_packages_come_from_files(caplog):
    with open("conda.yml", "w") as file:
        file.write("channels: [conda-forge]\ndependencies: [python=3.8.5=h1_0, numpy]\n")
    with open("requirements.txt", "w") as file:
        file.write("# note\nnumpy==1.17.0  # why\n\n-r other.txt\n")
    environment = Environment.from_conda_specification(name="e", file_path="conda.yml")
    assert packages(environment) == (["python=3.8.5=h1_0", "numpy"], [])
    assert environment.python.conda_dependencies.get_python_version() == "3.8.5"
    environment = Environment.from_pip_requirements("e", "requirements.txt")
    assert packages(environment) == (["python=3.8.13", "pip"], ["# note", "numpy==1.17.0  # why", ""])
    assert list(environment.python.conda_dependencies.pip_options) == ["-r other.txt"]
    assert packages(Environment.from_pip_requirements("e", "requirements.txt", "21.0"))[0] == [
        "python=3.8.13",
        "pip=21.0",
    ]
    assert caplog.text == ""
    with open("other.txt", "w") as file:
        file.write("six\n")
    assert environment.to_spec().python.pip == ("numpy==1.17.0", "six")
    with pytest.raises(BadInput, match=r"there is no file nope\.txt"):
        Environment.from_pip_requirements("e", "nope.txt")


@pytest.mark.parametrize(
    ("given", "expected"), [("[numpy]", ["numpy", "python=3.10.18"]), ("[python]", ["python=3.10.18"])]
)
def test_a_conda_file_without_a_version_of_python_gets_that_of_azure_ml(given, expected, caplog):
    with open("conda.yml", "w") as file:
        file.write(f"dependencies: {given}\n")
    assert packages(Environment.from_conda_specification("e", "conda.yml"))[0] == expected
    assert 'No Python version provided, defaulting to "3.10.18"' in caplog.text


@pytest.mark.parametrize(
    "spec", ["python>=3.6,<3.9", "python >=3.7", "python = 3.8", "conda-forge::python=3.8", "python=3.7.*"]
)
def test_ranges_of_python_keep_their_meaning(spec, caplog):
    with open("conda.yml", "w") as file:
        file.write(f"dependencies: ['{spec}']\n")
    assert packages(Environment.from_conda_specification("e", "conda.yml"))[0] == [spec]
    assert caplog.text == ""


def test_an_image_without_packages_is_user_managed():
    registry = ContainerRegistry()
    registry.address = "r.example.org"
    environment = Environment.from_docker_image("e", "team/img:tag", container_registry=registry)
    assert environment.python.user_managed_dependencies is True
    assert environment.docker.base_image == "team/img:tag"
    environment.docker.base_image_registry.address = "changed"
    assert registry.address == "r.example.org"
    environment = Environment.from_dockerfile("e", "FROM ubuntu:22.04\n")
    assert environment.python.user_managed_dependencies is True
    with open("r.txt", "w") as file:
        file.write("six\n")
    environment = Environment.from_dockerfile("e", "FROM ubuntu:22.04\n", pip_requirements="r.txt")
    assert environment.python.user_managed_dependencies is False
    with pytest.raises(UserErrorException, match="Only one of conda_specification or pip_requirements"):
        Environment.from_docker_image("e", "i", conda_specification="a", pip_requirements="b")


def test_a_build_context_is_a_folder_of_this_machine(tmp_path):
    os.mkdir("ctx")
    for path, said in (("nope", "nope is not a valid directory."), ("ctx", "No files found in ctx.")):
        with pytest.raises(UserErrorException) as caught:
            DockerBuildContext.from_local_directory(None, path)
        assert caught.value.message == said
    with open("ctx/Dockerfile", "w") as file:
        file.write("FROM x\n")
    context = DockerBuildContext.from_local_directory(None, "ctx")
    environment = Environment.from_docker_build_context("e", context)
    document = environment.to_document()
    assert document["docker"]["buildContext"]["location"] == f"file://{tmp_path}/ctx"
    assert (document["environmentVariables"], document["docker"]["shmSize"]) == ({}, None)
    assert document["python"]["condaDependencies"] is None
    environment.save_to_directory("d")
    assert Environment.load_from_directory("d") == environment
    with pytest.raises(UserErrorException, match=r"is not a valid DockerBuildContext\.LocationType"):
        DockerBuildContext("local", "x")
    with pytest.raises(UserErrorException, match="there is no other in ctx"):
        DockerBuildContext.from_local_directory(None, "ctx", "other")


def test_dependencies_are_of_their_class():
    with pytest.raises(UserErrorException, match="conda_dependencies takes a CondaDependencies"):
        Environment("e").python.conda_dependencies = {"dependencies": []}


@pytest.mark.parametrize("name", sorted(set(localrun._PLACES) - {"Experiment", "Run", "Workspace"}))
def test_every_public_name_is_there(name):
    assert getattr(localrun, name) is not None


def test_reading_warns_of_a_password_in_clear(caplog):
    with caplog.at_level(logging.WARNING):
        environment = Environment.load_from_directory(os.path.join(CORPUS, "e27_private_registry"))
    assert "a secret stands here in clear" in caplog.text
    assert environment.docker.base_image_registry.password == "PLACEHOLDER-not-a-secret"


def test_build_local_knows_its_arguments():
    with pytest.raises(TypeError, match="usedocker"):
        Environment("e").build_local(None, usedocker=True)
