"""v1 run configurations through the real command line: folders that azureml-core saved, and every way to name one."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

CORPUS = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", "corpus", "azureml-v1", "runconfig"))
TRAIN = """import os, sys
names = ("SHARED", "ONLY_ENV", "foo_bar", "RANK", "LOCAL_RANK", "WORLD_SIZE")
print(sys.argv[1:], [os.environ.get(name) for name in names], os.path.realpath(os.getcwd()))
"""
BASE = f"""environment:
  name: mine
  environment_variables: {{SHARED: environment, ONLY_ENV: '1'}}
  python: {{user_managed_dependencies: true, interpreter_path: {sys.executable}}}
"""


def write(localrun, text, path=".azureml/mine.runconfig"):
    os.makedirs(os.path.join(localrun.source, os.path.dirname(path)), exist_ok=True)
    localrun.write(path, BASE + text)
    localrun.write("train.py", TRAIN)


def outputs(done):
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().splitlines()


def test_a_folder_that_azureml_core_saved_runs(localrun):
    shutil.copytree(os.path.join(CORPUS, "r08_user_managed", ".azureml"), os.path.join(localrun.source, ".azureml"))
    localrun.write("train.py", TRAIN)
    interpreter = ("--set", f"environment.python.interpreterPath={sys.executable}")
    done = localrun.run(*interpreter, "--run-config", "config", ".")
    assert outputs(done)[0].startswith("[] [None, None")
    again = localrun.run(*interpreter, ".azureml/config.runconfig", "--lr", "1")
    assert outputs(again)[0].startswith("['--lr', '1'] [None, None")


@pytest.mark.parametrize(
    "words",
    [
        (".azureml/mine.runconfig",),
        ("--run-config", "mine", "."),
        ("--run-config", "mine.runconfig", "."),
        ("--run-config", "mine"),
    ],
)
def test_every_way_to_name_a_run_configuration_runs_it(localrun, words):
    write(localrun, "script: train.py\narguments: [--lr, 1e-05, a b]\nenvironmentVariables: {SHARED: run}\n")
    (line,) = outputs(localrun.run(*words))
    assert line.startswith("['--lr', '1e-05', 'a b'] ['run', '1', None, None")
    assert os.path.realpath(localrun.home) in line


def test_a_run_configuration_without_an_ending_runs_from_its_folder(localrun):
    write(localrun, "script: train.py\n", path=".azureml/local")
    assert outputs(localrun.run(".azureml/local"))[0].startswith("[] ['environment', '1'")


def test_variables_in_arguments_are_those_of_each_rank(localrun):
    text = "communicator: nccl\nnodeCount: 2\npytorch: {processCount: 4}\nscript: train.py\n"
    write(localrun, text + "arguments: [--rank, $LOCAL_RANK, '${RANK}of$WORLD_SIZE', $NOT_THERE, '$']\n")
    found = sorted(line.partition("] ")[2] for line in outputs(localrun.run(".azureml/mine.runconfig")))
    assert [line.partition("] ")[0] for line in found] == sorted(
        f"['--rank', '{rank % 2}', '{rank}of4', '$NOT_THERE', '$'" for rank in range(4)
    )


@pytest.mark.parametrize("in_place", [False, True])
def test_a_script_in_a_folder_imports_from_its_own_folder_first_and_then_from_the_project(localrun, in_place):
    write(localrun, f"script: steps/train.py\nhistory: {{snapshotProject: {str(not in_place).lower()}}}\n")
    os.makedirs(os.path.join(localrun.source, "steps"))
    for name in ("both.py", "project.py", "steps/both.py"):
        localrun.write(name, "")
    show = "print(__file__ != both.__file__, [os.path.relpath(found.__file__) for found in (both, project)])"
    localrun.write("steps/train.py", f"import both, os, project\n{show}\n")
    done = localrun.run(".azureml/mine.runconfig")
    assert outputs(done) == ["True ['steps/both.py', 'project.py']"]
    assert b"running python steps/train.py in" in done.stderr


def test_a_command_is_one_bash_program(localrun):
    write(localrun, 'command: [python, train.py, "$SHARED", "&&", echo, done]\n')
    lines = outputs(localrun.run(".azureml/mine.runconfig"))
    assert lines[0].startswith("['environment']")
    assert lines[1] == "done"


def test_without_a_snapshot_the_run_works_in_the_folder_itself(localrun):
    write(localrun, "script: train.py\nhistory: {snapshotProject: false}\n")
    (line,) = outputs(localrun.run(".azureml/mine.runconfig"))
    assert line.endswith(os.path.realpath(localrun.source))


def test_the_duration_of_the_run_configuration_ends_the_run(localrun):
    write(localrun, "command: sleep 60\nmaxRunDurationSeconds: 1\n")
    assert localrun.run(".azureml/mine.runconfig").returncode == 124


def test_a_script_named_after_the_run_configuration_is_run(localrun):
    write(localrun, "target: local\n")
    assert outputs(localrun.run(".azureml/mine.runconfig", "train.py", "x"))[0].startswith("['x']")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("script: train.py\ndocker: {use_docker: true}\n", ("environment: mine has neither an image nor a Dockerfile",)),
        ("script: train.py\nnodeCount: 0\n", ("mine.runconfig:6: nodeCount: expected a whole number from 1",)),
        ("script: none.py\n", ("there is no script",)),
        ("script: train.py\nenvironmentVariables: {AZUREML_RUN_ID: x}\n", ("mine.runconfig:6:", "set by localrun")),
    ],
)  # fmt: skip
def test_what_cannot_be_run_names_file_and_key(localrun, text, words):
    write(localrun, text)
    done = localrun.run(".azureml/mine.runconfig")
    assert done.returncode in {125, 127}
    for word in words:
        assert word in done.stderr.decode()


def test_a_run_configuration_that_is_not_there_is_named_with_the_places(localrun):
    done = localrun.run("--run-config", "nope", ".")
    assert done.returncode == 125
    assert b"Failed to load RunConfiguration from path=. name=nope" in done.stderr
    assert b".azureml/nope.runconfig" in done.stderr


def test_the_plan_shows_what_a_run_configuration_asks_for(localrun):
    write(localrun, "script: train.py\ntarget: cpu-cluster\ndata: {d: {}}\n")
    done = localrun.command("plan", ".azureml/mine.runconfig")
    assert done.returncode == 0, done.stderr
    assert b"ignored, because only Azure ML uses them: target, data" in done.stdout + done.stderr


def test_a_changed_run_configuration_is_read_again(localrun):
    write(localrun, "script: train.py\narguments: [one]\n")
    assert outputs(localrun.run(".azureml/mine.runconfig"))[0].startswith("['one']")
    assert outputs(localrun.run(".azureml/mine.runconfig"))[0].startswith("['one']")
    write(localrun, "script: train.py\narguments: [two]\n")
    assert outputs(localrun.run(".azureml/mine.runconfig"))[0].startswith("['two']")
