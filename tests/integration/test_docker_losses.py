"""Runs in containers when something goes away: the front end, the supervisor, a container, the engine."""

from __future__ import annotations

import glob
import os
import signal
import subprocess
import time

import pytest
from contained_kit import Contained, start_waiting, use
from run_kit import end_of, hear, wait_until
from terminal_kit import open_terminal

NAP = 0.1


@pytest.fixture
def contained(own_workspace, tmp_path, engine, python_image):
    yield from use(Contained(own_workspace, tmp_path / "source", engine, python_image))


@pytest.fixture
def fragile(own_workspace, tmp_path, second_engine, python_image):
    yield from use(Contained(own_workspace, tmp_path / "source", second_engine, python_image))


def supervisor_of(driver):
    (name,) = os.listdir(os.path.join(driver.home, "active"))
    with open(os.path.join(driver.home, "active", name), encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("supervisor"))


def test_front_end_killed_ends_the_containers_and_closes_the_record(contained):
    with start_waiting(contained, "--nodes", "2", ranks=2) as child:
        child.kill()
    wait_until(lambda: not contained.containers() and not contained.networks(), 20)
    wait_until(lambda: contained.records() and contained.record()["status"] != "running", 10)
    assert contained.record()["kind"] == "front_end_lost"
    assert contained.record()["status"] == "canceled"


def test_front_end_and_supervisor_killed_end_the_ranks_and_the_next_command_removes_the_containers(contained):
    with start_waiting(contained, "--nodes", "2", ranks=2) as child:
        child.send_signal(signal.SIGSTOP)  # else it may begin to put things in order before its own end
        os.kill(supervisor_of(contained), signal.SIGKILL)
        child.kill()
    wait_until(lambda: not any(contained.inspect(one)["State"]["Running"] for one in contained.containers()), 20)
    assert len(contained.containers()) == 2
    done = contained.command("ps")
    assert b"is lost: its supervisor died; 2 containers of it removed" in done.stderr
    assert contained.containers() == contained.networks() == []
    assert contained.record()["status"] == "lost"
    assert os.listdir(os.path.join(contained.home, "active")) == []


@pytest.mark.slow
def test_supervisor_killed_at_random_moments_leaves_nothing_after_the_next_command(contained):
    contained.write("quick.py", "import time; time.sleep(0.3)")
    places = set()
    for step in range(8):
        with contained.start("run", "quick.py") as child:
            wait_until(lambda: os.path.exists(os.path.join(contained.home, "active")))
            time.sleep(step * NAP)
            for pid in contained.processes():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            child.communicate(timeout=20)
        contained.wait_for_processes(timeout_s=60)  # a supervisor that was forked in that moment ends its run itself
        places.update(map(os.readlink, glob.glob(f"{contained.home}/runs/*/place-in-memory")))
        contained.command("ps")
        assert contained.containers() == []
        assert os.listdir(os.path.join(contained.home, "active")) == []
    assert places
    assert not [place for place in places if os.path.exists(place)]


def test_detached_run_outlives_its_front_end_and_can_be_stopped(contained):
    with start_waiting(contained, "-d") as child:
        run_id = child.communicate(timeout=20)[0].decode().strip()
    assert len(contained.containers(run_id)) == 1
    assert contained.command("stop", run_id).returncode == 0
    assert contained.containers() == []
    assert contained.record()["exit_code"] == 143


def test_signal_to_one_rank_reaches_it_in_its_container(contained):
    with start_waiting(contained, "--nodes", "2", "-n", "2", ranks=4) as child:
        run_id = os.listdir(os.path.join(contained.home, "runs"))[0]
        done = contained.command("kill", "--rank", "7", run_id)
        assert b"has no rank 7" in done.stderr
        done = contained.command("kill", "--rank", "2", "--signal", "USR2", run_id)
        assert done.returncode == 0, done.stderr
        err = child.communicate(timeout=30)[1]
    assert child.returncode == 128 + signal.SIGUSR2, err
    assert b"rank 2 (node 1) ended with exit code 140" in err


