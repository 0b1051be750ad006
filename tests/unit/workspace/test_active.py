from __future__ import annotations

import os
import stat

from localrun.adapters.processes import Process
from localrun.workspace import active


def test_claimed_entry_is_live_until_released(tmp_path):
    home = str(tmp_path)
    descriptor = active.claim(home, "r_1_0")
    assert active.names(home) == ["r_1_0"]
    assert active.is_live(home, "r_1_0")
    assert active.take(home, "r_1_0") is None
    active.release(home, "r_1_0", descriptor)
    assert active.names(home) == []
    assert not active.is_live(home, "r_1_0")


def test_entry_of_a_dead_supervisor_can_be_taken_once(tmp_path):
    home = str(tmp_path)
    os.close(active.claim(home, "r_1_0"))
    assert not active.is_live(home, "r_1_0")
    taken = active.take(home, "r_1_0")
    assert taken is not None
    assert active.take(home, "r_1_0") is None
    active.release(home, "r_1_0", taken)
    assert active.take(home, "r_1_0") is None


def test_entry_says_what_was_noted_and_leaves_out_a_torn_line(tmp_path):
    home = str(tmp_path)
    descriptor = active.claim(home, "r_1_0")
    active.note(descriptor, ["boot b-1", "supervisor 10 100", "front 9 90"])
    active.note(descriptor, ["rank 1 12 120", "rank 0 11 110", "something new"])
    os.write(descriptor, b"rank 2 13 13")
    entry = active.read(home, "r_1_0")
    assert entry == active.Entry(
        run_id="r_1_0",
        boot="b-1",
        supervisor=Process(pid=10, start="100"),
        front=Process(pid=9, start="90"),
        ranks=((0, Process(pid=11, start="110")), (1, Process(pid=12, start="120"))),
    )
    assert active.entries(home) == (entry,)
    active.release(home, "r_1_0", descriptor)


def test_entry_is_0600_under_umask_0_and_not_inherited(tmp_path):
    old = os.umask(0)
    try:
        descriptor = active.claim(str(tmp_path), "r_1_0")
    finally:
        os.umask(old)
    assert stat.S_IMODE(os.fstat(descriptor).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "active").st_mode) == 0o700
    assert not os.get_inheritable(descriptor)
    active.release(str(tmp_path), "r_1_0", descriptor)


def test_garbage_entry_says_nothing(tmp_path):
    (tmp_path / "active").mkdir()
    (tmp_path / "active" / "r").write_bytes(b"\xff\x00 rank x y z\nrank 1\nsupervisor a b\n")
    assert active.read(str(tmp_path), "r") == active.Entry(run_id="r")
    assert active.read(str(tmp_path), "none") == active.Entry(run_id="none")
