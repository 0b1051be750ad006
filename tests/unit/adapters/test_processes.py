from __future__ import annotations

import os
import signal

import psutil

from localrun.adapters import processes
from localrun.adapters.processes import Process


def test_process_is_known_by_pid_and_start():
    me = processes.identify(os.getpid())
    assert me.pid == os.getpid()
    assert processes.is_alive(me)
    assert not processes.is_alive(Process(pid=me.pid, start="1"))


def test_there_is_no_process_with_an_impossible_pid():
    assert processes.identify(2**22 + 1) is None
    assert not processes.send(Process(pid=2**22 + 1, start="1"), signal.SIGKILL)
    assert not processes.send_group(Process(pid=2**22 + 1, start="1"), signal.SIGKILL)


def test_signal_0_reaches_the_process_that_is_meant_and_no_other():
    me = processes.identify(os.getpid())
    assert processes.send(me, 0)
    assert not processes.send(Process(pid=me.pid, start=me.start + "0"), signal.SIGKILL)


def test_boot_has_an_id_that_stays():
    assert processes.boot_id() == processes.boot_id() != ""


def test_descendants_leave_the_caller_out_and_dead_processes_too():
    me = processes.identify(os.getpid())
    assert me not in processes.descendants([me, Process(pid=1, start="never")])


def test_tagged_leaves_the_caller_out():
    name, text = next(iter(psutil.Process().environ().items()))
    assert processes.identify(os.getpid()) not in processes.tagged(name, text)


def test_waiting_for_a_living_process_ends_with_the_timeout():
    me = processes.identify(os.getpid())
    assert processes.wait_all([me, Process(pid=me.pid, start="1")], 0.02) == (me,)
