from __future__ import annotations

import json
import os

import pytest

from localrun.errors import BadInput
from localrun.formats.v1_environment import (
    hide_secrets,
    is_reference,
    read_environment_files,
    spec_of_document,
    write_environment_files,
)

CORPUS = os.path.join(os.path.dirname(__file__), "..", "..", "corpus", "azureml-v1")


def read_corpus():
    with open(os.path.join(CORPUS, "manifest.json"), encoding="utf-8") as file:
        return [case for case in json.load(file)["cases"] if case["kind"] == "environment"]


def read_folder(folder):
    files = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            files[name] = file.read()
    return files


def facts_of(document):
    """Give a document in the words of the corpus's manifest."""
    python, docker = document["python"], document["docker"]
    return {
        "name": document["name"],
        "version": document["version"],
        "asset_id": document["assetId"],
        "environment_variables": document["environmentVariables"],
        "inferencing_stack_version": document["inferencingStackVersion"],
        "python": {
            "user_managed_dependencies": python["userManagedDependencies"],
            "interpreter_path": python["interpreterPath"],
            "conda_dependencies_file": python["condaDependenciesFile"],
            "base_conda_environment": python["baseCondaEnvironment"],
        },
        "docker": {
            "enabled": docker["enabled"],
            "base_image": docker["baseImage"],
            "base_dockerfile": docker["baseDockerfile"],
            "build_context": docker["buildContext"],
            "shared_volumes": docker["sharedVolumes"],
            "shm_size": docker["shmSize"],
            "arguments": docker["arguments"],
            "registry": docker["baseImageRegistry"],
            "platform": docker["platform"],
        },
        "spark": document["spark"],
        "databricks": {**document["databricks"], "cluster": None},
        "r": document["r"],
    }


def without(facts, *keys):
    return {key: value for key, value in facts.items() if key not in keys}


@pytest.mark.parametrize("case", read_corpus(), ids=lambda case: case["id"])
def test_the_corpus_is_read_to_the_facts_of_its_manifest(case):
    folder = os.path.join(CORPUS, case["path"])
    document, _ = read_environment_files(read_folder(folder), where=folder)
    facts = without(case["facts"], "class")
    conda = facts["python"].pop("conda")
    found = document["python"]["condaDependencies"]
    assert facts_of(document) == facts
    assert list(found) == conda["top_keys"]
    assert (found.get("name"), found.get("channels"), found["dependencies"]) == (
        conda["name"],
        conda["channels"],
        conda["dependencies_raw"],
    )
    assert (found.get("variables"), found.get("prefix")) == (conda["variables"], conda["prefix"])


@pytest.mark.parametrize("case", read_corpus(), ids=lambda case: case["id"])
def test_what_is_written_is_read_as_the_same(case):
    folder = os.path.join(CORPUS, case["path"])
    document, _ = read_environment_files(read_folder(folder), where=folder)
    again, _ = read_environment_files(write_environment_files(document), where=folder)
    assert again == hide_secrets(document)[0]
    assert list(again) == list(document)
    assert list(again["docker"]) == list(document["docker"])


def read(text="{}", conda=None, dockerfile=None):
    files = {"azureml_environment.json": text.encode()}
    if conda is not None:
        files["conda_dependencies.yml"] = conda.encode()
    if dockerfile is not None:
        files["BaseDockerfile"] = dockerfile.encode()
    return read_environment_files(files, where="e")


def refused(*args, **kwargs):
    with pytest.raises(BadInput) as caught:
        read(*args, **kwargs)
    assert caught.value.hint
    return f"{caught.value} | {caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "e/azureml_environment.json:1: expected a mapping, found a list"),
        ("{", "not valid JSON"),
        ('{"name": 3, "python": {}}', "e/azureml_environment.json:1: name: expected text, found the number 3"),
        ('{"environmentVariables": []}', "environmentVariables: expected a mapping, found a list"),
        ('{"environmentVariables": {"A": [1]}}', "environmentVariables.A: expected text, found a list"),
        ('{"environmentVariables": {"A=B": "1"}}', "cannot be the name of an environment variable"),
        ('{"python": {"userManagedDependencies": "no"}}', "found the text 'no' | write false without quotes"),
        ('{"python": {"userManagedDependencies": "true"}}', "found the text 'true' | write true without quotes"),
        ('{"docker": {"baseImage": ["a", "b"]}}', "docker.baseImage: expected text, found a list"),
        ('{"docker": {"buildContext": {"locationType": "local"}}}', "expected one of git, storageaccount, found"),
        ('{"docker": {"arguments": "--ipc"}}', "docker.arguments: expected a list, found the text '--ipc'"),
        ('{"spark": {"packages": [1]}}', "spark.packages.0: expected a mapping, found the number 1"),
        ('{"version": NaN}', "found 'NaN'"),
        ('{"version": true, "python": {}}', "version: expected text, found the truth value true"),
        ('{"a": ' * 60 + "1" + "}" * 60, "nested deeper than 50"),
        ('{"name": "a", "name": "b"}', "key name is there twice"),
    ],
)
def test_json_that_azureml_core_stumbles_over_is_named(text, said):
    assert said in refused(text)


