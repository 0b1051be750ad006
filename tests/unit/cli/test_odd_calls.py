"""Command lines that cannot be meant, and what is said when there is nothing to show."""

from __future__ import annotations

import json
import os

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

from localrun.cli.commands import COMMANDS, localrun
from localrun.cli.disk import size_text
from localrun.cli.show_plan import fill_tokens
from localrun.errors import BadInput, RunNotFound
from localrun.workspace import active, records
from localrun.workspace.home import folder_of, open_home


@pytest.fixture
def home(own_workspace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOCALRUN_SECRETS", "file")
    return open_home(os.environ)


def call(*words, **options):
    done = CliRunner().invoke(localrun, words, standalone_mode=False, obj=words, **options)
    if done.exception:
        raise done.exception
    return done


def make_run(home, run_id="exp_1_00", **changes):
    record = {
        "schema": 1, "run_id": run_id, "status": "completed", "exit_code": 0, "experiment": "exp", "display_name": "",
        "target": "local", "started_at": "2026-01-02T03:04:05.678Z", "duration_s": 1.5, "folder": folder_of(home, run_id),
        "ranks": [{"rank": 0, "status": "completed", "log": "std_log.txt"}],
    }  # fmt: skip
    records.insert(home, record | changes)
    return run_id


@pytest.mark.parametrize(
    ("words", "said", "key"),
    [
        (["run"], "nothing to run was given", None),
        (["run", "--secret", "token=", "train.py"], "'token=' names no variable", "--secret"),
        (
            ["run", "--run-config", "name", "train.py"],
            "it names a run configuration in a project's folder",
            "--run-config",
        ),
        (["kill", "--rank", "0", "--node", "0", "latest"], "--rank and --node were both given", "--node"),
        (["run", "-E", "", "train.py"], "it is given, but empty", None),
        (["run", "--name", "", "train.py"], "it is given, but empty", None),
        (["run", "--experiment", "", "train.py"], "it is given, but empty", None),
    ],
)
def test_what_cannot_be_meant_is_refused(home, words, said, key):
    with open("train.py", "w", encoding="ascii") as file:
        file.write("pass\n")
    make_run(home)
    with pytest.raises(BadInput, match=said) as caught:
        call(*words)
    assert caught.value.hint
    assert key is None or caught.value.key == key


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"x" * 131_073, "the value is longer than 131,"),
        (b"\xff\xfe", "the value is not UTF-8: invalid start byte at byte 0"),
    ],
)
def test_a_secret_that_no_variable_takes_is_refused(home, data, said):
    with pytest.raises(BadInput, match=said):
        call("secret", "set", "token", input=data)
    assert call("secret", "list").stdout == ""


def test_secrets_are_listed_as_json_too(home):
    assert json.loads(call("secret", "list", "--format", "json").stdout) == []
    call("secret", "set", "token", input=b"value\n")
    assert json.loads(call("secret", "list", "--format", "json").stdout) == [{"name": "token"}]
    assert call("secret", "get", "token").stdout == "value"


def test_a_number_that_is_too_small_is_refused_in_words(home):
    with pytest.raises(Exception, match="-1 is less than 0"):
        call("logs", "--rank", "-1", "latest")


def test_a_run_that_has_logged_nothing_is_told(home):
    make_run(home)
    done = call("metrics", "latest")
    assert (done.stdout, done.stderr) == ("", "localrun: run exp_1_00 has logged no metric\n")


def test_a_live_run_is_not_run_once_more(home):
    run_id = make_run(home, status="running", exit_code=None)
    entry = active.claim(home, run_id)
    with pytest.raises(RunNotFound, match=f"run {run_id} is running") as caught:
        call("rerun", run_id)
    assert caught.value.code == "run_live"
    active.release(home, run_id, entry)


def test_logs_of_a_run_whose_folder_is_gone_are_told(home):
    run_id = make_run(home)
    for name in os.listdir(folder_of(home, run_id)):
        os.unlink(os.path.join(folder_of(home, run_id), name))
    os.rmdir(folder_of(home, run_id))
    with pytest.raises(RunNotFound):
        call("logs", run_id)


def test_names_of_commands_are_completed_in_the_order_of_the_help():
    complete = BashComplete(localrun, {}, "localrun", "_LOCALRUN_COMPLETE")
    assert [item.value for item in complete.get_completions([], "re")] == [
        name for name in COMMANDS if name.startswith("re")
    ]
    assert "--format" in [item.value for item in complete.get_completions(["ps"], "--f")]


def test_numbers_and_tokens_are_written_for_people():
    assert [size_text(count) for count in (9, 9_900, 9.9e12)] == ["9 B", "9.9 kB", "9.9 TB"]
    assert fill_tokens("a:{localrun:port-1},b:{localrun:port-2}") == "a:<free port>,b:<free port>"
