"""The distributed bootstrap script of Azure ML's documentation, byte for byte, in containers of two nodes."""

from __future__ import annotations

import json
import os

import pytest
from contained_kit import Contained
from packages_kit import make_wheel
from seed_kit import COMMAND, TRAIN, read_seed

pytestmark = pytest.mark.slow

CONDA = """
name: seeded
channels: [{channel}]
dependencies: [python, pip]
"""


@pytest.fixture(scope="module")
def made(engine):
    """Collect the names of the images that were made: the tests share them."""
    names = set()
    yield names
    for name in names:
        engine.docker("rmi", "--force", name)


@pytest.fixture
def seeded(warm_workspace, tmp_path, engine, bare_image, python_channel, made):
    """Give a driver whose runs are in an image with pip on a base without Python."""
    driver = Contained(warm_workspace, tmp_path / "source", engine, bare_image)
    driver.write("bootstrap.sh", read_seed())
    driver.write("train.py", TRAIN)
    make_wheel(os.path.join(driver.source, "wheels"))
    driver.write("conda.yml", CONDA.format(channel=python_channel))
    job = {
        "command": COMMAND,
        "code": ".",
        "environment": {"image": bare_image, "conda_file": "conda.yml"},
        "distribution": {"type": "pytorch", "process_count_per_instance": 2},
        "resources": {"instance_count": 2},
    }
    driver.write("job.yml", json.dumps(job))
    yield driver
    made.update(record["plan"]["environment"]["image"]["name"] for record in driver.records())


def assert_whole(driver, record):
    for rank in range(4):
        lines = driver.log(rank, record).decode().splitlines()
        assert lines[-3:] == ["Barrier...", "Bootstrap complete!", f"{rank} {rank % 2} we love you"]
        assert ("Installation complete" in lines) == (rank % 2 == 0)
        assert ("we love you" in lines) == (rank % 2 == 0)  # the seed's own check of what it has installed


def test_seed_bootstraps_every_node_and_the_image_stays_as_it_is(seeded, marker):
    for _ in range(2):
        done = seeded.command("run", "-t", "docker", "job.yml", plain=True, timeout=200)
        assert done.returncode == 0, (done.stdout, done.stderr)
        assert_whole(seeded, seeded.record())
    assert len(seeded.records()) == 2
    assert not os.path.lexists(marker)
    script = "python -c 'import greeting'"
    done = seeded.command("run", "-t", "docker", "--set", f"command={script}", "job.yml", plain=True)
    assert b"No module named 'greeting'" in done.stdout
    assert not [one for one in seeded.containers() if one]


def test_packages_of_one_node_are_not_seen_by_another(seeded):
    command = (
        "[ $NODE_RANK = 1 ] || bash bootstrap.sh; python -c 'import greeting, os; print(greeting.hello())' || echo none"
    )
    done = seeded.command("run", "-t", "docker", "--set", f"command={command}", "job.yml", plain=True, timeout=200)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert [seeded.log(rank).splitlines()[-1] for rank in range(4)] == [b"we love you"] * 2 + [b"none"] * 2


def test_option_bootstrap_runs_once_a_node_and_holds_its_ranks(seeded):
    seeded.write("prepare.sh", "pip install --no-index --quiet --find-links wheels greeting; touch /tmp/mine")
    script = "import greeting, os; print(os.environ['RANK'], greeting.hello(), os.path.exists('/tmp/mine'))"
    command = f'python -c "{script}"'
    words = ("run", "-t", "docker", "--bootstrap", "prepare.sh", "--set", f"command={command}", "job.yml")
    done = seeded.command(*words, plain=True, timeout=200)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert [seeded.log(rank).splitlines()[-1] for rank in range(4)] == [b"%d we love you True" % r for r in range(4)]


def test_option_bootstrap_that_fails_ends_the_waiting_ranks_of_every_node(seeded):
    seeded.write("prepare.sh", "[ $NODE_RANK = 0 ] || exit 7; sleep 600")
    words = ("run", "-t", "docker", "--bootstrap", "prepare.sh", "--set", "command=echo never", "job.yml")
    done = seeded.command(*words, plain=True, timeout=200)
    assert done.returncode == 7
    assert b"failed in the bootstrap script (exit code 7)" in done.stderr
    assert b"waited at the barrier and never started" in done.stderr
    assert [rank["status"] for rank in seeded.record()["ranks"]] == ["not_started"] * 4
    assert not any(b"never" in seeded.log(rank) for rank in range(4))
