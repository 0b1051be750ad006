"""What ranks print: whole and raw in their files, a readable view on the terminal, and no rank held up by a reader."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import signal
import socket
import subprocess
import time

import pexpect
import pytest
from print_kit import BYTES, MANY, expected_lines, peak_mebibytes
from run_kit import LOCALRUN, hear, wait_until

from localrun.adapters.spawn import list_descendants


def test_8_ranks_of_100_000_lines_lose_and_tear_none(localrun, tmp_path):
    localrun.write("train.py", MANY)
    done = localrun.run("-n", "8", "train.py", "100000", str(tmp_path / "sum"))
    assert done.returncode == 0
    shown = {rank: [] for rank in range(8)}
    for line in done.stdout.decode().splitlines():
        found = re.fullmatch(r"\[rank (\d)\] (\1 .*)", line)
        assert found, line
        shown[int(found[1])].append(found[2])
    for rank in range(8):
        assert shown[rank] == expected_lines(rank, 100_000)
        assert hashlib.sha256(localrun.log(rank)).hexdigest() == (tmp_path / f"sum{rank}").read_text()
        assert localrun.record()["ranks"][rank]["dropped_bytes"] == 0


@pytest.mark.parametrize("ranks", [1, 2])
def test_child_that_prints_5_000_lines_and_exits_at_once_loses_none(localrun, ranks, tmp_path):
    localrun.write("train.py", MANY)
    done = localrun.run("-n", str(ranks), "train.py", "5000", str(tmp_path / "sum"))
    assert len(done.stdout.splitlines()) == 5000 * ranks
    lines = [re.sub(r"^\[rank \d\] ", "", line) for line in done.stdout.decode().splitlines()]
    assert sorted(lines) == sorted(line for rank in range(ranks) for line in expected_lines(rank, 5000))


def test_one_rank_is_shown_byte_for_byte_and_kept_so(localrun):
    localrun.write("bytes.bin", BYTES)
    done = localrun.run("--command", "cat bytes.bin")
    assert done.stdout == BYTES
    assert localrun.log() == BYTES


def test_several_ranks_are_shown_escaped_and_kept_byte_for_byte(localrun):
    localrun.write("bytes.bin", BYTES)
    done = localrun.run("-n", "2", "--command", "cat bytes.bin")
    assert localrun.log(0) == localrun.log(1) == BYTES
    mine = [line for line in done.stdout.split(b"\n") if line.startswith(b"[rank 1] ")]
    assert mine == [
        b"[rank 1] \\xff\\xfe ok", b"[rank 1] \\x00nul\\x00", b"[rank 1] last", b"[rank 1] a", b"[rank 1] \\u202e",
        "[rank 1] tür".encode(), b"[rank 1] \\x07no newline at the end",
    ]  # fmt: skip


@pytest.mark.parametrize("ranks", [1, 2])
def test_line_of_100_mb_is_kept_whole_and_its_beginning_is_shown(localrun, ranks):
    localrun.write(
        "train.py", "import os\nfor _ in range(100): os.write(1, b'x' * 1_000_000)\nos.write(1, b'\\nend\\n')"
    )
    done = localrun.run("-q", "-n", str(ranks), "train.py")
    assert done.returncode == 0
    path = f"{localrun.record()['folder']}/user_logs/std_log{'_process_0' * (ranks > 1)}.txt"
    assert os.path.getsize(path) == 100_000_005
    if ranks == 1:
        assert len(done.stdout) == 100_000_005
    else:
        assert len(done.stdout) < 20_000
        assert done.stdout.count(b"x" * 4000) == 2
        assert done.stdout.count(b"] end\n") == 2


def test_reader_that_goes_away_does_not_end_the_run(localrun, tmp_path):
    localrun.write("train.py", MANY + "\nimport sys; sys.exit(7)")
    words = " ".join(LOCALRUN)
    script = f"{words} run -n 2 train.py 50000 {tmp_path}/sum | head -1; exit ${{PIPESTATUS[0]}}"
    environ = {**os.environ, "LOCALRUN_HOME": localrun.home}
    done = subprocess.run(
        ["bash", "-c", script], check=False, cwd=localrun.source, env=environ, capture_output=True, timeout=60
    )
    assert done.returncode == 7
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr.count(b"nobody reads the output any more; the run goes on, and its logs are complete") == 1
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    for rank in range(2):
        if localrun.record()["ranks"][rank]["status"] != "stopped":
            assert hashlib.sha256(localrun.log(rank)).hexdigest() == (tmp_path / f"sum{rank}").read_text()


@pytest.mark.parametrize(
    "outputs", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "> /dev/full", "> /dev/full 2>&1", "| (exec <&-; sleep 1)"]
)
def test_closed_and_full_outputs_change_neither_exit_code_nor_logs(localrun, outputs):
    localrun.write("train.py", "import sys; print('line', flush=True); print('more', file=sys.stderr); sys.exit(3)")
    script = f"{' '.join(LOCALRUN)} run train.py {outputs}; exit ${{PIPESTATUS[0]}}"
    environ = {**os.environ, "LOCALRUN_HOME": localrun.home}
    done = subprocess.run(
        ["bash", "-c", script], check=False, cwd=localrun.source, env=environ, capture_output=True, timeout=60
    )
    assert done.returncode == 3
    assert b"Traceback" not in done.stderr
    assert sorted(localrun.log().split()) == [b"line", b"more"]
    assert localrun.record()["exit_code"] == 3


def test_stopped_front_end_does_not_hold_up_the_ranks(localrun, tmp_path):
    localrun.write("train.py", MANY + "\nimport sys; open(sys.argv[3], 'w').write('done\\n')")
    here = localrun.fifo()
    with localrun.start("run", "-n", "2", "train.py", "200000", str(tmp_path / "sum"), here) as child:
        logs = f"{glob.escape(localrun.home)}/runs/*/user_logs/*"
        wait_until(lambda: any(os.path.getsize(path) for path in glob.glob(logs)))
        child.send_signal(signal.SIGSTOP)
        hear(here, 2)
        child.send_signal(signal.SIGCONT)
        out = child.communicate(timeout=30)[0]
    assert child.returncode == 0
    assert len(out.splitlines()) == 400_000


def test_reader_that_does_not_read_does_not_hold_up_the_ranks(localrun, tmp_path):
    localrun.write("train.py", MANY + "\nimport sys; open(sys.argv[3], 'w').write('done\\n')")
    here = localrun.fifo()
    with localrun.start("run", "train.py", "100000", str(tmp_path / "sum"), here) as child:
        hear(here)
        assert localrun.log(record={"folder": localrun_folder(localrun)}).count(b"\n") == 100_000
        assert child.communicate(timeout=30)[0].count(b"\n") == 100_000


def localrun_folder(driver):
    (name,) = os.listdir(f"{driver.home}/runs")
    return f"{driver.home}/runs/{name}"


def test_grandchild_that_holds_the_log_pipe_is_ended_with_the_run(localrun):
    localrun.write("train.py", "import subprocess; subprocess.Popen(['sleep', '600']); print('done')")
    began = time.monotonic()
    done = localrun.run("train.py")
    assert time.monotonic() - began < 30  # not the 600 s of the sleeper
    assert (done.returncode, done.stdout) == (0, b"done\n")
    assert b"the ranks left 1 running process: " in done.stderr
    assert b"(sleep 600)" in done.stderr


def test_stubborn_grandchild_is_killed_two_seconds_after_the_ranks_have_ended(localrun):
    localrun.write(
        "train.py", "import subprocess; subprocess.Popen(['sh', '-c', 'trap \"\" TERM INT; sleep 600 & sleep 600'])"
    )
    began = time.monotonic()
    assert localrun.run("train.py").returncode == 0
    assert 2 <= time.monotonic() - began < 30  # two seconds of grace, not the 600 s of the sleepers


def test_log_that_a_process_outside_of_the_run_holds_open_is_closed(localrun, tmp_path):
    localrun.write("train.py", """