def test_container_that_is_stopped_from_outside_is_named(contained):
    program = """if True:
    import signal, sys, time
    def end(*_):
        print("told", flush=True)
        sys.exit(5)
    signal.signal(15, end)
    print("ready", flush=True)
    time.sleep(600)
    """
    with start_waiting(contained, program=program) as child:
        assert child.stdout.readline() == b"ready\n"
        (container,) = contained.containers()
        contained.engine.docker("stop", container)
        err = child.communicate(timeout=30)[1]
    assert child.returncode == 143
    assert b"was asked to stop from outside" in err
    assert b"kind=container_stopped" in err
    assert contained.log() == b"ready\ntold\n"


def test_container_that_is_removed_from_outside_is_named(contained):
    program = "import time; print('before', flush=True); time.sleep(600)"
    with start_waiting(contained, "--nodes", "2", ranks=2, program=program) as child:
        live = live_record(contained)
        wait_until(lambda: [contained.log(rank, live) for rank in range(2)] == [b"before\n"] * 2, 30)
        contained.engine.docker("rm", "-f", contained.containers()[0])
        err = child.communicate(timeout=30)[1]
    assert child.returncode == 125, err
    assert b"was removed from outside" in err
    assert b"kind=container_removed" in err
    assert all(contained.log(rank).startswith(b"before\n") for rank in range(2))


def test_container_that_is_killed_from_outside_is_named(contained):
    with start_waiting(contained) as child:
        contained.engine.docker("kill", contained.containers()[0])
        err = child.communicate(timeout=30)[1]
    assert child.returncode == 143
    assert b"was stopped from outside (exit code 137)" in err


def test_image_that_is_untagged_while_it_is_used_changes_nothing(contained):
    engine = contained.engine
    engine.docker("tag", contained.image, "localrun-test/going")
    contained.image = "localrun-test/going"
    with start_waiting(contained, program="import time; time.sleep(0.5); print('on')") as child:
        engine.docker("rmi", "localrun-test/going")
        child.communicate(timeout=30)
    assert child.returncode == 0
    assert contained.log() == b"on\n"


def test_container_that_was_made_and_never_started_is_removed_by_the_next_command(contained, tmp_path):
    with start_waiting(contained) as child:
        os.kill(supervisor_of(contained), signal.SIGKILL)
        child.communicate(timeout=20)
    contained.command("ps")
    # what a supervisor leaves that was killed between the two requests
    run_id = contained.record()["run_id"]
    labels = ("--label", f"localrun.run={run_id}", "--label", f"localrun.owner={contained.home}")
    contained.engine.docker("create", *labels, contained.image, "true")
    entry = os.path.join(contained.home, "active", run_id)
    with open(entry, "w", encoding="ascii") as file:
        file.write('boot x\nsupervisor 999999 1\nengine {"url":"unix:///var/run/docker.sock"}\n')
    contained.command("ps")
    assert contained.containers() == []
    assert not os.path.exists(entry)


COUNTING = "import time\nfor at in range(100):\n    print(at, flush=True)\n    time.sleep(0.03)"


def test_engine_that_is_killed_ends_nothing_and_no_line_is_lost(fragile):
    with start_waiting(fragile, program=COUNTING) as child:
        fragile.engine.kill()
        wait_until(lambda: b"99\n" in fragile.log(record=live_record(fragile)), 30)
        fragile.engine.up()
        err = child.communicate(timeout=40)[1]
    assert child.returncode == 0, err
    assert fragile.log() == b"".join(b"%d\n" % at for at in range(100))
    fragile.command("ps")


def live_record(driver):
    (name,) = os.listdir(os.path.join(driver.home, "runs"))
    return {"folder": os.path.join(driver.home, "runs", name)}


