"""Environments that localrun saves, read by azureml-core, and the other way round."""

from __future__ import annotations

import copy
import json
import os
import random

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from oracle_kit import Oracle

from localrun import CondaDependencies, ContainerRegistry, Environment, RSection, SparkPackage
from localrun.api.exceptions import UserErrorException
from localrun.formats.v1_environment import hide_secrets

CORPUS = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", "corpus", "azureml-v1"))

ORACLE = """
import json, logging, sys
logging.disable(logging.CRITICAL)
from azureml.core import Environment
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.environment import EnvironmentReference

def parts_of(conda):
    return [list(conda.conda_packages), list(conda.pip_packages), list(conda.pip_options)]

def read(case):
    found = Environment.load_from_directory(case["path"])
    if isinstance(found, EnvironmentReference):
        return {"name": found.name, "version": found.version}
    if "save" in case:
        found.save_to_directory(case["save"])
    document = json.loads(json.dumps(Environment._serialize_to_dict(found)))
    document["python"].setdefault("condaDependencies", None)
    conda = found.python.conda_dependencies
    if conda is not None:
        document["facts"] = [*parts_of(conda), conda.get_python_version()]
    return document

def change(calls):
    conda = CondaDependencies()
    errors = []
    for name, argument in calls:
        try:
            getattr(conda, name)(argument)
        except Exception as error:
            errors.append(getattr(error, "message", None) or str(error))
    return {"content": conda.as_dict(), "errors": errors, "version": conda.get_python_version(), "parts": parts_of(conda)}

for line in sys.stdin:
    case = json.loads(line)
    try:
        answer = change(case["calls"]) if "calls" in case else {"document": read(case)}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"[:500]}
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture(scope="module")
def sdk(oracle_v1, tmp_path_factory):
    """Give an azureml-core that loads environments from folders, and changes conda dependencies."""
    with Oracle(oracle_v1, ORACLE, tmp_path_factory.mktemp("azureml-core")) as one:
        yield one


def corpus():
    with open(os.path.join(CORPUS, "manifest.json"), encoding="utf-8") as file:
        return [case for case in json.load(file)["cases"] if case["kind"] == "environment"]


def facts_of(environment):
    conda = environment.python.conda_dependencies
    if conda is None:
        return None
    return [list(conda.conda_packages), list(conda.pip_packages), list(conda.pip_options), conda.get_python_version()]


def check_same(environment, answer):
    assert "error" not in answer, answer
    found = answer["document"]
    facts = found.pop("facts", None)
    assert facts == facts_of(environment)
    document = hide_secrets(environment.to_document())[0]
    assert found == document
    assert list(found) == list(document)


def test_what_localrun_saves_of_the_corpus_is_read_the_same(sdk, tmp_path):
    environments = []
    for case in corpus():
        environment = Environment.load_from_directory(os.path.join(CORPUS, case["path"]))
        environment.save_to_directory(tmp_path / case["id"])
        environments.append((environment, {"path": str(tmp_path / case["id"])}))
    for (environment, _), answer in zip(environments, sdk.ask([case for _, case in environments]), strict=True):
        check_same(environment, answer)


names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
words = st.sampled_from(
    ["no", "on", "1e3", "012", "22:22", "0o17", "1:30", "~", "null", "", " ", "a: b", "- x", "#c", "true", "é", "y"]
)
packages = st.sampled_from(
    ["numpy", "numpy=1.26", "conda-forge::pandas >=2", "pytorch", "scikit-learn=1.5=py310", "22:22", "a#b", "pip"]
)
requirements = st.sampled_from(
    ["requests", "ray[tune]>=1.0,<2 ; python_version >= '3.7'", "./dist/x-1-py3-none-any.whl", "--pre", "-e ./pkg",
     "--extra-index-url https://u:p@example.org/simple", "# note", "git+https://example.org/a@b#egg=c", "off", "x @ https://e.org/x.zip"]
)  # fmt: skip
pythons = st.sampled_from(["python=3.10", "python=3.8.5", "python=3.9.7", "python>=3.6,<3.9"])
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False, width=16)
    | words
    | texts
)


@st.composite
def conda_files(draw):
    found = {"name": draw(words | names)} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        found["channels"] = draw(st.lists(words.filter(str.strip) | names.filter(str.strip), max_size=3))
    if draw(st.booleans()):
        found["variables"] = draw(st.dictionaries(words | names, scalars, max_size=3))
    dependencies = [draw(pythons), *draw(st.lists(packages, max_size=4))]
    if draw(st.booleans()):
        dependencies.append({"pip": draw(st.lists(requirements, max_size=4))})
    return found | {"dependencies": dependencies}


@st.composite
def environments(draw):
    made = Environment(draw(names))
    made.environment_variables = draw(
        st.dictionaries(words.filter(bool) | names.filter(lambda name: "=" not in name), scalars, max_size=4)
    )
    made.python.conda_dependencies = CondaDependencies(_underlying_structure=draw(conda_files()))
    made.python.user_managed_dependencies = draw(st.booleans())
    made.python.interpreter_path = draw(words | names)
    if draw(st.booleans()):
        made.docker.base_dockerfile = "FROM x\n" + draw(texts).replace("\r", "")
    else:
        made.docker.base_image = draw(words | names)
    registry = ContainerRegistry()
    registry.address, registry.username, registry.password = (
        draw(words | names),
        draw(st.none() | names),
        draw(st.none() | names),
    )
    made.docker.base_image_registry = registry
    made.docker.arguments = draw(st.lists(words | texts, max_size=3))
    made.docker.enabled, made.docker.shm_size = draw(st.booleans()), draw(st.none() | words)
    made.spark.packages = [SparkPackage(draw(words), draw(names), draw(words)) for _ in range(draw(st.integers(0, 2)))]
    made.version, made.asset_id = draw(st.none() | words), draw(st.none() | words)
    if draw(st.booleans()):
        made.r = RSection()
        made.r.r_version, made.r.custom_url_packages = draw(words), draw(st.none() | st.lists(words, max_size=2))
    return made


def test_what_localrun_saves_of_generated_environments_is_read_the_same(sdk, tmp_path):
    saved = []

    @seed(3)
    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(environments())
    def save(environment):
        path = tmp_path / str(len(saved))
        environment.save_to_directory(path)
        assert Environment.load_from_directory(path).to_document() == hide_secrets(environment.to_document())[0]
        saved.append((copy.deepcopy(environment), {"path": str(path), "save": str(path) + "-again"}))

    save()
    for (environment, case), answer in zip(saved, sdk.ask([case for _, case in saved]), strict=True):
        check_same(environment, answer)
        again = Environment.load_from_directory(case["save"])
        assert again.to_document() == hide_secrets(environment.to_document())[0]


JSONS = ['{"name": "a"}', '{"name": "a", "version": "3"}', '{"name": "a", "python": {}}', '{"name": "a", "docker": {"buildContext": {}}}',
         '{"name": "a", "docker": {"buildContext": {"locationType": "git", "location": "x"}}}', '{"name": "a", "r": {"cranPackages": [{}]}}',
         '{"name": "a", "docker": null, "spark": null, "databricks": null}', '{"name": "a", "spark": {"packages": [{"group": "g"}]}}',
         '{"name": "a", "databricks": {"pypiLibraries": [{}], "mavenLibraries": [{"repo": "r"}], "jarLibraries": [{}]}}',
         '{"name": "a", "docker": {"baseImageRegistry": {"registryIdentity": {}}, "platform": {"os": "Windows"}}}',
         '{"name": "a", "python": {"condaDependencies": {"dependencies": ["python=3.8"]}}}', '{"environmentVariables": {"A": null, "B": 1.5}}']  # fmt: skip


def test_what_is_missing_in_a_file_counts_as_the_sdk_has_it(sdk, tmp_path):
    cases = []
    for number, text in enumerate(JSONS):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "azureml_environment.json").write_text(text)
        cases.append({"path": str(folder)})
    for case, answer in zip(cases, sdk.ask(cases), strict=True):
        found = Environment.load_from_directory(case["path"])
        document = found.to_document()
        answer["document"].pop("facts", None)
        assert answer["document"] == document


CALLS = [("add_conda_package", "numpy"), ("add_conda_package", "numpy=1.2"), ("add_conda_package", "python=3.9"), ("add_conda_package", "numpy"),
         ("add_channel", "pytorch"), ("add_channel", "conda-forge"), ("remove_channel", "anaconda"), ("remove_channel", "nope"),
         ("add_pip_package", "a==1"), ("add_pip_package", "b"), ("add_pip_package", "a>=2"), ("add_pip_package", "azureml-defaults==1.61"),
         ("add_pip_package", "https://e.org/x/mypkg-1.0-py3-none-any.whl"), ("add_pip_package", "mypkg==2"), ("add_pip_package", "--pre"),
         ("remove_pip_package", "a"), ("remove_pip_package", "b==9"), ("remove_pip_package", "zz"), ("set_pip_option", "--pre"),
         ("set_pip_option", "--index-url https://a"), ("set_pip_option", "--index-url https://b"), ("set_pip_option", "numpy"),
         ("set_pip_index_url", "--index-url https://c"), ("remove_pip_option", "--index-url x"), ("remove_pip_option", "--pre"),
         ("set_python_version", "3.7"), ("remove_conda_package", "numpy"), ("remove_conda_package", "python=3.8.13"),
         ("set_pip_requirements", ["x", "--pre", "y==1"]), ("add_tensorflow_pip_package", "gpu"), ("add_tensorflow_conda_package", "cpu"),
         ("add_cntk_package", "gpu"), ("add_cntk_package", "tpu")]  # fmt: skip


def test_conda_dependencies_change_as_those_of_the_sdk(sdk):
    chance = random.Random(5)
    cases = [{"calls": [call]} for call in CALLS]
    cases += [{"calls": chance.choices(CALLS, k=chance.randint(2, 8))} for _ in range(150)]
    for case, answer in zip(cases, sdk.ask(cases), strict=True):
        conda = CondaDependencies()
        errors = []
        for name, argument in case["calls"]:
            try:
                getattr(conda, name)(argument)
            except UserErrorException as error:
                errors.append(error.message)
        parts = [list(conda.conda_packages), list(conda.pip_packages), list(conda.pip_options)]
        found = {"content": conda.as_dict(), "errors": errors, "version": conda.get_python_version(), "parts": parts}
        assert found == answer, case


@pytest.mark.parametrize("given", ["python=3.8.5=h7579374_1", "python >=3.7,<3.9", "conda-forge::python=3.8"])
def test_versions_of_python_that_the_sdk_overwrites_keep_their_meaning(given, tmp_path, sdk):
    (tmp_path / "conda.yml").write_text(f"dependencies: ['{given}', numpy]\n")
    environment = Environment.from_conda_specification("x", tmp_path / "conda.yml")
    environment.save_to_directory(tmp_path / "saved")
    (answer,) = sdk.ask([{"path": str(tmp_path / "saved")}])
    assert answer["document"]["python"]["condaDependencies"]["dependencies"] == [given, "numpy"]
