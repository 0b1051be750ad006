"""Run configurations, held against azureml-core itself: what each of the two writes, the other reads to the same facts."""

from __future__ import annotations

import json
import os
import random

import pytest
from oracle_kit import Oracle

from localrun.api.run_configuration import RunConfiguration
from localrun.formats.runconfig_keys import RUN_CONFIGURATION, complete

CORPUS = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", "corpus", "azureml-v1"))
CASES = 60
ORACLE = """
import json, logging, sys, warnings
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
from azureml.core._serialization_utils import _serialize_to_dict
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.runconfig import RunConfiguration

def tell(config):
    document = json.loads(json.dumps(_serialize_to_dict(config)))
    python = document["environment"].get("python")
    if python is not None:
        conda = config.environment.python.conda_dependencies
        python["condaDependencies"] = None if conda is None else json.loads(json.dumps(conda.as_dict()))
    return document

def work(task):
    if "document" not in task:
        return tell(RunConfiguration.load(task["path"], task["name"]))
    config = RunConfiguration._get_runconfig_using_dict(task["document"], path=task["path"])
    config.environment.python.conda_dependencies = CondaDependencies(_underlying_structure=task["conda"])
    config.save(task["path"], task["name"], separate_environment_yaml=task["separate"])
    return tell(config)

for line in sys.stdin:
    try:
        answer = work(json.loads(line))
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"[:2000]}
    print(json.dumps(answer), flush=True)
"""
WORDS = ("train.py", "a b", "yes", "No", "1e3", "1e-05", "0o17", "012", "1:30", "22:22", "~", "null", "", "#x", "a: b",
    "$LOCAL_RANK", "it's \"q\"", "ünï ☃", "- x", "{a}", "&a", "*a", "!t", "%x", "@x", "`x", "2024-01-01", "=", "y",
    "tab\there", "two\nlines", " lead", "trail ", "x" * 200, "0x10", "1_000", ".5", "-e", "--flag", "<<", "?", ":")  # fmt: skip


@pytest.fixture(scope="module")
def sdk(oracle_v1, tmp_path_factory):
    """Give an azureml-core that loads run configurations, or writes them first."""
    with Oracle(oracle_v1, ORACLE, tmp_path_factory.mktemp("azureml-core")) as one:
        yield one


def facts(document):
    """Give what counts in a document: not where the conda file lies, and no keys that only one side writes as null."""
    found = json.loads(json.dumps(document))
    if "python" in found["environment"]:
        found["environment"]["python"].pop("condaDependenciesFile", None)
    found["history"] = {"ambientAuthentication": None} | found["history"]
    return found


def corpus():
    with open(os.path.join(CORPUS, "manifest.json"), encoding="utf-8") as file:
        return [case for case in json.load(file)["cases"] if case["kind"] == "runconfig"]


def generate(seed):
    """Give a run configuration's document with whatever texts a file may hold."""
    pick = random.Random(seed)

    def word():
        return pick.choice(WORDS)

    def value():
        return pick.choice([word(), pick.randint(-5, 10**6), pick.random() * 10 ** pick.randint(-8, 8), True, False])

    def names():
        names = [word().replace("=", "") or "k" for _ in range(pick.randint(0, 3))]
        return {name: pick.choice([word(), pick.randint(-5, 99), True, False]) for name in names}

    document = complete({}, RUN_CONFIGURATION) | {
        "script": word() or None,
        "arguments": [value() for _ in range(pick.randint(0, 4))],
        "target": pick.choice(["local", "cpu-cluster"]),
        "communicator": pick.choice(["None", "nccl", "IntelMpi"]),
        "maxRunDurationSeconds": pick.choice([None, 60]),
        "nodeCount": pick.randint(1, 4),
        "command": pick.choice(["", word(), [word(), word()]]),
        "environmentVariables": names(),
    }
    document["docker"] |= {"useDocker": pick.random() < 0.5, "arguments": [word() for _ in range(2)]}
    document["history"] |= {"snapshotProject": pick.random() < 0.5, "directoriesToWatch": [word()]}
    document["spark"] = {"configuration": {"spark.app.name": word(), "spark.executor.instances": pick.randint(1, 9)}}
    environment = RunConfiguration().to_document()["environment"]
    environment["name"] = word() or "e"
    environment["environmentVariables"] = names()
    environment["python"]["userManagedDependencies"] = pick.random() < 0.5
    environment["python"]["interpreterPath"] = word() or "python"
    environment["docker"] |= {"baseImage": None, "baseDockerfile": word() or None}
    environment["python"]["condaDependencies"] = {
        "name": word() or "n",
        "dependencies": ["python=3.10", "numpy", {"pip": [text for text in (word(), word()) if text.strip()]}],
        "channels": ["conda-forge"],
    }
    return document | {"environment": environment}


