"""The distributed bootstrap script of Azure ML's documentation, as it stands there but for what it installs."""

from __future__ import annotations

import glob
import os
import stat
import time

import pytest
from marker_kit import MARKER
from packages_kit import make_wheel
from run_kit import hear, kill_supervisor
from seed_kit import COMMAND, INSTALL, TRAIN, assert_whole, read_seed


@pytest.fixture
def seeded(localrun, marker):
    """Give a driver whose source folder has the script, a training script that needs it, and the package."""
    localrun.write("bootstrap.sh", read_seed())
    localrun.write("train.py", TRAIN)
    make_wheel(os.path.join(localrun.source, "wheels"))
    return localrun


@pytest.fixture
def quick(seeded):
    """Give the same with an installation that takes no time: what it is about is the marker."""
    assert INSTALL in read_seed()
    seeded.write("bootstrap.sh", read_seed().replace(INSTALL, "cp wheels/greeting.txt greeting.py"))
    seeded.write("wheels/greeting.txt", "def hello():\n    return 'we love you'\n")
    return seeded


def test_first_run_and_second_run_work_and_leave_nothing_in_tmp(seeded):
    for _ in range(2):
        done = seeded.run("-n", "2", "--command", COMMAND)
        assert done.returncode == 0, done.stderr
        assert_whole(seeded, 2)
        assert not os.path.lexists(MARKER)


@pytest.mark.parametrize("kind", ["file", "link", "somebody else's", "folder"])
def test_marker_that_was_left_over_lets_nobody_through_early(quick, kind, tmp_path):
    victim = tmp_path / "victim"
    if kind == "link":
        os.symlink(victim, MARKER)
    elif kind == "folder":
        os.mkdir(MARKER)
    else:
        with open(MARKER, "w", encoding="ascii"):
            pass
        if kind == "somebody else's":
            os.chown(MARKER, 65534, 65534)
    before = os.lstat(MARKER)
    try:
        assert quick.run("-n", "2", "--command", COMMAND).returncode == 0
        assert_whole(quick, 2)  # rank 1 imports what rank 0 installed: it has waited
        assert os.lstat(MARKER) == before
        assert not victim.exists()
    finally:
        if kind == "folder":
            os.rmdir(MARKER)


def test_two_runs_at_once_have_barriers_of_their_own(quick):
    both = [quick.start("run", "-n", "2", "--command", COMMAND) for _ in range(2)]
    assert [(child.communicate(timeout=60)[1], child.returncode)[1] for child in both] == [0, 0]
    for record in quick.records():
        assert_whole(quick, 2, record)


def test_every_node_runs_its_own_bootstrap(seeded):
    done = seeded.run("--nodes", "2", "-n", "2", "--command", COMMAND)
    assert done.returncode == 0, done.stdout
    assert_whole(seeded, 4)
    installing = [rank for rank in range(4) if b"Running bootstrap.sh" in seeded.log(rank)]
    assert installing == [0, 2]


def test_rank_0_that_fails_before_the_marker_ends_the_others(quick):
    quick.write(
        "bootstrap.sh", read_seed().replace(INSTALL, ":").replace('    echo "Installation complete"', "    exit 3")
    )
    began = time.monotonic()
    done = quick.run("-n", "4", "--command", COMMAND)
    assert time.monotonic() - began < 30
    assert done.returncode == 3
    assert b"rank 0 (node 0) ended with exit code 3" in done.stderr
    assert [rank["status"] for rank in quick.record()["ranks"]] == ["failed", "stopped", "stopped", "stopped"]


def test_rank_0_that_is_killed_before_the_marker_ends_the_others(quick):
    here = quick.fifo()
    quick.write(
        "bootstrap.sh",
        read_seed()
        .replace(INSTALL, ":")
        .replace('    echo "Installation complete"', f"    echo $$ > {here}; sleep 600"),
    )
    with quick.start("run", "-n", "3", "--command", COMMAND) as child:
        os.kill(int(hear(here)[0]), 9)
        began = time.monotonic()
        err = child.communicate(timeout=30)[1]
    assert time.monotonic() - began < 9  # before the grace of ten seconds
    assert child.returncode == 137
    assert b"rank 0 (node 0) ended with exit code 137" in err
    assert {rank["status"] for rank in quick.record()["ranks"][1:]} == {"stopped"}


def test_blanks_in_the_home_path_do_not_break_the_unquoted_marker(quick, tmp_path):
    quick.home = str(tmp_path / "a home * with $blanks")
    here = quick.fifo()
    quick.write("look.py", f"open({here!r}, 'w').write('on\\n'); import time; time.sleep(0.5)")
    with quick.start("run", "--nodes", "2", "-n", "2", "--command", f"{COMMAND} && python look.py") as child:
        hear(here, 4)
        place = find_place(quick)
        facts = os.lstat(place)
        assert (stat.S_IMODE(facts.st_mode), facts.st_uid) == (0o700, os.geteuid())
        child.communicate(timeout=30)
    assert child.returncode == 0
    assert_whole_but_last(quick)
    assert not os.path.lexists(place)


def find_place(driver):
    (link,) = glob.glob(f"{glob.escape(driver.home)}/runs/*/place")
    return os.readlink(link)


def assert_whole_but_last(driver):
    for rank in range(4):
        assert driver.log(rank).decode().splitlines()[-1].endswith(" we love you")


def test_place_of_the_marker_goes_with_a_run_whose_supervisor_was_killed(quick, tmp_path):
    quick.home = str(tmp_path / "a home")
    here = quick.fifo()
    quick.write("train.py", f"open({here!r}, 'w').write('on\\n'); import time; time.sleep(600)")
    with quick.start("run", "-n", "2", "--command", COMMAND) as child:
        hear(here, 2)
        place = find_place(quick)
        assert os.path.isdir(place)
        kill_supervisor(quick)
        err = child.communicate(timeout=30)[1]
    assert b"is lost: its supervisor died" in err, err.decode()
    assert not os.path.lexists(place)


def test_run_in_place_refuses_a_marker_that_was_left_over(seeded):
    with open(MARKER, "w", encoding="ascii"):
        pass
    done = seeded.run("--in-place", "-n", "2", "--command", COMMAND)
    assert done.returncode == 125
    assert b"bootstrap.sh waits for /tmp/.azureml_bootstrap_complete, which an earlier run left behind" in done.stderr
    assert seeded.records() == []


def test_run_in_place_uses_the_one_marker_in_script_and_command(quick):
    done = quick.run("--in-place", "-n", "2", "--command", f"{COMMAND} && ls {MARKER}")
    assert done.returncode == 0, done.stdout
    assert quick.log(1).decode().splitlines()[-1] == MARKER


def test_what_is_installed_stays_with_the_run(seeded):
    assert seeded.run("-n", "2", "--command", COMMAND).returncode == 0
    done = seeded.run("--command", "python -c 'import greeting'")
    assert b"No module named 'greeting'" in done.stdout
