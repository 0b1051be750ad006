"""How runs in containers end: by a rank that fails, by a signal, a time limit, for want of memory; and what is left."""

from __future__ import annotations

import os
import signal
import time

import pytest
from contained_kit import Contained, use
from run_kit import hear


@pytest.fixture
def contained(own_workspace, tmp_path, engine, python_image):
    yield from use(Contained(own_workspace, tmp_path / "source", engine, python_image))


def test_failing_rank_ends_the_others_and_is_named(contained):
    contained.write(
        "fail.py",
        "import os, sys, time; os.environ['RANK'] == '3' and sys.exit('no luck'); time.sleep(600)",
    )
    began = time.monotonic()
    done = contained.run("--nodes", "2", "-n", "2", "fail.py")
    assert time.monotonic() - began < 40
    assert done.returncode == 1
    assert b"rank 3 (node 1) ended with exit code 1" in done.stderr
    assert b"no luck" in done.stderr
    assert [rank["status"] for rank in contained.record()["ranks"]] == ["stopped"] * 3 + ["failed"]


@pytest.mark.parametrize(
    ("number", "told", "code", "kind"),
    [
        (signal.SIGINT, signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, signal.SIGTERM, 143, "terminated"),
        (signal.SIGHUP, signal.SIGTERM, 129, "hung_up"),
    ],
)
def test_signal_to_localrun_reaches_the_ranks_and_ends_the_containers(contained, number, told, code, kind):
    here = contained.fifo()
    contained.write(
        "wait.py",
        f"""if True:
        import os, signal, sys, time
        def end(number, frame):
            print("told", number, flush=True)
            sys.exit(9)
        for number in (2, 15):
            signal.signal(number, end)
        open({here!r}, "w").write("on\\n")
        time.sleep(600)
        """,
    )
    folder = os.path.dirname(here)
    with contained.start("run", "--nodes", "2", "-v", f"{folder}:{folder}", "wait.py") as child:
        hear(here, 2)
        child.send_signal(number)
        err = child.communicate(timeout=30)[1]
    assert child.returncode == code, err
    record = contained.record()
    assert (record["status"], record["kind"]) == ("canceled", kind)
    assert [contained.log(rank) for rank in range(2)] == [f"told {int(told)}\n".encode()] * 2


def test_ranks_that_ignore_every_signal_are_killed_at_the_stop_timeout(contained):
    here = contained.fifo()
    contained.write(
        "stay.py",
        f"""if True:
        import os, signal, time
        for number in (2, 15):
            signal.signal(number, signal.SIG_IGN)
        open({here!r}, "w").write("on\\n")
        time.sleep(600)
        """,
    )
    folder = os.path.dirname(here)
    with contained.start("run", "--stop-timeout", "1", "-v", f"{folder}:{folder}", "stay.py") as child:
        hear(here)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=30)
    assert child.returncode == 130
    assert contained.record()["ranks"][0]["exit_code"] == 137


def test_time_limit_ends_the_containers(contained):
    done = contained.run("-n", "2", "--timeout", "0.5", "--command", "sleep 600")
    assert done.returncode == 124
    assert done.stderr.splitlines()[-1] == b"kind=time_limit"
    assert contained.record()["status"] == "canceled"
    assert {rank["status"] for rank in contained.record()["ranks"]} == {"stopped"}


@pytest.mark.parametrize("how", ["sleep 600 &", "setsid sleep 600 &", "(setsid sh -c 'sleep 600 & exit' &);"])
def test_what_ranks_leave_behind_is_named_and_ended(contained, how):
    done = contained.run("--command", f"exec 3>&1 >/dev/null 2>&1; {how} sleep 0.1; echo over >&3")
    assert (done.returncode, done.stdout) == (0, b"over\n")
    assert b"the ranks left 1 running process" in done.stderr
    assert b"(sleep)" in done.stderr


def test_memory_limit_is_named_when_it_ends_a_rank(contained):
    contained.write("eat.py", "import time; time.sleep(0.2); x = bytearray(400 << 20)")
    done = contained.run("--memory", "64m", "eat.py")
    assert done.returncode == 137
    assert b"ran out of memory" in done.stderr
    assert b"64 MiB" in done.stderr
    assert contained.record()["first_failure"]["reason"] == "out_of_memory"
