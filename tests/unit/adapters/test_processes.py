from __future__ import annotations

import errno
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


def test_signals_reach_a_process_where_the_system_has_no_pidfds(monkeypatch):
    me = processes.identify(os.getpid())
    monkeypatch.delattr(os, "pidfd_open")
    assert processes.send(me, 0)
    assert processes.send_group(me, 0)
    assert not processes.send(Process(pid=me.pid, start="1"), signal.SIGKILL)
    assert processes.wait_all([me], 0.02) == (me,)


def test_signals_reach_a_process_where_the_kernel_does_not_take_them_by_pidfd(monkeypatch):
    me = processes.identify(os.getpid())

    def refuse(number):
        def send(*arguments):
            raise OSError(number, os.strerror(number))

        return send

    monkeypatch.setattr(signal, "pidfd_send_signal", refuse(errno.EINVAL))
    assert processes.send(me, 0)
    for number in (errno.ESRCH, errno.EPERM):
        monkeypatch.setattr(signal, "pidfd_send_signal", refuse(number))
        assert not processes.send(me, 0)


def test_somebody_else_s_process_is_not_looked_into(refusable):
    first = processes.identify(1)
    assert processes.look_into(first) is None
    me = processes.identify(os.getpid())
    assert processes.look_into(Process(pid=me.pid, start="1")) is None


def test_a_process_is_looked_into():
    variables, folder = processes.look_into(processes.identify(os.getpid()))
    assert folder == os.getcwd()
    assert "PATH" in variables


def test_where_there_is_no_proc_psutil_tells_the_same():
    state, parent, start = processes._asked_status(os.getpid())
    assert (state, parent, float(start) > 0) == ("R", os.getppid(), True)
    assert processes._asked_status(2**22 + 1) == ("", 0, "")
