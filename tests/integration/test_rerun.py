"""Earlier runs once more: byte-equal outputs, from nothing but the record if need be."""

from __future__ import annotations

import json
import os
import shutil
import sys

import pytest
from environment_kit import fill_channel, text_package

OWN = ("-E", f"interpreter:{sys.executable}")


def outputs(record):
    found = {}
    for place, _, names in os.walk(os.path.join(record["folder"], "outputs")):
        for name in names:
            with open(os.path.join(place, name), "rb") as file:
                found[name] = file.read()
    return found


def test_rerun_uses_the_snapshot_and_arguments_of_the_run_and_not_the_source(localrun):
    localrun.write("part.txt", "kept")
    localrun.write("train.py", "import sys; open('outputs/m', 'w').write(open('part.txt').read() + sys.argv[1])")
    assert localrun.run("-q", *OWN, "train.py", "1").returncode == 0
    localrun.write("part.txt", "changed")
    localrun.write("train.py", "raise SystemExit(9)")
    done = localrun.command("rerun", "latest")
    assert done.returncode == 0, done.stderr
    first, second = localrun.records()
    assert outputs(first) == outputs(second) == {"m": b"kept1"}
    assert b"the packages of" in done.stderr
    assert b"are new" in done.stderr
    assert b"localrun: running python train.py 1 in " in done.stderr
    assert f"localrun: note: run {first['run_id']} once more".encode() in done.stderr
    found = json.loads(localrun.command("diff", first["run_id"], second["run_id"], "--format", "json").stdout)
    assert found["same"], found
    shutil.rmtree(localrun.source)
    os.mkdir(localrun.source)
    assert localrun.command("rerun", "-q", second["run_id"]).returncode == 0  # of the rerun, without any source


def test_rerun_changes_what_is_asked_for(localrun):
    localrun.write(
        "train.py", "import os; print(os.environ['A'], os.environ.get('RANK'), os.environ.get('WORLD_SIZE'))"
    )
    assert localrun.run("-q", *OWN, "-e", "A=1", "train.py").stdout == b"1 None None\n"
    done = localrun.command("rerun", "-q", "-n", "2", "-e", "A=2", "latest")
    assert done.returncode == 0, done.stderr
    assert sorted(line.split(b"2 ", 1)[1] for line in done.stdout.splitlines()) == [b"0 2", b"1 2"]
    refused = localrun.command("rerun", "-q", "-e", "RANK=2", "latest")
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (125, b"kind=bad_input")


def test_name_stays_with_the_run_that_was_given_it(localrun):
    localrun.write("train.py", "from azureml.core import Run; print(Run.get_context().display_name)")
    assert localrun.run("-q", *OWN, "--name", "first", "train.py").stdout == b"first\n"
    assert localrun.command("rerun", "-q", "first").stdout == b"first\n"  # the script is told what it was told
    assert localrun.command("rerun", "-q", "--name", "second", "first").stdout == b"second\n"
    assert [record["display_name"] for record in localrun.records()] == ["first", "", "second"]
    ids = [record["run_id"] for record in localrun.records()]
    assert json.loads(localrun.command("inspect", "first").stdout)["run_id"] == ids[0]
    assert json.loads(localrun.command("inspect", "second").stdout)["run_id"] == ids[2]
    refused = localrun.command("rerun", "-q", "--name", "a b", "first")
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (125, b"kind=bad_input")


def test_changed_input_is_an_error_unless_it_is_allowed(localrun, tmp_path):
    data = tmp_path / "data"
    data.write_text("1")
    job = "command: cat ${{inputs.d}}\ninputs: {d: {type: uri_file, path: DATA}}\nenvironment: {image: none}\n"
    localrun.write("job.yml", job.replace("DATA", str(data)))
    assert localrun.run("-q", *OWN, "job.yml").stdout == b"1"
    done = localrun.command("rerun", "-q", "latest")
    assert done.stdout == b"1", done.stderr
    data.write_text("22")
    done = localrun.command("rerun", "-q", "latest")
    assert done.returncode == 125
    assert str(data).encode() in done.stderr
    assert localrun.command("rerun", "-q", "--allow-changed-inputs", "latest").stdout == b"22"


def test_run_in_place_cannot_be_run_again(localrun):
    localrun.write("train.py", "")
    assert localrun.run("-q", *OWN, "--in-place", "train.py").returncode == 0
    done = localrun.command("rerun", "latest")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (125, b"kind=no_snapshot")
    shutil.rmtree(localrun.record()["folder"])
    done = localrun.command("rerun", "latest")
    assert b"is gone, and its snapshot with it" in done.stderr


