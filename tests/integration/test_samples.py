"""Every sample runs as its README says, and its own check accepts what came out."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys

import pytest
from channel_kit import SAMPLES, link_cache, make_sample_cache

DISTRIBUTED = ("ddp", "mpi", "torchrun")
"""Tested in test_distributed_samples.py."""


def localrun(sample, *arguments, **variables):
    command = (sys.executable, "-m", "localrun", *arguments)
    folder = os.path.join(SAMPLES, sample)
    done = subprocess.run(command, cwd=folder, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def describe_tree(folder):
    """Give what shows every change in a folder: the kernel sets a ctime at each, and nobody can set it back."""
    found = set()
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            state = os.lstat(os.path.join(place, name))
            found.add((place, name, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns))
    return found


def verify(sample, outputs, *more):
    script = os.path.join(SAMPLES, sample, "verify.py")
    return subprocess.run((sys.executable, script, str(outputs), *more), capture_output=True, text=True, check=False)


@pytest.fixture
def learning_workspace(warm_workspace):
    """Let the test's workspace have the packages of the samples; the environments in it are made by the test."""
    link_cache(make_sample_cache(), str(warm_workspace), ("uv", "bytecode"))


def test_every_sample_is_tested():
    folders = {name for name in os.listdir(SAMPLES) if os.path.isfile(os.path.join(SAMPLES, name, "verify.py"))}
    tested = {"digits-distributed", "digits-docker", "digits-tracked", "quickstart", "reproduce", *DISTRIBUTED}
    assert folders <= tested


def test_quickstart_runs_in_any_python(tmp_path):
    interpreter = f"interpreter:{sys.executable}"
    localrun("quickstart", "run", "-E", interpreter, "--outputs", str(tmp_path / "results"), "job.yml")
    done = verify("quickstart", tmp_path / "results")
    assert done.returncode == 0, done.stdout


def test_quickstart_is_found_wrong_after_too_few_epochs(tmp_path):
    options = (
        "-E",
        f"interpreter:{sys.executable}",
        "--set",
        "inputs.epochs=3",
        "--outputs",
        str(tmp_path / "results"),
    )
    localrun("quickstart", "run", *options, "job.yml")
    assert verify("quickstart", tmp_path / "results").returncode == 1


@pytest.mark.slow
@pytest.mark.channel
@pytest.mark.pypi
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("learning_workspace")
def test_digits_distributed_trains_over_four_ranks_in_a_conda_environment(condarc, tmp_path):
    options = ("--bootstrap", "bootstrap.sh", "--outputs", str(tmp_path / "results"))
    settings = {"CONDARC": condarc}
    shown = localrun("digits-distributed", "run", *options, "job.yml", **settings)
    assert [f"rank {rank} of 4 trains on" in shown for rank in range(4)] == [True] * 4
    assert shown.count("bootstrap: tabulate") == 1
    done = verify("digits-distributed", tmp_path / "results")
    assert done.returncode == 0, done.stdout
    record = json.loads(localrun("digits-distributed", "inspect", "latest"))
    with open(record["versions"], encoding="utf-8") as file:
        installed = {package["name"] for part in json.load(file).values() for package in part}
    assert {"python", "pip", "numpy", "scikit-learn"} <= installed
    assert "tabulate" not in installed
    before = describe_tree(record["artifact"]["prefix"])
    shorter = ("-n", "1", "--set", "inputs.epochs=1")
    again = localrun("digits-distributed", "run", *options, *shorter, "job.yml", **settings)
    assert again.count("bootstrap: tabulate") == 1
    assert describe_tree(record["artifact"]["prefix"]) == before


@pytest.mark.slow
@pytest.mark.channel
@pytest.mark.pypi
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("learning_workspace")
def test_digits_tracked_is_trained_and_what_it_logs_is_in_the_record(python_channel, tmp_path):
    (tmp_path / "condarc").write_text(f"channels: [{python_channel}]\n")
    options = ("-E", "requirements.txt", "--outputs", str(tmp_path / "results"))
    settings = {"CONDARC": str(tmp_path / "condarc")}
    localrun("digits-tracked", "run", *options, "train.py", "--epochs", "10", **settings)
    done = verify("digits-tracked", tmp_path / "results")
    assert done.returncode == 0, done.stdout
    record = json.loads(localrun("digits-tracked", "inspect", "latest"))
    assert record["metrics"]["accuracy"] == record["metrics"]["test_accuracy"] > 0.9
    assert record["params"]["epochs"] == "10"
    assert record["tags"]["data"] == "digits"
    assert record["tags"]["estimator_name"] == "SGDClassifier"
    assert "accuracy" in localrun("digits-tracked", "metrics", "latest")
    assert "accuracy" in localrun("digits-tracked", "plot", "accuracy", "latest")
    assert record["run_id"] in localrun(
        "digits-tracked", "ps", "--sort", "metric:accuracy", "--filter", "tags.data=digits"
    )


def inspect_latest():
    return json.loads(localrun("digits-docker", "inspect", "latest"))


@pytest.mark.slow
@pytest.mark.channel
@pytest.mark.pypi
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("learning_workspace")
def test_digits_docker_trains_on_two_nodes_with_the_versions_of_the_local_target(tmp_path, condarc, engine, bare_image):
    base, settings = ("--set", f"environment.image={bare_image}"), {"CONDARC": condarc}
    plan = json.loads(
        localrun("digits-docker", "plan", "--format", "json", "-t", "docker", *base, "job.yml", **settings)
    )
    image = plan["environment"]["image"]["name"]
    options = ("--bootstrap", "../digits-distributed/bootstrap.sh")
    demo = runpy.run_path(os.path.join(SAMPLES, "demo.py"))
    docker = ("-t", "docker", "--inherit-network-settings", *demo["list_certificates"](), *base)
    try:
        shown = localrun("digits-docker", "run", *docker, *options, "-o", str(tmp_path / "one"), "job.yml", **settings)
    finally:
        engine.try_docker("image", "rm", "--force", image)
    assert [f"rank {rank} of 4 trains on" in shown for rank in range(4)] == [True] * 4
    assert shown.count("bootstrap: tabulate") == 2
    contained = inspect_latest()
    assert [item["node"] for item in contained["containers"]] == [0, 1]
    localrun("digits-docker", "run", "-t", "local", *options, "-o", str(tmp_path / "two"), "job.yml", **settings)
    local = inspect_latest()
    assert (contained["target"], local["target"]) == ("docker", "local")
    for name in ("one", "two"):
        done = verify("digits-docker", tmp_path / name, contained["versions"], local["versions"])
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.channel
@pytest.mark.usefixtures("warm_workspace")
def test_reproduce_gives_equal_bytes_again_after_everything_but_the_record_is_gone(condarc, tmp_path):
    settings = {"CONDARC": condarc}
    first, again = str(tmp_path / "first"), str(tmp_path / "again")
    localrun("reproduce", "run", "-E", "environment.yml", "--outputs", first, "train.py", "--seed", "7", **settings)
    record = json.loads(localrun("reproduce", "inspect", "latest"))
    localrun("reproduce", "prune", **settings)
    assert not os.path.lexists(record["artifact"]["prefix"])
    localrun("reproduce", "rerun", "--outputs", again, "latest", **settings)
    assert os.path.lexists(record["artifact"]["prefix"])
    command = (sys.executable, os.path.join(SAMPLES, "reproduce", "verify.py"), first, again)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    found = json.loads(localrun("reproduce", "diff", record["run_id"], "latest", "--format", "json"))
    assert found["same"], found
