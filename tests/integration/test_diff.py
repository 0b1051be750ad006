"""What two runs differ in, told by the command line."""

from __future__ import annotations

import json
import os
import sys

import pytest

OWN = ("-E", f"interpreter:{sys.executable}")


def diff(localrun, *words):
    done = localrun.command("diff", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def test_runs_of_the_same_differ_in_times_at_most(localrun):
    localrun.write("train.py", "open('outputs/m', 'w').write('1')")
    for _ in range(2):
        assert localrun.run("-q", *OWN, "train.py").returncode == 0
    ids = [record["run_id"] for record in localrun.records()]
    found = json.loads(diff(localrun, *ids, "--format", "json"))
    assert (found["before"], found["after"], found["same"]) == (*ids, True)
    assert not any(found[name] for name in ("source", "environment", "variables", "inputs", "outputs", "machine"))
    assert "the same" in diff(localrun, *ids)
    told = [localrun.command("diff", *pair).stderr.decode() for pair in (ids, ids[::-1])]
    assert told[0] == ""
    assert f"note: {ids[1]} is the later run" in told[1]


def test_every_difference_is_told_and_secrets_are_not(localrun, tmp_path):
    (tmp_path / "data").write_text("1")
    job = """\
command: cat ${{inputs.d}}; cp ${{inputs.d}} outputs/m
inputs: {d: {type: uri_file, path: DATA}}
environment: {image: none}
environment_variables: {A: FIRST, MY_TOKEN: SECOND}
""".replace("DATA", str(tmp_path / "data"))
    localrun.write("job.yml", job.replace("FIRST", "one").replace("SECOND", "hid-1"))
    localrun.write("train.py", "a\nb\n")
    assert localrun.run("-q", *OWN, "--set", f"code={localrun.source}", "job.yml").returncode == 0
    (tmp_path / "data").write_text("22")
    localrun.write("job.yml", job.replace("FIRST", "two").replace("SECOND", "hid-2"))
    localrun.write("train.py", "a\nc\x1b\n")
    done = localrun.run("-q", *OWN, "--set", f"code={localrun.source}", "--set", "command=exit 3", "job.yml")
    assert done.returncode == 3
    ids = [record["run_id"] for record in localrun.records()]
    found = json.loads(diff(localrun, *ids, "--format", "json"))
    changed = {name: [change["field"] for change in found[name]] for name in found if isinstance(found[name], list)}
    assert changed["source"] == ["job.yml", "train.py"]
    assert changed["variables"] == ["A", "MY_TOKEN"]
    assert (changed["arguments"], changed["inputs"], changed["outputs"]) == (["command"], ["d"], ["outputs/m"])
    assert {"status", "exit_code"} <= set(changed["exit"])
    assert found["inputs"][0]["after"]["bytes"] == 2
    assert found["same"] is False
    shown = diff(localrun, *ids)
    assert "-b\n+c\\x1b\n" in shown
    assert "A: one -> two" in shown
    assert "MY_TOKEN: *** -> ***" in shown


@pytest.mark.parametrize("command", ["inspect", "logs", "rerun", "diff", "shell"])
def test_record_of_a_newer_localrun_is_refused(localrun, command):
    make_newer(localrun)
    done = localrun.command(command, *["latest"] * (2 if command == "diff" else 1))
    assert done.returncode == 125
    assert b"newer localrun" in done.stderr
    assert b"pip install -U localrun" in done.stderr
    assert done.stderr.endswith(b"kind=newer_record\n")


def test_record_of_a_newer_localrun_is_listed_copied_into_a_new_database_and_removed(localrun):
    run_id = make_newer(localrun)
    os.unlink(os.path.join(localrun.home, "localrun.db"))
    (row,) = json.loads(localrun.command("ps", "-a", "--format", "json").stdout)
    assert (row["run_id"], row["status"], row["exit_code"]) == (run_id, "completed", 0)
    assert localrun.command("df").returncode == 0
    assert localrun.command("rm", run_id).returncode == 0
    assert localrun.command("ps", "-a", "-q").stdout == b""


def make_newer(localrun):
    """Run, and give the record the form of a later version: other keys, and others of another kind."""
    localrun.write("train.py", "")
    assert localrun.run("-q", *OWN, "train.py").returncode == 0
    record = localrun.record()
    later = record | {"schema": 99, "ranks": {"0": "ended"}, "plan": ["packed"], "timings": None}
    with open(f"{record['folder']}/run.json", "w", encoding="utf-8") as file:
        json.dump(later, file)
    return record["run_id"]