import array, socket, sys
with socket.socket(socket.AF_UNIX) as outside:
    outside.connect(sys.argv[1])
    outside.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [1]))])
print("done")
""")  # fmt: skip
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        with localrun.start("run", "train.py", str(tmp_path / "s")) as child:
            with listener.accept()[0] as connection:
                _, pipes, _, _ = socket.recv_fds(connection, 1, 1)
            began = time.monotonic()
            out, err = child.communicate(timeout=30)
        os.close(pipes[0])
    assert time.monotonic() - began < 30
    assert (child.returncode, out) == (0, b"done\n")
    assert b"the log of rank 0 was closed while a process outside of the run held it open" in err


def test_zombies_are_reaped_while_the_run_goes_on(localrun):
    localrun.write("train.py", """
import os, sys
for _ in range(300):  # orphans: their parent ends first, so that the supervisor is left with them
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.wait()
open(sys.argv[1], "w").write("on\\n")
import time; time.sleep(600)
""")  # fmt: skip
    here = localrun.fifo()
    with localrun.start("run", "train.py", here) as child:
        hear(here)
        time.sleep(0.2)
        supervisor = next(os.path.join(localrun.home, "active", name) for name in os.listdir(f"{localrun.home}/active"))
        with open(supervisor, encoding="ascii") as file:
            pid = file.read().split("supervisor ")[1].split()[0]
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            assert len(file.read().split()) == 1
        child.terminate()
        child.communicate(timeout=30)


def test_terminal_shows_ranks_in_colours_and_no_escape_of_theirs(localrun):
    localrun.write("train.py", "print('\\x1b[2Jclear')")
    environ = {**os.environ, "LOCALRUN_HOME": localrun.home, "TERM": "xterm"}
    environ.pop("NO_COLOR", None)
    terminal = pexpect.spawn(
        LOCALRUN[0], [*LOCALRUN[1:], "run", "-n", "2", "train.py"], cwd=localrun.source, env=environ
    )
    shown = terminal.read()
    terminal.close()
    assert b"\x1b[33m[rank 1] \x1b[0m\\x1b[2Jclear" in shown
    assert b"\x1b[2J" not in shown
    environ["NO_COLOR"] = "1"
    terminal = pexpect.spawn(
        LOCALRUN[0], [*LOCALRUN[1:], "run", "-n", "2", "train.py"], cwd=localrun.source, env=environ
    )
    assert b"\x1b" not in terminal.read()
    terminal.close()


@pytest.mark.channel
@pytest.mark.usefixtures("warm_workspace")
def test_progress_of_the_environment_is_gone_from_the_terminal_when_ranks_print(localrun, condarc):
    """It would be drawn into what ranks print, and its thread would live on in the process that forks the supervisor."""
    localrun.write("train.py", "import time; print('here', flush=True); time.sleep(1); print('there', flush=True)\n")
    localrun.write("environment.yml", '{"channels": ["conda-forge"], "dependencies": ["python"]}')
    environ = {**os.environ, "TERM": "xterm", "CONDARC": condarc}
    command = ("run", "-E", "environment.yml", "train.py")
    terminal = pexpect.spawn(LOCALRUN[0], [*LOCALRUN[1:], *command], cwd=localrun.source, env=environ, timeout=250)
    terminal.expect_exact(b"made environment.yml")
    shown = terminal.read()
    terminal.close()
    assert terminal.exitstatus == 0, shown
    assert b"here\r\nthere\r\n" in shown


def test_memory_stays_small_whatever_a_rank_prints(localrun):
    here = localrun.fifo()
    command = f"head -c 400000000 /dev/zero; echo all > '{here}'; sleep 600"
    with localrun.start("run", "-q", "--command", command, stdout=subprocess.DEVNULL) as child:
        hear(here)
        (supervisor,) = list_descendants(child.pid)[:1]
        peaks = [peak_mebibytes(child.pid), peak_mebibytes(supervisor)]
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=20)
    assert max(peaks) < 100
    assert os.path.getsize(os.path.join(localrun.record()["folder"], "user_logs", "std_log.txt")) == 400_000_000
