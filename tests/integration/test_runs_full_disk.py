"""The disk below the workspace is full: ranks go on, the exit code is theirs, and the record says what is missing."""

from __future__ import annotations

import os
import subprocess

import pytest
from print_kit import FILL
from run_kit import hear


@pytest.fixture
def small_disk(localrun, mounting):
    """Give a function that puts the workspace on a disk of so many KiB."""
    mounted = []

    def mount(size_kib):
        os.makedirs(localrun.home, mode=0o700)
        options = f"size={size_kib}k,mode=0700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", localrun.home], check=True)
        mounted.append(localrun.home)

    yield mount
    localrun.wait_for_processes()
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(path):
    with open(path, "wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(4096))
            except OSError:
                return


def test_ranks_go_on_when_the_disk_of_their_logs_is_full(localrun, small_disk):
    small_disk(3000)
    localrun.write("train.py", FILL)
    done = localrun.run("-n", "2", "train.py", "4000", "0")
    assert done.returncode == 0, done.stderr
    record = localrun.record()
    assert record["status"] == "completed"
    for rank in range(2):
        assert len(localrun.log(rank)) + record["ranks"][rank]["dropped_bytes"] == 4_000_000
    assert sum(rank["dropped_bytes"] for rank in record["ranks"]) > 4_000_000
    assert any("bytes of output could not be stored" in note for note in record["notes"])
    assert b"bytes of output could not be stored" in done.stderr
    assert b"Traceback" not in done.stderr
    listed = localrun.command("ps", "-a")
    assert b"completed" in listed.stdout, listed.stderr


def test_exit_code_of_the_script_is_told_when_the_disk_is_full(localrun, small_disk):
    small_disk(2000)
    localrun.write("train.py", FILL)
    done = localrun.run("train.py", "4000", "9")
    assert done.returncode == 9, done.stderr
    assert (localrun.record()["status"], localrun.record()["exit_code"]) == ("failed", 9)


def test_workspace_without_room_for_a_run_refuses_it_and_leaves_nothing(localrun, small_disk):
    small_disk(200)
    localrun.write("train.py", "print('never')")
    done = localrun.run("train.py")
    assert done.returncode == 125
    assert done.stdout == b""
    assert done.stderr.splitlines()[-1] == b"kind=store_full"
    assert b"Traceback" not in done.stderr
    assert os.listdir(f"{localrun.home}/runs") == []
    assert os.listdir(f"{localrun.home}/active") == []


def test_record_that_cannot_be_closed_is_closed_by_the_next_command(localrun, small_disk):
    small_disk(3000)
    here = localrun.fifo()
    localrun.write(
        "train.py", "import sys; open(sys.argv[1], 'w').write('on\\n'); open(sys.argv[1]).read(); sys.exit(4)"
    )
    with localrun.start("run", "train.py", here) as child:
        hear(here)
        (run_id,) = os.listdir(f"{localrun.home}/runs")
        os.unlink(f"{localrun.home}/runs/{run_id}/room-for-the-record")  # the room that is kept for this, gone too
        blocker = f"{localrun.home}/runs/{run_id}/filler"
        fill(blocker)
        with open(here, "w", encoding="ascii"):
            pass
        _, err = child.communicate(timeout=20)
    assert child.returncode == 125
    assert b"Traceback" not in err
    assert err.splitlines()[-1] == b"kind=store_full"
    assert os.listdir(f"{localrun.home}/active") == [run_id]
    os.unlink(blocker)
    assert b"could not be written when it ended; it is closed now" in localrun.command("ps").stderr
    assert os.listdir(f"{localrun.home}/active") == []
    record = localrun.record()
    assert (record["status"], record["exit_code"], record["origin"]) == ("failed", 4, "script")
    assert localrun.command("wait", run_id).stdout == b"4\n"
