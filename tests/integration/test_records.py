"""Records, live runs and the commands on them, with real processes, real kills and a real file system."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from run_kit import wait_until

from localrun.adapters import processes
from localrun.workspace import active, records, recover
from localrun.workspace.home import folder_of, open_home

FAKE = os.path.join(os.path.dirname(__file__), "fake_supervisor.py")
COMMANDS = {"ps": "ps", "logs": "logs", "inspect": "inspect", "wait": "control", "stop": "control", "kill": "control", "rm": "control"}  # fmt: skip
RUN = f"exp_1700000000_{os.getpid():08x}"  # of this test process alone: what is left of a run is found by its id


@pytest.fixture
def home(own_workspace):
    return open_home(os.environ)


@pytest.fixture
def supervised(home):
    started = []

    def start(manner="willing", count=2, run_id=RUN):
        child = subprocess.Popen(
            [sys.executable, FAKE, home, run_id, str(count), manner], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )  # fmt: skip
        started.append(child)
        words = child.stdout.readline().split()
        assert words[:1] == ["ready"]
        return child, [processes.identify(int(word)) for word in words[1:]]

    yield start
    for child in started:
        child.kill()
        child.communicate()
    for process in processes.descendants(processes.tagged("AZUREML_RUN_ID", RUN)):
        processes.send(process, signal.SIGKILL)


def command(*words, **options):
    name, *rest = words
    code = f"import sys; from localrun.cli.{COMMANDS[name]} import {name} as go; go(sys.argv[1:])"
    options = {"capture_output": True, "timeout": 60} | options
    return subprocess.run([sys.executable, "-c", code, *rest], check=False, **options)


WRITER = """
import sys
from localrun.workspace import records
home, name = sys.argv[1:]
for number in range(50):
    run_id = f"w_{name}_{number}"
    records.insert(home, {"run_id": run_id, "status": "running", "experiment": "w", "target": "local", "exit_code": None,
                          "started_at": "", "duration_s": None, "folder": ""}, print)
"""


def test_20_processes_write_50_records_each_and_none_finds_the_database_locked(home):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, home, str(number)], stdout=-1, stderr=-2)
        for number in range(20)
    ]
    assert [(writer.communicate()[0], writer.returncode) for writer in writers] == [(b"", 0)] * 20
    assert len(records.rows(home)) == 1000


UPDATER = """
import sys
from localrun.workspace import records
home = sys.argv[1]
number = int(sys.argv[2])
while True:
    number += 1
    records.update(home, {"run_id": "u", "status": "completed", "experiment": "u", "target": "local", "exit_code": number,
                          "started_at": "", "duration_s": None, "folder": "", "notes": [str(number)] * 2000})
    print(number, flush=True)