def test_azureml_core_reads_what_localrun_saved_of_its_own_corpus_to_the_same_facts(sdk, tmp_path):
    tasks = []
    cases = corpus()
    for case in cases:
        here = tmp_path / case["id"]
        here.mkdir()
        loaded = RunConfiguration.load(os.path.join(CORPUS, case["path"]), case.get("load_name"))
        loaded.save(str(here), "again")
        tasks.append({"path": os.path.join(CORPUS, case["path"]), "name": case.get("load_name")})
        tasks.append({"path": str(here), "name": "again"})
    answers = sdk.ask(tasks)
    for case, theirs, ours in zip(cases, answers[::2], answers[1::2], strict=True):
        assert facts(ours) == facts(theirs), case["id"]


@pytest.mark.parametrize("separate", [False, True])
def test_azureml_core_reads_what_localrun_writes(sdk, tmp_path, separate):
    documents = [generate(seed) for seed in range(CASES)]
    for number, document in enumerate(documents):
        (tmp_path / str(number)).mkdir()
        config = RunConfiguration.from_document(document)
        config.save(str(tmp_path / str(number)), "x", separate_environment_yaml=separate)
    tasks = [{"path": str(tmp_path / str(number)), "name": "x"} for number in range(CASES)]
    for document, answer in zip(documents, sdk.ask(tasks), strict=True):
        assert "error" not in answer, (answer, document)
        assert facts(answer) == facts(document)


@pytest.mark.parametrize("separate", [False, True])
def test_localrun_reads_what_azureml_core_writes(sdk, tmp_path, separate):
    tasks = []
    for number in range(CASES):
        document = generate(1000 + number)
        conda = document["environment"]["python"].pop("condaDependencies")
        (tmp_path / str(number) / ".azureml").mkdir(parents=True)
        path = str(tmp_path / str(number))
        tasks.append({"document": document, "conda": conda, "path": path, "name": "x", "separate": separate})
    for task, answer in zip(tasks, sdk.ask(tasks), strict=True):
        assert "error" not in answer, (answer, task)
        read = RunConfiguration.load(task["path"], "x").to_document()
        assert facts(read) == facts(answer)


def test_a_variable_with_a_fraction_is_written_as_the_text_that_azureml_core_can_read(sdk, tmp_path):
    config = RunConfiguration("train.py")
    config.environment_variables = {"A": 0.5}
    config.environment.environment_variables = {"B": 1e-7}
    config.save(str(tmp_path), "x")
    (answer,) = sdk.ask([{"path": str(tmp_path), "name": "x"}])
    assert answer["environmentVariables"] == {"A": "0.5"}
    assert answer["environment"]["environmentVariables"] == {"B": "1e-07"}


def test_a_file_inside_its_folder_which_azureml_core_cannot_open_is_opened(sdk, tmp_path):
    path = os.path.join(CORPUS, "runconfig/r09_mpi_4/.azureml/config.runconfig")
    refused, accepted = sdk.ask(
        [{"path": path, "name": None}, {"path": path.rpartition("/.azureml")[0], "name": "config"}]
    )
    assert "FileNotFoundError" in refused["error"]
    assert facts(RunConfiguration.load(path).to_document()) == facts(accepted)