@pytest.mark.parametrize("damage", [{"new_field": 1}, {"nodes": "two"}, {"argv": 3}])
def test_plan_that_cannot_be_read_is_told(localrun, damage):
    localrun.write("train.py", "")
    assert localrun.run("-q", *OWN, "train.py").returncode == 0
    record = localrun.record()
    with open(f"{record['folder']}/run.json", "w", encoding="utf-8") as file:
        json.dump(record | {"plan": record["plan"] | damage}, file)
    done = localrun.command("rerun", "latest")
    assert (done.returncode, done.stderr.splitlines()[-1].decode() in {"kind=newer_record", "kind=store_corrupt"}) == (
        125,
        True,
    )


def test_environment_that_is_gone_is_made_with_the_versions_of_the_run(localrun, tmp_path):
    channel = fill_channel(tmp_path / "channel", [text_package("thing", "1.0")])
    localrun.write("environment.yml", f"channels: ['{channel}']\ndependencies: [thing]\n")
    command = ("--command", "cp $AZUREML_CONDA_ENVIRONMENT_PATH/share/thing/0.txt outputs/")
    assert localrun.run("-q", "-E", "environment.yml", *command).returncode == 0
    fill_channel(tmp_path / "channel", [text_package("thing", "2.0")])
    shutil.rmtree(os.path.join(localrun.home, "environments"))
    shutil.rmtree(os.path.join(localrun.home, "cache"))
    done = localrun.command("rerun", "latest")
    assert done.returncode == 0, done.stderr
    first, second = localrun.records()
    assert outputs(first) == outputs(second)
    assert outputs(first)["0.txt"].startswith(b"thing 1.0")


def test_versions_of_the_run_get_an_entry_apart_when_the_definition_has_others_now(localrun, tmp_path):
    channel = fill_channel(tmp_path / "channel", [text_package("thing", "1.0")])
    localrun.write("environment.yml", f"channels: ['{channel}']\ndependencies: [thing]\n")
    command = ("-E", "environment.yml", "--command", "cp $AZUREML_CONDA_ENVIRONMENT_PATH/share/thing/0.txt outputs/")
    assert localrun.run("-q", *command).returncode == 0
    fill_channel(tmp_path / "channel", [text_package("thing", "2.0")])
    shutil.rmtree(os.path.join(localrun.home, "environments"))
    shutil.rmtree(os.path.join(localrun.home, "cache", "repodata"))
    assert localrun.run("-q", *command).returncode == 0
    first, second = localrun.records()
    done = localrun.command("rerun", "-q", first["run_id"])
    assert done.returncode == 0, done.stderr
    third = localrun.record()
    assert outputs(second)["0.txt"].startswith(b"thing 2.0")
    assert outputs(third) == outputs(first)
    assert localrun.run("-q", *command).returncode == 0
    assert outputs(localrun.record()) == outputs(second)


def test_source_that_is_not_small_is_kept_once_and_is_there_again_for_a_shell(localrun):
    localrun.write(
        "train.py", "open('outputs/m', 'w').write(str(len(open('big').read()))); open('changed', 'a').write('x')"
    )
    localrun.write("big", "x" * 300_000)
    localrun.write("changed", "y")
    for _ in range(2):
        assert localrun.run("-q", *OWN, "train.py").returncode == 0
    for record in localrun.records():
        assert localrun.command("wait", record["run_id"]).stdout == b"0\n"
        assert sorted(os.listdir(os.path.join(record["folder"], "wd"))) == ["changed", "logs", "outputs", "user_logs"]
        assert outputs(record) == {"m": b"300000"}
    done = localrun.command("shell", "latest", "cat", "train.py", "changed")
    assert (done.returncode, done.stdout.endswith(b"yx")) == (0, True), done.stderr
    place = os.path.join(localrun.record()["folder"], "wd")
    assert os.path.getsize(os.path.join(place, "big")) == 300_000


def test_runs_of_a_source_that_changes_a_little_cost_a_little(localrun):
    for number in range(8):
        localrun.write(f"data-{number}", os.urandom(250_000))
    localrun.write("train.py", "print(open('n').read())")
    for number in range(6):
        localrun.write("n", str(number))
        assert localrun.run("-q", *OWN, "train.py").returncode == 0
    for record in localrun.records():
        localrun.command("wait", record["run_id"])
    found = json.loads(localrun.command("df", "--format", "json").stdout)
    assert found["total_bytes"] < 3_500_000  # the source is 2 MB; six copies of it were 12