@pytest.mark.parametrize(
    ("conda", "said"),
    [
        ("", "e/conda_dependencies.yml: Environment error: not a valid YAML structure: an empty file"),
        ("[a]", "Environment error: not a valid YAML structure: a list"),
        ("foo: 1", "conda_dependencies.yml:1: foo: Environment error: unknown foo key in environment specification"),
        ("channel: [a]", "did you mean channels?"),
        ("dependencies: numpy", "dependencies: expected a list"),
        ("dependencies: [3.10]", 'write a package as text, such as "python=3.10"'),
        ("dependencies: [{numpy: 1}]", 'write "numpy=1"'),
        ("dependencies: [{pip: [1.0]}]", "dependencies.0.pip.0: expected text"),
        ("channels: conda-forge", "channels: expected a list, found the text 'conda-forge'"),
        ("name: a\nname: b", "key name is there twice"),
        ("\tname: a", "tab"),
        ("variables: {A: [1]}", "variables.A: expected text, found a list"),
    ],
)
def test_conda_files_that_azureml_core_stumbles_over_are_named(conda, said):
    assert said in refused('{"name": "a"}', conda)


def test_empty_lists_of_a_conda_file_are_empty():
    document, warnings = read('{"name": "a"}', "channels:\ndependencies:\n- pip:\nvariables:\n")
    assert document["python"]["condaDependencies"] == {"channels": [], "dependencies": [{"pip": []}], "variables": {}}
    assert warnings == ()


def test_a_missing_json_file_is_named():
    with pytest.raises(BadInput, match=r"e: there is no azureml_environment.json"):
        read_environment_files({}, where="e")


def test_only_name_and_version_is_a_reference_unless_a_conda_file_is_there():
    document, _ = read('{"name": "a", "version": 3}')
    assert document == {"name": "a", "version": "3"}
    assert is_reference(document)
    assert is_reference(read("{}")[0])
    document, _ = read('{"name": "a"}', "dependencies: [python=3.10]")
    assert document["python"]["condaDependencies"] == {"dependencies": ["python=3.10"]}
    with pytest.raises(BadInput, match="environment a is only named here"):
        spec_of_document({"name": "a", "version": None})


def test_unknown_keys_are_told_and_kept():
    text = '{"name": "a", "python": {"interpreter": "x"}, "docker": {"baseImage": "b"}, "foo": [1, {"b": null}]}'
    document, warnings = read(text)
    assert warnings == (
        "e/azureml_environment.json:1: foo: unknown key, kept but not used",
        "e/azureml_environment.json:1: python.interpreter: unknown key, kept but not used; did you mean interpreterPath?",
    )
    written = json.loads(write_environment_files(document)["azureml_environment.json"])
    assert written["foo"] == [1, {"b": None}]
    assert written["python"]["interpreter"] == "x"


def test_other_spellings_of_a_key_are_read_and_told():
    document, warnings = read('{"name": "a", "Docker": {"base_image": "x"}}')
    assert document["docker"]["baseImage"] == "x"
    assert [warning.partition("; ")[0] for warning in warnings] == [
        "e/azureml_environment.json:1: Docker: read as docker",
        "e/azureml_environment.json:1: Docker.base_image: read as baseImage",
    ]


def test_missing_and_null_sections_are_what_azureml_core_takes_for_them():
    document, _ = read('{"name": "a", "python": null, "docker": null}')
    assert document["python"]["interpreterPath"] == "python"
    assert (document["docker"], document["r"]) == (None, None)
    assert document["environmentVariables"] == {}
    assert document["spark"] == {"repositories": [], "packages": [], "precachePackages": True}
    assert read('{"name": "a", "docker": null}', dockerfile="FROM x\n")[0]["docker"]["baseDockerfile"] == "FROM x\n"


def test_a_registry_given_as_text_is_its_address():
    document, warnings = read('{"docker": {"baseImage": "i:1", "baseImageRegistry": "r.example.org"}}')
    assert document["docker"]["baseImageRegistry"]["address"] == "r.example.org"
    assert "read as the address" in warnings[0]
    assert spec_of_document(document).image == "r.example.org/i:1"


def test_an_image_in_a_list_of_one_is_that_image():
    document, warnings = read('{"docker": {"baseImage": ["/my/img:tag"]}}')
    assert document["docker"]["baseImage"] == "/my/img:tag"
    assert len(warnings) == 1


