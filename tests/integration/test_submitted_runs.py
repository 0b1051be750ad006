"""Runs submitted from Python: started at once, on their own, with their records."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial

import pytest
from run_kit import wait_until

from localrun import ActivityFailedException, Environment, Experiment, Run, ScriptRunConfig, Workspace
from localrun.adapters.spawn import list_descendants
from localrun.api import submission
from localrun.errors import BadInput, EnvironmentNotFound
from localrun.workspace import active, records, submitted
from localrun.workspace.home import make_folder

SCRIPT = """
import os, sys, time
print("arguments", *sys.argv[1:], flush=True)
os.makedirs("outputs", exist_ok=True)
open("outputs/model.txt", "w").write("trained")
time.sleep(float(sys.argv[1]))
sys.exit(int(sys.argv[2]))
"""


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "train.py").write_text(SCRIPT)
    return str(folder)


@pytest.fixture
def environment():
    made = Environment("mine")
    made.python.user_managed_dependencies = True
    made.python.interpreter_path = sys.executable
    return made


@pytest.fixture
def submit(source, environment):
    def start(seconds="0", code="0", chosen=environment, **kwargs):
        config = ScriptRunConfig(source, script="train.py", arguments=[seconds, code], environment=chosen)
        return Experiment(Workspace.from_config(), "exp").submit(config, **kwargs)

    return start


def test_run_is_given_at_once_shown_and_recorded(submit, capsys, tmp_path):
    run = submit("0.2", tags={"k": "v"}, display_name="first")
    assert run.get_status() in {"Preparing", "Running"}
    details = run.wait_for_completion(show_output=True)
    shown = capsys.readouterr().out
    assert f"RunId: {run.id}" in shown
    assert "Streaming user_logs/std_log.txt" in shown
    assert "arguments 0.2 0" in shown
    assert "Execution Summary" in shown
    assert details["status"] == "Completed"
    assert details["runDefinition"]["script"] == "train.py"
    assert (run.tags, run.display_name) == ({"k": "v"}, "first")
    assert run.get_file_names() == ["outputs/model.txt", "user_logs/std_log.txt"]
    run.download_file("outputs/model.txt", str(tmp_path / "copy.txt"))
    run.download_files("outputs/", str(tmp_path / "all"))
    assert (tmp_path / "copy.txt").read_text() == "trained"
    assert (tmp_path / "all" / "outputs" / "model.txt").read_text() == "trained"
    assert records.read(os.environ["LOCALRUN_HOME"], run.id)["status"] == "completed"


def test_environment_of_a_run_is_registered_without_being_listed(submit, environment):
    run = submit()
    workspace = Workspace.from_config()
    found = run.get_environment()
    assert found.name == "mine"
    assert found.version.startswith("Autosave_")
    assert "mine" not in workspace.environments
    assert Environment.get(workspace, "mine", version=found.version).python.user_managed_dependencies
    registered = environment.register(workspace)
    again = submit(chosen=registered)
    assert again.get_environment().version == "1"
    assert workspace.environments["mine"].version == "1"
    run.wait_for_completion()
    again.wait_for_completion()


def test_source_may_change_as_soon_as_the_run_is_given(submit, source):
    runs = []
    for number in range(3):
        with open(os.path.join(source, "train.py"), "w", encoding="utf-8") as file:
            file.write(f"print('edition', {number})\n")
        runs.append(submit())
    for number, run in enumerate(runs):
        run.wait_for_completion()
        run.download_file("user_logs/std_log.txt", os.path.join(source, "log.txt"))
        with open(os.path.join(source, "log.txt"), encoding="utf-8") as file:
            assert file.read() == f"edition {number}\n"
    home = os.environ["LOCALRUN_HOME"]
    assert not [name for name in os.listdir(os.path.join(home, "submitted")) if name.endswith((".source", ".pid"))]


def test_copy_that_a_killed_process_left_is_removed(submit):
    left = os.path.join(os.environ["LOCALRUN_HOME"], "submitted", "exp_1_00.json.source")
    records.make_folder(left)
    submit().wait_for_completion()
    assert os.path.isdir(left)
    os.utime(left, (0, 0))
    submit().wait_for_completion()
    assert not os.path.exists(left)


def test_failed_run_raises_and_names_the_exit_code(submit):
    run = submit("0", "3")
    with pytest.raises(ActivityFailedException, match="exit code 3"):
        run.wait_for_completion()
    assert run.wait_for_completion(raise_on_error=False)["error"]["error"]["message"].endswith("exit code 3")


@pytest.mark.parametrize("pause_s", [0, 0.15, 1])
def test_run_is_canceled_whenever(submit, pause_s):
    run = submit("60")
    time.sleep(pause_s)
    run.cancel()
    assert run.get_status() == "Canceled"
    run.cancel()


def test_run_is_canceled_while_it_is_handed_to_its_supervisor(submit, own_workspace):
    home = str(own_workspace)
    for _ in range(5):
        run = submit("60")
        wait_until(partial(active.is_live, home, run.id), every_s=0.0005)
        with open(submitted.process_of(home, run.id), encoding="ascii") as file:
            worker = int(file.read().split()[0])
        os.kill(worker, signal.SIGTERM)  # of somebody who has looked a moment before
        run.cancel()
        assert run.get_status() == "Canceled"


def test_run_is_canceled_by_somebody_who_asks_without_end(submit, own_workspace):
    home = str(own_workspace)
    for pause_s in (0, 0.05, 0.1):
        run = submit("60")
        wait_until(partial(os.path.exists, submitted.process_of(home, run.id)), every_s=0.0005)
        time.sleep(pause_s)
        while submission.cancel(home, run.id):
            time.sleep(0.0005)
        run.cancel()
        assert run.get_status() == "Canceled"
        assert run.get_details()["status"] == "Canceled"


def test_run_without_a_record_is_prepared_while_its_supervisor_lives(own_workspace):
    home = str(own_workspace)
    make_folder(home)
    submitted.write_details(home, "exp_1_00", {"experiment": "exp"})
    entry = active.claim(home, "exp_1_00")
    run = Run(Experiment(Workspace.from_config(), "exp"), "exp_1_00")
    assert run.get_status() == "Preparing"
    active.release(home, "exp_1_00", entry)
    assert run.get_status() == "Failed"


def test_run_goes_on_when_the_session_ends(source, tmp_path):
    code = f"""
        from localrun import Environment, Experiment, ScriptRunConfig, Workspace
        environment = Environment("mine")
        environment.python.user_managed_dependencies = True
        environment.python.interpreter_path = {sys.executable!r}
        config = ScriptRunConfig({source!r}, script="train.py", arguments=[0.5, 0], environment=environment)
        print(Experiment(Workspace.from_config(), "exp").submit(config).id)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    run = Workspace.from_config().get_run(ended.stdout.strip())
    assert run.wait_for_completion()["status"] == "Completed"
    assert [other.id for other in run.experiment.get_runs()] == [run.id]


