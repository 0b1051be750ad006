"""Bootstrap scripts and barriers of runs in containers: every node has its own, and nobody waits for ever."""

from __future__ import annotations

import json
import os

import pytest
from contained_kit import Contained, use
from marker_kit import MARKER
from seed_kit import COMMAND, INSTALL, TRAIN, assert_whole, read_seed

SEEDED = COMMAND.replace("python", "python3")
SHOW = "import json, os; print(json.dumps(dict(os.environ)))"
PLACES = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "NODE_RANK", "GROUP_RANK", "AZ_BATCHAI_TASK_INDEX")


@pytest.fixture
def contained(own_workspace, tmp_path, engine, python_image):
    yield from use(Contained(own_workspace, tmp_path / "source", engine, python_image))


@pytest.fixture
def seeded(contained, marker):
    """Give a driver with the bootstrap script, which installs nothing here: what it is about is the marker."""
    assert INSTALL in read_seed()
    script = read_seed().replace(INSTALL, "cp greeting.txt greeting.py").replace("python -c", "python3 -c")
    contained.write("bootstrap.sh", script)
    contained.write("greeting.txt", "def hello():\n    return 'we love you'\n")
    contained.write("train.py", TRAIN)
    return contained


@pytest.mark.parametrize("kind", ["file", "link"])
def test_marker_that_was_left_over_on_this_machine_lets_nobody_through_early(seeded, kind, tmp_path):
    if kind == "file":
        with open(MARKER, "w", encoding="ascii"):
            pass
    else:
        os.symlink(tmp_path / "victim", MARKER)
    before = os.lstat(MARKER)
    done = seeded.run("--nodes", "2", "-n", "2", "--command", SEEDED)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert_whole(seeded, 4)  # rank 0 of a node has said so before the others passed
    assert os.lstat(MARKER) == before
    assert not os.path.lexists(tmp_path / "victim")


def test_two_runs_at_once_have_barriers_networks_and_names_of_their_own(seeded):
    words = ("run", "--nodes", "2", "-n", "2", "--command", f"{SEEDED} && sleep 1")
    both = [seeded.start(*words) for _ in range(2)]
    assert [(child.communicate(timeout=60)[1], child.returncode)[1] for child in both] == [0, 0]
    for record in seeded.records():
        assert_whole(seeded, 4, record)
    first, second = ({item["name"] for item in record["containers"]} for record in seeded.records())
    assert len(first) == len(second) == 2
    assert not first & second


def test_each_of_three_nodes_has_a_marker_of_its_own(seeded):
    done = seeded.run("--nodes", "3", "-n", "2", "--command", SEEDED)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert_whole(seeded, 6)
    assert [rank for rank in range(6) if b"Running bootstrap.sh" in seeded.log(rank)] == [0, 2, 4]


@pytest.mark.parametrize(("end", "code"), [("exit 3", 3), ("kill -9 $$", 137)])
def test_first_rank_of_a_node_that_ends_before_the_marker_ends_all_others(seeded, end, code):
    script = read_seed().replace(INSTALL, ":").replace('    echo "Installation complete"', f"    {end}")
    seeded.write("bootstrap.sh", script)
    done = seeded.run("--nodes", "2", "-n", "2", "--command", f"[ $NODE_RANK = 0 ] || sleep 600; {SEEDED}")
    assert done.returncode == code, done.stderr
    assert b"rank 0 (node 0) ended with exit code %d" % code in done.stderr
    assert [rank["status"] for rank in seeded.record()["ranks"]] == ["failed", "stopped", "stopped", "stopped"]


@pytest.mark.parametrize(
    ("script", "words", "code", "said"),
    [
        ("echo installing; false; echo never", (), 1, b"(exit code 1)"),
        ("exit 5 | true", (), 5, b"(exit code 5)"),
        ("kill -9 $$", (), 137, b"(exit code 137)"),
        ("exec sleep 600", ("--barrier-timeout", "1"), 125, b"kind=barrier_timeout"),
    ],
)
def test_option_bootstrap_that_does_not_end_well_starts_no_rank(contained, script, words, code, said):
    contained.write("prepare.sh", script)
    contained.write("train.py", "print('never')")
    done = contained.run("-n", "2", *words, "--bootstrap", "prepare.sh", "train.py")
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert b"never" not in done.stdout
    assert {rank["status"] for rank in contained.record()["ranks"]} == {"not_started"}


def test_ranks_are_told_the_same_places_as_on_the_local_target(contained):
    script = contained.write("show.py", SHOW)
    words = ("--nodes", "2", "-n", "2", "--distribution", "pytorch", script)
    assert contained.run(*words).returncode == 0
    assert contained.command("run", *words, plain=True).returncode == 0
    here, there = (read_variables(contained, record) for record in contained.records())
    for rank in range(4):
        assert {name: here[rank].get(name) for name in PLACES} == {
            "RANK": str(rank),
            "LOCAL_RANK": str(rank % 2),
            "WORLD_SIZE": "4",
            "LOCAL_WORLD_SIZE": "2",
            "NODE_RANK": str(rank // 2),
            "GROUP_RANK": str(rank // 2),
            "AZ_BATCHAI_TASK_INDEX": str(rank % 2),
        }
        assert {name: here[rank].get(name) for name in PLACES} == {name: there[rank].get(name) for name in PLACES}


def read_variables(driver, record):
    return [json.loads(driver.log(rank, record)) for rank in range(4)]