def test_a_dockerfile_wins_over_the_image_and_a_conda_file_over_the_inline_one():
    document, warnings = read(
        '{"docker": {"baseImage": "new:1"}, "python": {"condaDependencies": {"dependencies": ["a"]}}}',
        "dependencies: [b]",
        "FROM old\n",
    )
    assert (document["docker"]["baseImage"], document["docker"]["baseDockerfile"]) == (None, "FROM old\n")
    assert document["python"]["condaDependencies"]["dependencies"] == ["b"]
    assert len(warnings) == 2


def test_secrets_are_written_as_references():
    document, warnings = read('{"docker": {"baseImageRegistry": {"address": "My.Reg.example.org", "password": "pw"}}}')
    assert "a secret stands here in clear" in warnings[0]
    assert document["docker"]["baseImageRegistry"]["password"] == "pw"
    files = write_environment_files(document)
    assert b'"pw"' not in files["azureml_environment.json"]
    again, warnings = read_environment_files(files, where="e")
    assert again["docker"]["baseImageRegistry"]["password"] == "${PASSWORD_OF_MY_REG_EXAMPLE_ORG}"
    assert warnings == ()
    assert hide_secrets(again) == (again, ())


def test_a_spec_has_interpreter_or_packages():
    document, _ = read('{"name": "n", "environmentVariables": {"A": 1, "B": null}}', "dependencies: [numpy]")
    spec = spec_of_document(document, file="e", directory="/d")
    assert spec.python.conda == ("python", "numpy")
    assert (spec.python.directory, spec.name, spec.file) == ("/d", "n", "e")
    assert spec.environment_variables == (("A", "1"), ("B", ""))
    document["python"]["userManagedDependencies"] = True
    spec = spec_of_document(document)
    assert (spec.interpreter, spec.python) == ("python", None)


def test_an_environment_that_says_nothing_is_refused():
    document, _ = read('{"name": "n", "python": {}}')
    with pytest.raises(BadInput, match="says neither what to install nor which interpreter"):
        spec_of_document(document)
    document["docker"]["baseDockerfile"] = "FROM x"
    assert spec_of_document(document).build.dockerfile == "FROM x"


def test_docker_section_gives_image_registry_platform_and_spark():
    document, _ = read(
        '{"docker": {"baseImage": "i:1", "platform": {"os": "Linux", "architecture": "arm64"},'
        ' "baseImageRegistry": {"address": "https://r.example.org/", "username": "me", "password": "${P}"}},'
        ' "spark": {"repositories": ["https://a"], "packages": [{"group": "g", "artifact": "a", "version": "1"}]}}',
        "dependencies: [python]",
    )
    spec = spec_of_document(document)
    assert (spec.image, spec.platform) == ("r.example.org/i:1", "linux/arm64")
    assert (spec.registry.address, spec.registry.username, spec.registry.password) == ("r.example.org", "me", "${P}")
    assert (spec.spark.repositories, spec.spark.packages, spec.spark.precached) == (("https://a",), ("g:a:1",), True)


def test_password_in_clear_never_reaches_a_spec():
    document, _ = read('{"docker": {"baseImage": "i", "baseImageRegistry": {"address": "r.org", "password": "clear"}}}')
    spec = spec_of_document(document)
    assert "clear" not in repr(spec)
    assert spec.registry.password == "${PASSWORD_OF_R_ORG}"


def test_build_context_is_a_folder_of_this_machine_or_unknown():
    document, _ = read('{"docker": {"buildContext": {"locationType": "git", "location": "https://a/b.git"}}}')
    assert spec_of_document(document).build.dockerfile == ""
    document["docker"]["buildContext"]["location"] = "file:///c%20d"
    build = spec_of_document(document, read={"/c d/Dockerfile": b"FROM x"}.__getitem__).build
    assert (build.dockerfile, build.context) == ("FROM x", "/c d")


def test_included_requirements_are_read_beside_the_conda_file():
    document, _ = read('{"name": "n"}', "dependencies: [python, {pip: [-r more.txt, '-e ./pkg']}]")
    spec = spec_of_document(document, directory="/d", read={"/d/more.txt": b"numpy\n"}.__getitem__)
    assert spec.python.pip == ("numpy", "-e ./pkg")
    with pytest.raises(BadInput, match=r"more\.txt cannot be read"):
        spec_of_document(document, directory="/d")


@pytest.mark.parametrize("value", [float("nan"), object(), {1: 2}, "\ud800", b"x"])
def test_what_has_no_place_in_a_file_is_refused(value):
    document, _ = read('{"name": "n", "python": {}}')
    document["environmentVariables"] = {"A": value}
    with pytest.raises(BadInput, match=r"environmentVariables\.A"):
        write_environment_files(document)