def test_engine_that_stays_away_leaves_the_container_to_a_later_command(fragile):
    with start_waiting(fragile, program="import time; time.sleep(0.5); print('done')") as child:
        fragile.engine.kill()
        child.communicate(timeout=60)
    assert child.returncode == 0
    assert fragile.log() == b"done\n"
    left = fragile.command("ps")
    assert b"may be left" in left.stderr
    fragile.engine.up()
    assert fragile.command("ps").returncode == 0
    assert fragile.containers() == []
    assert os.listdir(os.path.join(fragile.home, "active")) == []


def test_engine_that_is_stopped_is_named_and_ends_the_run(fragile):
    with start_waiting(fragile) as child:
        fragile.engine.end()
        err = child.communicate(timeout=90)[1]
    assert child.returncode == 143, err
    assert b"kind=container_stopped" in err
    fragile.engine.up()
    fragile.command("ps")
    assert fragile.containers() == []


@pytest.mark.parametrize(
    ("address", "variables", "reason"),
    [
        ("unix:///nowhere/none.sock", {}, b"No such file or directory"),
        ("unix:///etc/passwd", {}, b"Connection refused"),
        ("tcp://127.0.0.1:9", {}, b"Connection refused"),
        ("tcp://127.0.0.1:9", {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/nowhere"}, b"Connection refused"),
    ],
)
def test_no_engine_is_told_before_anything_is_made(contained, address, variables, reason):
    done = contained.run("--command", "true", env={"DOCKER_HOST": address, **variables})
    assert done.returncode == 125
    assert f"no Docker engine answers at {address} (DOCKER_HOST): ".encode() + reason in done.stderr
    assert b"-t local" in done.stderr
    assert done.stderr.splitlines()[-1] == b"kind=docker_unavailable"
    assert contained.records() == []
    assert not os.path.exists(os.path.join(contained.home, "active")) or not os.listdir(f"{contained.home}/active")


def test_ctrl_c_ends_a_run_within_a_tenth_of_a_second_of_willing_ranks(contained):
    with start_waiting(contained, stderr=subprocess.DEVNULL) as child:
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=30)
    assert child.returncode == 130
    rank = contained.record()["ranks"][0]
    assert rank["status"] == "stopped"


def test_closed_terminal_ends_the_run(contained):
    here = contained.fifo()
    contained.write("wait.py", f"open({here!r}, 'w').write('on\\n'); import time; time.sleep(600)")
    words = ("-t", "docker", "-E", f"image:{contained.image}", "-v", f"{os.path.dirname(here)}:{os.path.dirname(here)}")
    terminal = open_terminal(contained, "run", *words, "wait.py")
    hear(here)
    terminal.ptyproc.fileobj.close()
    wait_until(lambda: not contained.wait_for_processes() and contained.record()["status"] != "running", 30)
    assert end_of(contained.record()) == ("canceled", 129, "localrun", "hung_up")


def test_ctrl_z_lets_the_ranks_in_containers_stand_still_until_they_go_on(contained):
    contained.write("tick.py", "import time\nfor at in range(60):\n    print(at, flush=True)\n    time.sleep(0.05)")
    with contained.start("run", "-q", "tick.py") as child:
        assert child.stdout.readline() == b"0\n"
        os.kill(child.pid, signal.SIGTSTP)
        assert os.WIFSTOPPED(os.waitpid(child.pid, os.WUNTRACED)[1])
        wait_until(lambda: read_log(contained) == (time.sleep(0.5), read_log(contained))[1])
        before = read_log(contained)
        time.sleep(0.5)
        assert read_log(contained) == before
        os.kill(child.pid, signal.SIGCONT)
        rest, _ = child.communicate(timeout=60)
    assert (child.returncode, rest.split()[-1]) == (0, b"59")


def read_log(driver):
    (path,) = glob.glob(f"{driver.home}/runs/*/user_logs/std_log.txt")
    with open(path, "rb") as file:
        return file.read()
