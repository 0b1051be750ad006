"""Drives the launcher of containers on this machine, with the shell that a test gives."""

from __future__ import annotations

import os
import select
import subprocess
import time

import localrun.targets
from localrun.targets.docker_script import write_script

LAUNCHER = os.path.join(os.path.dirname(localrun.targets.__file__), "launcher.sh")


class Launched:
    """A launcher at work; a context, which ends it."""

    def __init__(self, folder, starts, *, bootstrap=None, shell=("sh",), env=None):
        self.folder = str(folder)
        os.makedirs(self.folder)
        for name in ("control", "status", *(f"out-{rank}" for rank in range(len(starts)))):
            os.mkfifo(os.path.join(self.folder, name))
        for rank, start in enumerate(starts):
            self._write(f"start-{rank}", start)
        if bootstrap:
            self._write("start-bootstrap", bootstrap)
        self.control = self._open("control", os.O_RDWR)
        self.status = self._open("status", os.O_RDONLY)
        self.outs = {self._open(f"out-{rank}", os.O_RDONLY): rank for rank in range(len(starts))}
        self.keepers = [self._open(f"out-{rank}", os.O_WRONLY) for rank in range(len(starts))]
        self.said = dict.fromkeys(range(len(starts)), b"")
        self.lines = []
        self._rest = b""
        ranks = [str(rank) for rank in range(len(starts))]
        words = (*shell, LAUNCHER, self.folder, "0" if bootstrap else "-", *ranks)
        self.child = subprocess.Popen(words, env=env, stdin=subprocess.DEVNULL, start_new_session=True)

    def _open(self, name, flags):
        return os.open(os.path.join(self.folder, name), flags | os.O_NONBLOCK | os.O_CLOEXEC)

    def _write(self, name, start):
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(write_script(start))

    def tell(self, line):
        os.write(self.control, f"{line}\n".encode())

    def wait_for(self, word, count=1, timeout_s=30):
        """Listen until so many lines that begin with a word have come in; give these, split."""
        end = time.monotonic() + timeout_s
        while len(self.find(word)) < count:
            assert time.monotonic() < end, self.lines
            self.listen()
        return self.find(word)

    def wait_to_hear(self, text, rank=0, timeout_s=30):
        """Listen until a rank has printed something."""
        end = time.monotonic() + timeout_s
        while text not in self.said[rank]:
            assert time.monotonic() < end, (self.lines, self.said)
            self.listen()

    def find(self, word):
        return [line.split() for line in self.lines if line.split()[:1] == [word]]

    def listen(self, wait_ms=200):
        poll = select.poll()
        for source in (self.status, *self.outs):
            poll.register(source, select.POLLIN)
        for source, _ in poll.poll(wait_ms):
            data = os.read(source, 65536)
            if source in self.outs:
                self.said[self.outs[source]] += data
            else:
                *lines, self._rest = (self._rest + data).split(b"\n")
                self.lines += [line.decode() for line in lines]

    def target(self, who):
        return next(line[2] for line in self.find("started") if line[1] == str(who))

    def hear_all(self):
        """Read what the pipes of the ranks still hold."""
        for source, rank in self.outs.items():
            while True:
                try:
                    data = os.read(source, 65536)
                except BlockingIOError:
                    break
                if not data:
                    break
                self.said[rank] += data
        return self.said

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        for descriptor in (self.control, self.status, *self.outs, *self.keepers):
            os.close(descriptor)