def test_environment_that_cannot_be_made_leaves_a_failed_record(source, submit, tmp_path):
    environment = Environment("broken")
    environment.python.conda_dependencies.set_python_version("3.11")
    for channel in list(environment.python.conda_dependencies.conda_channels):
        environment.python.conda_dependencies.remove_channel(channel)
    environment.python.conda_dependencies.add_channel(f"file://{tmp_path}/no-channel")
    run = submit(chosen=environment)
    with pytest.raises(ActivityFailedException):
        run.wait_for_completion(show_output=True)
    record = records.read(os.environ["LOCALRUN_HOME"], run.id)
    assert (record["status"], record["exit_code"]) == ("failed", 125)
    assert record["kind"] in {"channel", "solve"}


def test_killed_preparation_is_failed_and_not_preparing(submit):
    home = os.environ["LOCALRUN_HOME"]
    records.make_folder(os.path.join(home, "submitted"))
    run = Workspace.from_config().get_run
    with open(submitted.path_of(home, "exp_1_00"), "w", encoding="utf-8") as file:
        file.write('{"experiment": "exp"}')
    assert run("exp_1_00").get_status() == "Failed"


def test_what_cannot_run_is_refused_before_anything_is_made(submit, source):
    workspace = Workspace.from_config()
    changed = Environment.get(workspace, "AzureML-Minimal")
    changed.python.conda_dependencies.add_conda_package("numpy")
    with pytest.raises(BadInput, match="Environment name can not start with the prefix AzureML"):
        submit(chosen=changed)
    with pytest.raises(BadInput):
        submit(chosen=Environment("a/../b"))
    with pytest.raises(EnvironmentNotFound):
        Environment.get(workspace, "nothing")
    os.remove(os.path.join(source, "train.py"))
    with pytest.raises(Exception, match="script path doesn't exist"):
        submit()
    assert not os.path.exists(os.path.join(workspace.home, "submitted"))
    assert not os.path.exists(os.path.join(workspace.home, "environments.db"))


def test_unknown_files_and_runs_are_named(submit):
    run = submit()
    run.wait_for_completion()
    for name in ("nothing", "../run.json", "run.json", "/etc/passwd", "outputs/../run.json"):
        with pytest.raises(Exception, match="was not found in run"):
            run.download_file(name)
    with pytest.raises(Exception, match="there is no run"):
        Workspace.from_config().get_run("exp_1_ff")


def test_nothing_is_left_of_the_submitting_process(submit):
    before = set(list_descendants(os.getpid()))
    run = submit()
    run.wait_for_completion()
    assert set(list_descendants(os.getpid())) <= before


def test_rm_leaves_nothing_of_a_submission(submit):
    home = os.environ["LOCALRUN_HOME"]
    run = submit()
    run.wait_for_completion()
    assert os.listdir(os.path.join(home, "submitted"))
    done = subprocess.run([sys.executable, "-m", "localrun", "rm", run.id], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert os.listdir(os.path.join(home, "submitted")) == []


def test_environment_of_a_run_of_the_command_line_is_found_from_python(source):
    command = (sys.executable, "-m", "localrun", "run", "--experiment", "exp", "-E", f"interpreter:{sys.executable}")
    subprocess.run([*command, os.path.join(source, "train.py"), "0", "0"], check=True, capture_output=True)
    workspace = Workspace.from_config()
    (run,) = Experiment(workspace, "exp").get_runs()
    assert run.get_environment().python.interpreter_path == sys.executable
