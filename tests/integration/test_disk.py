"""What the workspace takes, and less of it: nothing that is in use goes, and all that goes comes back."""

from __future__ import annotations

import json
import os
import sys

import pytest
from environment_kit import fill_channel, text_package
from run_kit import hear, wait_until

OWN = ("-E", f"interpreter:{sys.executable}")


@pytest.fixture
def conda(localrun, tmp_path):
    channel = fill_channel(tmp_path / "channel", [text_package("thing", "1.0", count=20)])
    localrun.write("environment.yml", f"channels: ['{channel}']\ndependencies: [thing]\n")
    return "-E", "environment.yml", "--command"


def prune(localrun, *words):
    done = localrun.command("prune", "--format", "json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_df_counts_what_is_there(localrun, conda):
    assert localrun.run("-q", *conda, "cp $AZUREML_CONDA_ENVIRONMENT_PATH/share/thing/1.txt outputs").returncode == 0
    done = localrun.command("df", "--format", "json")
    found = json.loads(done.stdout)
    kinds = {row["kind"] for row in found["rows"]}
    assert kinds == {"packages", "environment", "snapshots", "runs", "other"}
    assert found["total_bytes"] == sum(row["bytes"] - row["shared_bytes"] for row in found["rows"]) > 0
    (environment,) = [row for row in found["rows"] if row["kind"] == "environment"]
    assert environment["name"] == localrun.record()["plan"]["environment"]["name"]
    assert b"in all" in localrun.command("df").stdout


def test_df_counts_the_layers_of_images_once(localrun, images, bare_image):
    for package in ("words", "many"):
        images.make(images.plan(bare_image, conda=(package,)))
    found = json.loads(localrun.command("df", "--format", "json").stdout)
    rows = {row["name"].removesuffix(":latest"): row for row in found["images"]}
    ours = [rows[name] for name in images.names]
    base = images.engine.inspect(bare_image, "image")["Size"]
    assert all(row["bytes"] > base for row in ours)
    assert all(row["shared_bytes"] >= base for row in ours)  # of the layer below each, at the least
    assert found["images_bytes"] == sum(row["bytes"] - row["shared_bytes"] for row in found["images"])
    assert found["engine"] == ""
    assert b"of images in the engine" in localrun.command("df").stdout


def test_df_without_an_engine_shows_the_rest(localrun, tmp_path):
    nowhere = {"DOCKER_HOST": f"unix://{tmp_path}/nope.sock"}
    done = localrun.command("df", env=nowhere)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith(b"images are not shown: no Docker engine answers")
    found = json.loads(localrun.command("df", "--format", "json", env=nowhere).stdout)
    assert (found["images"], found["images_bytes"]) == ([], 0)
    assert "nope.sock" in found["engine"]


def test_hard_links_let_environments_share_the_files_of_packages(localrun, conda):
    variables = {"LOCALRUN_HARD_LINKS": "1"}
    assert localrun.run("-q", *conda, "true", env=variables).returncode == 0
    prefix = localrun.record()["artifact"]["prefix"]
    assert os.stat(os.path.join(prefix, "share", "thing", "1.txt")).st_nlink > 1
    found = json.loads(localrun.command("df", "--format", "json", env=variables).stdout)
    (environment,) = [row for row in found["rows"] if row["kind"] == "environment"]
    assert environment["shared_bytes"] > 0


def test_rerun_after_a_prune_of_all_but_the_record_gives_equal_outputs(localrun, conda):
    assert localrun.run("-q", *conda, "cp $AZUREML_CONDA_ENVIRONMENT_PATH/share/thing/1.txt outputs").returncode == 0
    name = localrun.record()["plan"]["environment"]["name"]
    would = prune(localrun, "--dry-run")
    assert (would["environments"], would["packages"], would["runs"]) == ([name], True, [])
    assert os.path.isdir(os.path.join(localrun.home, "environments", name))
    done = prune(localrun)
    assert (done["environments"], done["packages"], done["freed_bytes"] > 0) == ([name], True, True)
    assert not os.path.lexists(os.path.join(localrun.home, "environments", name))
    assert not os.path.lexists(os.path.join(localrun.home, "cache", "conda"))
    again = localrun.command("rerun", "-q", "latest")
    assert again.returncode == 0, again.stderr
    ids = [record["run_id"] for record in localrun.records()]
    assert json.loads(localrun.command("diff", *ids, "--format", "json").stdout)["same"]


def test_what_a_running_run_uses_stays(localrun, conda):
    fifo = localrun.fifo()
    child = localrun.start("run", "-q", *conda, f"echo here > {fifo}; sleep 60")
    hear(fifo)
    name = os.listdir(os.path.join(localrun.home, "active"))[0]
    found = prune(localrun, "--keep-last", "0")
    assert (found["runs"], found["environments"], len(found["in_use"])) == ([], [], 1)
    assert localrun.command("stop", "-t", "5", name).returncode == 0
    child.communicate()
    found = prune(localrun, "--keep-last", "0")
    assert (len(found["runs"]), len(found["environments"])) == (1, 1)
    assert os.listdir(os.path.join(localrun.home, "runs")) == []


def test_prune_removes_old_runs_and_their_snapshots_and_keeps_the_newest(localrun):
    for number in range(3):
        localrun.write("train.py", f"print({number})")
        assert localrun.run("-q", *OWN, "train.py").returncode == 0
    oldest, *_, newest = [record["run_id"] for record in localrun.records()]
    assert prune(localrun, "--older-than", "1d")["runs"] == []
    found = prune(localrun, "--keep-last", "1")
    assert (len(found["runs"]), found["runs"][0]) == (2, oldest)
    assert [record["run_id"] for record in localrun.records()] == [newest]
    objects = [name for _, _, names in os.walk(os.path.join(localrun.home, "snapshots", "objects")) for name in names]
    assert len(objects) == 2
    assert localrun.command("rerun", "-q", "latest").stdout == b"2\n"


def test_folder_without_its_tag_is_refused(localrun, conda):
    assert localrun.run("-q", *conda, "true").returncode == 0
    os.unlink(os.path.join(localrun.home, "environments", "CACHEDIR.TAG"))
    done = localrun.command("prune")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (125, b"kind=store_owner")
    assert os.path.isdir(localrun.record()["artifact"]["prefix"])


@pytest.mark.parametrize("age", ["1", "x", "0d", "-1d", "1y"])
def test_age_that_is_none_is_refused(localrun, age):
    done = localrun.command("prune", "--older-than", age)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (125, b"kind=bad_input")


def test_two_prunes_at_once_with_runs_starting_leave_whole_runs(localrun, conda):
    localrun.write("train.py", "print(open('train.py').read())")
    assert localrun.run("-q", *conda, "cat $AZUREML_CONDA_ENVIRONMENT_PATH/share/thing/1.txt").returncode == 0
    runs = [
        localrun.start("run", "-q", *conda, f"cat $AZUREML_CONDA_ENVIRONMENT_PATH/share/thing/{n}.txt train.py")
        for n in range(3)
    ]
    prunes = [localrun.start("prune") for _ in range(2)]
    ended = [(child.communicate(timeout=120), child.returncode) for child in runs + prunes]
    assert [code for _, code in ended] == [0] * 5, ended
    for record in localrun.records():
        assert localrun.command("rerun", "-q", record["run_id"]).returncode == 0
    wait_until(lambda: not os.listdir(os.path.join(localrun.home, "active")))
