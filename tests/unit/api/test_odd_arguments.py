"""Python objects that are none of what is asked for are refused before anything is made, with what to do."""

from __future__ import annotations

import pytest

from localrun import CondaDependencies, Environment, Experiment, ScriptRunConfig, Workspace
from localrun.errors import LocalrunError

CASES = [
    ("source_directory", "nope", "source directory doesn't exist"),
    ("script", 3, "script takes a path, not 3"),
    ("arguments", [None], "arguments.0: expected text or a number, found nothing"),
    ("arguments", [["a"]], "arguments.0: expected text or a number"),
    ("arguments", ["a\0b"], "arguments.0: the text holds a NUL"),
    ("arguments", ["\ud800"], "arguments.0: the text holds a NUL or half of a surrogate pair"),
    ("arguments", 3, "arguments: expected a list, found int"),
    ("command", "true", "here a script too"),
    ("run_config", None, "'run_config' must be a 'RunConfiguration' object"),
    ("run_config.node_count", "x", "nodeCount: expected a whole number, found 'x'"),
    ("run_config.node_count", -1, "nodeCount: expected a whole number from 1"),
    ("run_config.communicator", 3, "the communicator 3 is not known"),
    ("run_config.environment_variables", ["A"], "expected names and values, found list"),
    ("run_config.environment_variables", {"A": object()}, "environmentVariables.A: expected text or a number"),
    ("run_config.environment_variables", {"A=B": "1"}, "cannot be the name of an environment variable"),
    (
        "run_config.environment.python.interpreter_path",
        3,
        "python.interpreterPath: expected the path of an interpreter",
    ),
    ("run_config.environment.python.interpreter_path", "/nope", "there is no interpreter /nope"),
]


@pytest.fixture
def config(tmp_path):
    (tmp_path / "train.py").write_text("print(1)\n")
    config = ScriptRunConfig(str(tmp_path), script="train.py")
    config.run_config.environment = Environment("mine")
    config.run_config.environment.python.user_managed_dependencies = True
    return config


@pytest.mark.parametrize(("place", "given", "words"), CASES)
def test_run_that_cannot_be_is_refused_when_it_is_submitted(config, own_workspace, place, given, words):
    *owners, name = place.split(".")
    owner = config
    for one in owners:
        owner = getattr(owner, one)
    setattr(owner, name, given)
    with pytest.raises(LocalrunError) as caught:
        Experiment(Workspace(), "x").submit(config)
    assert words in str(caught.value)
    assert caught.value.hint
    assert not (own_workspace / "submitted").exists()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Experiment(None, "x"), "expected a Workspace, found NoneType"),
        (lambda: Experiment(Workspace(), 3), "expected an experiment's name, found 3"),
        (lambda: Experiment(Workspace(), "x").submit("train.py"), "expected a ScriptRunConfig, found str"),
        (lambda: Environment.get(None, "x"), "expected a Workspace, found NoneType"),
        (lambda: Environment.get(Workspace(), 3), "expected the name of an environment, found 3"),
        (lambda: Environment.list(None), "expected a Workspace, found NoneType"),
        (lambda: Environment("x").register(None), "expected a Workspace, found NoneType"),
        (lambda: Environment("x").clone(None), "Name is required"),
        (lambda: Environment.from_docker_image("x", 3), "base_image takes the name of an image, not 3"),
        (lambda: CondaDependencies().remove_conda_package("python=3.8.13"), "python must not be removed"),
        (lambda: CondaDependencies().add_tensorflow_pip_package("tpu"), "Invalid core type tpu"),
    ],
)
def test_what_is_none_of_what_is_asked_for_is_refused_with_what_to_do(call, words):
    with pytest.raises(LocalrunError, match=words) as caught:
        call()
    assert caught.value.hint


def test_tags_without_texts_are_refused(config):
    with pytest.raises(LocalrunError, match="expected tags with their texts") as caught:
        Experiment(Workspace(), "x").submit(config, tags=["a"])
    assert caught.value.hint
