"""What Azure ML lets one download of a run."""

from __future__ import annotations

import json

import pytest

from localrun.errors import BadInput
from localrun.formats.gate import load_yaml
from localrun.formats.remote_run import import_details, import_job, is_details, is_job

ENVIRONMENT = {
    "name": "e",
    "python": {
        "userManagedDependencies": False,
        "condaDependencies": {"dependencies": ["python=3.11", {"pip": ["a"]}]},
    },
    "docker": {
        "baseImage": "debian",
        "baseImageRegistry": {"address": "r.example.org", "username": "u", "password": "p"},
    },
}


def refuse(path):
    raise FileNotFoundError(2, "not there", path)


def details(**changes):
    definition = {"script": "x.py", "framework": "Python", "environment": ENVIRONMENT} | changes
    return json.dumps({"runDefinition": definition}).encode()


def test_packages_go_to_a_file_of_their_own_and_secrets_to_nowhere():
    made = import_details(details(), file="d.json", environment=None, read=refuse)
    files = dict(made.files)
    assert list(files) == ["imported.runconfig", "conda_dependencies.yml"]
    assert b"python=3.11" in files["conda_dependencies.yml"]
    assert b"password: p" not in files["imported.runconfig"]
    assert any("secret of" in line for line in made.left)


@pytest.mark.parametrize(
    "word", ["\N{ROCKET}", "\x7f", "\u2028", "1e-05", "12:30:45", "no", "0o17", "~", "", "a\nb", "$X {y}: #z"]
)
def test_arguments_of_a_run_come_over_as_they_are(word):
    made = import_details(details(arguments=["--x", word, 3, 0.5, True]), file="d.json", environment=None, read=refuse)
    found = load_yaml(dict(made.files)["imported.runconfig"], file="imported.runconfig").data
    assert found["arguments"] == ["--x", word, 3, 0.5, True]


def test_what_says_nothing_is_not_listed_and_the_rest_is():
    made = import_details(
        details(identity=None, data={}, dataReferences={"d": {"mode": "Mount", "dataStoreName": "s"}}, newKey={"a": "b"}),
        file="d.json", environment=json.dumps(ENVIRONMENT | {"docker": {}}).encode(), read=refuse,
    )  # fmt: skip
    assert [line.partition(":")[0] for line in made.left] == ["dataReferences", "newKey"]


def test_environment_of_a_v1_run_stands_in_a_job_in_place_of_a_reference():
    job = b"command: x\nenvironment: azureml:e:1\nstatus: Completed\n"
    made = import_job(job, file="j.yml", code="", environment=json.dumps(ENVIRONMENT).encode())
    document = load_yaml(made.files[0][1], file="made").data
    assert document["environment"]["image"] == "debian"
    assert document["environment"]["conda_file"]["dependencies"][0] == "python=3.11"
    assert made.left == ("status: Completed",)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"script": 1}', b"{", b"\xff"])
def test_other_files_are_neither(data):
    assert not is_details(data, file="x")
    assert not is_job(data, file="x")


def test_job_of_another_type_is_none():
    assert is_job(b"command: x\n", file="x")
    assert not is_job(b"type: pipeline\ncommand: x\n", file="x")


@pytest.mark.parametrize("environment", [b"{", b"3", b"[]", b'"x"'])
def test_environment_that_is_none_is_bad_input(environment):
    with pytest.raises(BadInput):
        import_details(details(), file="d.json", environment=environment, read=refuse)
    with pytest.raises(BadInput):
        import_job(b"command: x\n", file="j.yml", code="", environment=environment)


@pytest.mark.parametrize("change", [{"environment": None}, {"environment": 3}, {"nodeCount": "x"}, {"history": 3}])
def test_damaged_details_are_bad_input(change):
    with pytest.raises(BadInput):
        import_details(details(**change), file="d.json", environment=None, read=refuse)


def test_secrets_in_plain_text_among_variables_are_named_and_not_written():
    text = details(environmentVariables={"HF_TOKEN": "hf_abcdefgh", "SIZE": "large"})
    made = import_details(text, file="d.json", environment=None, read=refuse)
    assert not any(b"hf_abcdefgh" in data for _, data in made.files)
    assert any("localrun secret set hf-token" in line for line in made.left)
    job = (
        b"command: python a.py\nenvironment: azureml:x:1\nenvironment_variables: {HF_TOKEN: hf_abcdefgh, SIZE: large}\n"
    )
    made = import_job(job, file="j.yml", code="", environment=None)
    assert b"hf_abcdefgh" not in made.files[0][1]
    assert b"SIZE: large" in made.files[0][1]
    assert any("localrun secret set hf-token" in line for line in made.left)
