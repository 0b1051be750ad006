"""What the tests of runs share: a driver of the command line, and how to wait for what ranks do."""

from __future__ import annotations

import glob
import json
import os
import signal
import subprocess
import sys
import time

from localrun.workspace import active

LOCALRUN = [sys.executable, "-m", "localrun"]
FAMILY = """
import os, subprocess, sys, time
subprocess.Popen(["sleep", "600"])
subprocess.Popen(["sh", "-c", "sleep 600 & sleep 600"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "600"])
    os._exit(0)
os.wait()
open(sys.argv[1], "w").write(f"{os.getpid()}\\n")
time.sleep(600)
"""
"""A script with descendants in groups and sessions of their own; it writes its pid to where it is told."""


def finish(child, timeout):
    """Wait for the end of a child and give its exit code, its output and its errors; it does not outlive the test."""
    with child:
        try:
            out, err = child.communicate(timeout=timeout)
        except BaseException:
            child.kill()
            raise
    return subprocess.CompletedProcess(child.args, child.returncode, out, err)


class Child(subprocess.Popen):
    """A command that does not outlive a test that fails while it runs, as a script that sleeps for long would."""

    def __exit__(self, kind, value, traceback):
        if kind:
            self.kill()
        super().__exit__(kind, value, traceback)


class Driver:
    """Runs `localrun` commands in a source folder."""

    def __init__(self, home, source):
        self.home = str(home)
        self.source = str(source)
        os.makedirs(self.source)

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.source, name)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, mode)
        return path

    def start(self, *words, env=None, **options):
        environ = {**os.environ, "LOCALRUN_HOME": self.home, **(env or {})}
        options = {"cwd": self.source, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return Child([*LOCALRUN, *words], env=environ, **options)

    def command(self, *words, timeout=60, **options):
        return finish(self.start(*words, **options), timeout)

    def run(self, *words, **options):
        return self.command("run", *words, **options)

    def records(self):
        """Give the records on disk, oldest first."""
        paths = glob.glob(os.path.join(self.home, "runs", "*", "run.json"))
        found = []
        for path in paths:
            with open(path, encoding="utf-8") as file:
                found.append(json.load(file))
        return sorted(found, key=lambda record: record["started_at"])

    def record(self):
        return self.records()[-1]

    def log(self, rank=None, record=None):
        name = "std_log.txt" if rank is None else f"std_log_process_{rank}.txt"
        with open(os.path.join((record or self.record())["folder"], "user_logs", name), "rb") as file:
            return file.read()

    def processes(self):
        """Give the living processes that descend from a command of this driver, by their environment."""
        mark = f"LOCALRUN_HOME={self.home}".encode()
        found = []
        for name in os.listdir("/proc"):
            if not name.isdigit() or int(name) == os.getpid():
                continue
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    ours = mark in file.read().split(b"\0")
                with open(f"/proc/{name}/stat", "rb") as file:
                    dead = file.read().rpartition(b")")[2].split()[0] in {b"Z", b"X"}
            except OSError:
                continue
            if ours and not dead:
                found.append(int(name))
        return found

    def wait_for_processes(self, count=0, timeout_s=10.0):
        """Wait until so many are left; give those that are."""
        wait_until(lambda: len(self.processes()) <= count, timeout_s, fail=False, every_s=0.05)
        return self.processes()

    def read(self, name, timeout_s=20):
        """Wait for a file that a rank writes in one go, and give its words."""
        path = os.path.join(self.source, name)
        wait_until(lambda: os.path.exists(path) and os.path.getsize(path), timeout_s)
        with open(path, encoding="utf-8") as file:
            return file.read().split()

    def fifo(self, name="here"):
        """Make a fifo that ranks report to; `hear` reads from it."""
        path = os.path.join(os.path.dirname(self.source), name)
        os.mkfifo(path)
        return path


def hear(fifo, count=1, timeout_s=30):
    """Give `count` lines that ranks have written to a fifo: they are where they said."""
    lines = []
    with open(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK), "rb", closefd=True, buffering=0) as file:
        rest = b""
        end = time.monotonic() + timeout_s
        while len(lines) < count:
            assert time.monotonic() < end, (lines, rest)
            rest += file.read(4096) or b""
            *more, rest = rest.split(b"\n")
            lines += [line.decode() for line in more]
            time.sleep(0.005)
    return lines


def wait_until(true, timeout_s=30.0, *, fail=True, every_s=0.01):
    """Call a function until it gives something true, and give that."""
    end = time.monotonic() + timeout_s
    while not (found := true()):
        if time.monotonic() > end:
            assert not fail, "it did not happen in time"
            break
        time.sleep(every_s)
    return found


def end_of(record):
    return record["status"], record["exit_code"], record["origin"], record["kind"]


def kill_supervisor(localrun):
    (run_id,) = active.names(localrun.home)
    supervisor = active.read(localrun.home, run_id).supervisor
    os.kill(supervisor.pid, signal.SIGKILL)
    return run_id
