"""Faults around runs in containers: impatient users, readers that go away, logs that are long, binary or without room."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import signal
import subprocess
import time

import pytest
from contained_kit import Contained, start_waiting, use
from print_kit import BYTES, FILL, MANY, expected_lines, peak_mebibytes
from run_kit import LOCALRUN, end_of, hear, wait_until

from localrun.adapters.spawn import list_descendants

UNWILLING = """if True:
    import signal, time
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    open("ready", "w").close()
    time.sleep(600)
"""
REPORT = "\nimport sys; open(sys.argv[3], 'w').write('done\\n'); import time; time.sleep(float(sys.argv[4]))"


@pytest.fixture
def contained(own_workspace, tmp_path, engine, python_image):
    yield from use(Contained(own_workspace, tmp_path / "source", engine, python_image))


@pytest.fixture
def on_small_disk(own_workspace, tmp_path, engine, python_image, mounting):
    """Give a driver whose workspace has 3 MB."""
    home = str(own_workspace)
    os.makedirs(home, mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3000k,mode=0700", "tmpfs", home], check=True)
    try:
        yield from use(Contained(home, tmp_path / "source", engine, python_image))
    finally:
        subprocess.run(["umount", "-l", home], check=True)


def share(folder):
    """Give the words that show a folder of this machine to the ranks."""
    return "-v", f"{folder}:{folder}"


def wait_for_logs(driver, true):
    """Wait until the files of the only run's ranks are as they should be."""
    paths = f"{glob.escape(driver.home)}/runs/*/user_logs/*"
    wait_until(lambda: true([os.path.getsize(path) for path in glob.glob(paths)]), 30)


def wait_to_be_told(child, text):
    said = b""
    while text not in said:
        said = child.stderr.readline()
        assert said, child.wait()


def read_lines_of(driver):
    (path,) = glob.glob(f"{glob.escape(driver.home)}/runs/*/user_logs/std_log.txt")
    with open(path, "rb") as file:
        return file.read().count(b"\n")


def test_second_ctrl_c_kills_at_once(contained):
    with start_waiting(contained, "--nodes", "2", "--stop-timeout", "60", ranks=2, program=UNWILLING) as child:
        wait_until(lambda: len(glob.glob(f"{glob.escape(contained.home)}/runs/*/**/ready", recursive=True)) >= 2)
        child.send_signal(signal.SIGINT)
        wait_to_be_told(child, b"press Ctrl-C again")
        began = time.monotonic()
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=40)
    assert time.monotonic() - began < 40  # not the sixty seconds that were given
    assert child.returncode == 130
    assert end_of(contained.record()) == ("canceled", 130, "localrun", "interrupted")
    assert {rank["exit_code"] for rank in contained.record()["ranks"]} == {137}


def test_third_ctrl_c_leaves_a_reader_that_does_not_read(contained):
    program = UNWILLING.replace("time.sleep", "print('x' * 10_000_000, flush=True); time.sleep")
    with start_waiting(contained, "--stop-timeout", "60", program=program) as child:
        wait_for_logs(contained, lambda sizes: sizes == [10_000_001])
        child.send_signal(signal.SIGINT)
        wait_to_be_told(child, b"press Ctrl-C again")
        for _ in range(2):
            child.send_signal(signal.SIGINT)
            time.sleep(0.3)
        assert child.wait(40) == 130
    contained.wait_for_processes(timeout_s=30)
    assert end_of(contained.record()) == ("canceled", 130, "localrun", "interrupted")


def test_unpause_of_a_run_lets_a_node_go_on_that_was_paused_alone(contained):
    with start_waiting(contained, "--nodes", "2", ranks=2) as child:
        (run_id,) = os.listdir(os.path.join(contained.home, "runs"))
        contained.command("pause", "--node", "1", run_id)
        states = [contained.inspect(one)["State"]["Status"] for one in contained.containers()]
        assert sorted(states) == ["paused", "running"]
        assert contained.command("unpause", run_id).returncode == 0
        states = [contained.inspect(one)["State"]["Status"] for one in contained.containers()]
        assert states == ["running"] * 2
        child.terminate()
        child.communicate(timeout=30)
    assert child.returncode == 143


def run_in_shell(driver, words, tail):
    """Run a command whose outputs a shell has prepared; its exit code is the shell's."""
    script = f"{' '.join(LOCALRUN)} run -t docker -E image:{driver.image} {words} {tail}; exit ${{PIPESTATUS[0]}}"
    environ = {**os.environ, "LOCALRUN_HOME": driver.home}
    command = ["bash", "-c", script]
    return subprocess.run(command, check=False, cwd=driver.source, env=environ, capture_output=True, timeout=60)