"""


def test_kill_at_a_random_point_of_an_update_leaves_the_old_or_the_new_state(home):
    records.insert(home, {"run_id": "u", "status": "completed", "experiment": "u", "target": "local", "exit_code": 0,
                          "started_at": "", "duration_s": None, "folder": ""})  # fmt: skip
    done = 0
    for _ in range(20):
        child = subprocess.Popen([sys.executable, "-c", UPDATER, home, str(done)], stdout=subprocess.PIPE, text=True)
        child.stdout.readline()
        time.sleep(random.random() * 0.03)
        child.kill()
        told = child.communicate()[0].split()
        record, row = records.read(home, "u"), records.rows(home, limit=1)[0]
        assert record["exit_code"] >= int(told[-1]) if told else record["exit_code"] > done
        assert set(record["notes"]) == {str(record["exit_code"])}
        assert row[2] in {record["exit_code"], record["exit_code"] - 1}
        done = record["exit_code"]
    connection = sqlite3.connect(f"{home}/localrun.db")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_killed_supervisor_leaves_a_lost_run_and_the_next_command_ends_every_process_of_it(home, supervised):
    child, ranks = supervised("unwilling")
    everything = processes.descendants(ranks)
    assert len(everything) == 4
    child.kill()
    child.wait()
    assert all(map(processes.is_alive, everything))
    done = command("ps", "-a", "--format", "json")
    assert not any(map(processes.is_alive, everything))
    (row,) = json.loads(done.stdout)
    assert (row["run_id"], row["status"], row["exit_code"], row["duration_s"]) == (RUN, "lost", 125, None)
    assert done.stderr.decode() == f"localrun: run {RUN} is lost: its supervisor died; 4 processes of it ended\n"
    assert active.names(home) == []
    record = json.loads(command("inspect", RUN).stdout)
    assert record["kind"] == "lost"
    assert [rank["status"] for rank in record["ranks"]] == ["lost", "lost"]
    assert command("ps", "-a").stderr == b""


def test_run_killed_before_it_had_a_record_leaves_nothing(home, supervised):
    child, _ = supervised("early")
    child.kill()
    child.wait()
    said = []
    assert recover.sweep(home, said.append) == (RUN,)
    assert said == [f"run {RUN} was killed while it was prepared; what it had made is removed"]
    assert not os.path.exists(folder_of(home, RUN))
    assert active.names(home) == []


def test_living_run_is_left_alone(home, supervised):
    _, ranks = supervised()
    assert recover.sweep(home, print) == ()
    (row,) = json.loads(command("ps", "--format", "json").stdout)
    assert row["status"] == "running"
    assert row["duration_s"] >= 0
    assert all(map(processes.is_alive, ranks))


@pytest.mark.parametrize(("boot", "shift"), [("same", 1), ("another-boot", 0)])
def test_stranger_with_the_recorded_pid_is_never_signalled(home, boot, shift):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as stranger:
        me = processes.identify(stranger.pid)
        entry = active.claim(home, RUN)
        boot = processes.boot_id() if boot == "same" else boot
        active.note(entry, [f"boot {boot}", f"rank 0 {me.pid} {int(me.start) + shift}"])
        os.close(entry)
        assert not processes.send(processes.Process(pid=me.pid, start="1"), signal.SIGKILL)
        assert not processes.send_group(processes.Process(pid=me.pid, start="1"), signal.SIGKILL)
        assert recover.sweep(home, print, 0.1) == (RUN,)
        assert stranger.poll() is None
        assert records.read(home, RUN)["status"] == "lost"
        stranger.kill()


def test_process_that_got_the_pid_of_a_dead_one_is_not_signalled(root):  # who alone can say which pid comes next
    with subprocess.Popen([sys.executable, "-c", "pass"]) as first:
        known = processes.identify(first.pid)
    for _ in range(200):
        with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as file:
            file.write(str(known.pid - 1))
        with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as second:
            try:
                if second.pid == known.pid:
                    assert not processes.send(known, signal.SIGKILL)
                    assert not processes.send_group(known, signal.SIGKILL)
                    assert processes.end_all([known], 0.1) == ()
                    assert second.poll() is None
                    return
            finally:
                second.kill()
    pytest.fail("no process got the pid again")


def test_running_record_without_an_entry_is_lost(home, supervised):
    child, ranks = supervised()
    os.unlink(os.path.join(home, "active", RUN))
    child.kill()
    child.wait()
    assert command("ps", "-q").stdout == b""
    assert records.read(home, RUN)["status"] == "lost"
    assert not any(map(processes.is_alive, ranks))


def test_stop_waits_until_the_record_is_closed(home, supervised):
    _, ranks = supervised()
    done = command("stop", "latest")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{RUN}\n".encode(), b"")
    assert records.read(home, RUN)["exit_code"] == 143
    assert not any(map(processes.is_alive, ranks))
    assert command("stop", RUN).returncode == 0


def test_stop_with_a_timeout_ends_a_supervisor_that_does_not_obey(home, supervised):
    from localrun.workspace import control

    child, ranks = supervised("unwilling")
    everything = processes.descendants(ranks)
    control.stop(home, RUN, 0.2, print, close_wait_s=0.2)
    assert child.wait() == -signal.SIGKILL
    assert not any(map(processes.is_alive, everything))
    assert records.read(home, RUN)["status"] == "lost"


def test_kill_reaches_the_group_of_one_rank_only(home, supervised):
    _, (first, second) = supervised()
    assert command("kill", "--rank", "1", "-s", "usr1", RUN).returncode == 0
    wait_until(lambda: not processes.is_alive(second))
    assert processes.is_alive(first)
    refused = command("kill", "--rank", "1", RUN)
    assert f"rank 1 of run {RUN} has ended".encode() in refused.stderr
    assert b"has no rank 5" in command("kill", "--rank", "5", RUN).stderr
    command("kill", RUN)
    assert command("wait", RUN).stdout == b"137\n"
    assert b"is not running" in command("kill", RUN).stderr


def test_wait_prints_the_exit_code_when_the_run_has_ended(home, supervised):
    child, _ = supervised("brief")
    waiting = subprocess.Popen(
        [sys.executable, "-c", "from localrun.cli.control import wait; wait()", RUN], stdout=subprocess.PIPE
    )
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(0.5)
    child.stdin.write("\n")
    child.stdin.flush()
    assert waiting.communicate(timeout=60)[0] == b"7\n"
    assert waiting.returncode == 0


def test_logs_follow_until_the_run_ends(home, supervised):
    child, _ = supervised("brief")
    following = subprocess.Popen(
        [sys.executable, "-c", "from localrun.cli.logs import logs; logs()", "-f", RUN], stdout=subprocess.PIPE
    )
    assert following.stdout.readline() == b"[rank 0] from the rank\n"
    with open(os.path.join(folder_of(home, RUN), "user_logs", "std_log_process_1.txt"), "ab") as log:
        log.write(b"torn")
        log.flush()
        assert following.stdout.readline() == b"[rank 1] from the rank\n"
        time.sleep(0.2)
        log.write(b" no more\nlast")
    child.stdin.write("\n")
    child.stdin.flush()
    assert following.communicate(timeout=60)[0] == b"[rank 1] torn no more\n[rank 1] last\n"
    assert following.returncode == 0


def test_rm_refuses_a_live_run_and_force_ends_it(home, supervised):
    _, ranks = supervised()
    refused = command("rm", RUN)
    assert refused.returncode != 0
    assert b"is running" in refused.stderr
    assert all(map(processes.is_alive, ranks))
    done = command("rm", "-f", RUN, "nobody")
    assert (done.returncode, done.stdout) == (0, f"{RUN}\n".encode())
    assert not any(map(processes.is_alive, ranks))
    assert records.rows(home) == []
    assert os.listdir(os.path.join(home, "runs")) == []


@pytest.fixture
def many(home):
    from localrun.workspace import database

    found = [
        {"run_id": f"exp_{number}_\u00e9", "status": "completed", "experiment": "\x1b[31m", "target": "local", "exit_code": 0,
         "started_at": "2026-01-01T00:00:00.000Z", "duration_s": 1.0, "folder": ""}
        for number in range(5000)
    ]  # fmt: skip
    database.add_missing(home, found, print)


def test_ps_whose_reader_goes_away_ends_quietly(many):
    piped = subprocess.Popen(
        [sys.executable, "-c", "from localrun.cli.ps import ps; ps()", "-a"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )  # fmt: skip
    piped.stdout.readline()
    piped.stdout.close()
    assert (piped.stderr.read(), piped.wait()) == (b"", 141)
    piped.stderr.close()


def test_ps_escapes_and_needs_no_locale_nor_stdout(many):
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = command("ps", "-n", "1", env=plain)
    assert done.returncode == 0
    assert b"exp_4999_\\xe9  \\x1b[31m" in done.stdout
    closed = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -c 'from localrun.cli.ps import ps; ps()' -a >&-"], capture_output=True, check=False
    )  # fmt: skip
    assert (closed.returncode, closed.stderr) == (0, b"")
    full = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -c 'from localrun.cli.ps import ps; ps()' -a >/dev/full"], capture_output=True, check=False
    )  # fmt: skip
    assert b"standard output cannot be written: No space left on device" in full.stderr
    assert b"Exception ignored" not in full.stderr