def test_reader_that_goes_away_does_not_end_the_run(contained):
    contained.write("train.py", MANY + "\nsys.exit(0 if rank == '0' else 7)")
    done = run_in_shell(contained, "-n 2 train.py 50000 outputs/sum", "| head -1")
    assert done.returncode == 7
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr.count(b"nobody reads the output any more; the run goes on, and its logs are complete") == 1
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    assert_logs_are_whole(
        contained, [rank["rank"] for rank in contained.record()["ranks"] if rank["exit_code"] in {0, 7}]
    )


@pytest.mark.parametrize("outputs", [">&-", "2>&-", "<&- >&- 2>&-", "> /dev/full 2>&1", "| (exec <&-; sleep 1)"])
def test_closed_and_full_outputs_change_neither_exit_code_nor_logs(contained, outputs):
    contained.write("train.py", "import sys; print('line', flush=True); print('more', file=sys.stderr); sys.exit(3)")
    done = run_in_shell(contained, "train.py", outputs)
    assert done.returncode == 3
    assert b"Traceback" not in done.stderr
    assert sorted(contained.log().split()) == [b"line", b"more"]
    assert contained.record()["exit_code"] == 3


LEAVING = """
import glob, subprocess, time
subprocess.Popen(["sh", "-c", {holder!r}])
while not any(open(name).read() == "sleep\\n" for name in glob.glob("/proc/[0-9]*/comm")):
    time.sleep(0.01)
print("done")
"""


@pytest.mark.parametrize("holder", ["sleep 600", "trap '' TERM INT HUP; sleep 600 & sleep 600"])
def test_grandchild_that_holds_the_log_pipe_is_ended_with_the_run(contained, holder):
    contained.write("train.py", LEAVING.format(holder=holder))
    began = time.monotonic()
    done = contained.run("train.py")
    assert time.monotonic() - began < 40  # not the 600 s of the sleeper
    assert (done.returncode, done.stdout) == (0, b"done\n")
    assert b"the ranks left " in done.stderr
    assert b"sleep" in done.stderr


def test_stop_never_signals_a_process_that_has_the_number_of_a_dead_supervisor(contained):
    with start_waiting(contained) as child:
        (run_id,) = os.listdir(os.path.join(contained.home, "active"))
        entry = os.path.join(contained.home, "active", run_id)
        child.send_signal(signal.SIGSTOP)
        with open(entry, encoding="ascii") as file:
            lines = file.read()
        supervisor = re.search(r"^supervisor (\d+)", lines, re.MULTILINE)
        os.kill(int(supervisor[1]), signal.SIGKILL)
        child.kill()
        child.communicate(timeout=30)
    with subprocess.Popen(["sleep", "600"]) as stranger:
        with open(entry, "w", encoding="ascii") as file:
            file.write(lines.replace(supervisor[0], f"supervisor {stranger.pid}", 1))
        done = contained.command("stop", run_id)
        assert b"is lost" in done.stderr
        assert stranger.poll() is None
        stranger.kill()
    assert contained.containers() == []
    assert contained.record()["status"] == "lost"


def assert_logs_are_whole(driver, ranks):
    """Hold logs against the sums that the ranks of MANY have written."""
    for rank in ranks:
        with open(os.path.join(driver.record()["folder"], "outputs", f"sum{rank}"), encoding="ascii") as file:
            assert hashlib.sha256(driver.log(rank)).hexdigest() == file.read()


def test_a_million_lines_of_8_ranks_are_neither_lost_nor_torn(contained):
    contained.write("train.py", MANY)
    done = contained.run("-n", "8", "train.py", "125000", "outputs/sum", timeout=120)
    assert done.returncode == 0, done.stderr
    shown = {rank: [] for rank in range(8)}
    for line in done.stdout.decode().splitlines():
        shown[int(line[6])].append(line[9:])  # behind `[rank N] `
    for rank in range(8):
        assert shown[rank] == expected_lines(rank, 125_000)
    assert_logs_are_whole(contained, range(8))
    assert {rank["dropped_bytes"] for rank in contained.record()["ranks"]} == {0}


def test_memory_stays_small_whatever_a_rank_prints(contained):
    here = contained.fifo()
    command = f"head -c 500000000 /dev/zero; echo all > {here}; sleep 600"
    words = ("run", "-q", *share(os.path.dirname(here)), "--command", command)
    with contained.start(*words, stdout=subprocess.DEVNULL) as child:
        hear(here, timeout_s=60)
        (supervisor,) = list_descendants(child.pid)[:1]
        peaks = [peak_mebibytes(child.pid), peak_mebibytes(supervisor)]
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=30)
    assert max(peaks) < 100
    assert os.path.getsize(os.path.join(contained.record()["folder"], "user_logs", "std_log.txt")) == 500_000_000


def test_binary_output_is_kept_byte_for_byte_and_escape_sequences_are_shown_by_one_rank_only(contained):
    contained.write("bytes.bin", BYTES)
    done = contained.run("--command", "cat bytes.bin")
    assert done.stdout == contained.log() == BYTES
    done = contained.run("--nodes", "2", "--command", "cat bytes.bin")
    assert contained.log(0) == contained.log(1) == BYTES
    assert b"[rank 1] \\xff\\xfe ok\n" in done.stdout
    assert b"\x1b" not in done.stdout
    assert "\u202e".encode() not in done.stdout


def test_random_bytes_are_kept_as_they_are(contained):
    contained.write("noise.bin", noise := os.urandom(1_000_000))
    done = contained.run("-n", "2", "--command", "cat noise.bin", stdout=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    expected = hashlib.sha256(noise).hexdigest()
    assert [hashlib.sha256(contained.log(rank)).hexdigest() for rank in range(2)] == [expected] * 2


@pytest.mark.parametrize("ranks", [1, 2])
def test_line_of_20_mb_is_kept_whole_and_its_beginning_is_shown(contained, ranks):
    contained.write("train.py", "import os\nfor _ in range(20): os.write(1, b'x' * 1_000_000)")
    done = contained.run("-q", "-n", str(ranks), "train.py")
    assert done.returncode == 0, done.stderr
    for rank in range(ranks):
        assert contained.log(rank if ranks > 1 else None) == b"x" * 20_000_000
    assert (len(done.stdout.rstrip(b"\n")) == 20_000_000) if ranks == 1 else (done.stdout.count(b"x" * 4000) == 2)
    assert ranks == 1 or len(done.stdout) < 20_000


def test_ranks_go_on_when_the_disk_of_their_logs_is_full(on_small_disk):
    on_small_disk.write("train.py", FILL)
    done = on_small_disk.run("-n", "2", "train.py", "4000", "0")
    assert done.returncode == 0, done.stderr
    record = on_small_disk.record()
    assert record["status"] == "completed"
    for rank in range(2):
        assert len(on_small_disk.log(rank)) + record["ranks"][rank]["dropped_bytes"] == 4_000_000
    assert b"bytes of output could not be stored" in done.stderr
    assert b"Traceback" not in done.stderr
    done = on_small_disk.run("train.py", "4000", "9")  # and now it is full from the start
    assert done.returncode in {9, 125}, done.stderr
    assert b"Traceback" not in done.stderr


def test_stopped_front_end_does_not_hold_up_the_ranks(contained, tmp_path):
    contained.write("train.py", MANY + REPORT)
    here = contained.fifo()
    words = ("-n", "2", *share(tmp_path), "train.py", "200000", "outputs/sum", here, "0")
    with contained.start("run", *words) as child:
        wait_for_logs(contained, any)
        child.send_signal(signal.SIGSTOP)
        hear(here, 2)
        child.send_signal(signal.SIGCONT)
        out = child.communicate(timeout=60)[0]
    assert child.returncode == 0
    assert len(out.splitlines()) == 400_000


def test_bytes_are_in_their_file_before_they_are_shown(contained, tmp_path):
    contained.write("train.py", MANY + REPORT)
    here = contained.fifo()
    with contained.start("run", *share(tmp_path), "train.py", "100000", "outputs/sum", here, "600") as child:
        hear(here)  # nobody has read a byte of what is shown
        wait_until(lambda: read_lines_of(contained) == 100_000, 30)
        child.kill()
        child.communicate(timeout=30)
    wait_until(lambda: not contained.containers(), 30)
    wait_until(lambda: contained.record()["status"] != "running", 30)
    assert contained.record()["kind"] == "front_end_lost"
    assert contained.log().count(b"\n") == 100_000


@pytest.mark.parametrize(
    ("words", "said", "kind"),
    [
        (("--network", "localrun-no-such-network"), b"not found; see docker info", b"container_not_started"),
        (("--user", "nobody-of-this-name"), b"unable to find user", b"container_not_started"),
    ],
)
def test_container_that_cannot_be_started_is_told_with_what_to_do(contained, words, said, kind):
    done = contained.run(*words, "--command", "true")
    assert done.returncode == 125
    assert said in done.stderr
    assert done.stderr.splitlines()[-1] == b"kind=" + kind
    assert b"Traceback" not in done.stderr
