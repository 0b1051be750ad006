"""Unit tests spawn no process and open no socket."""

from __future__ import annotations

import importlib
import os
import socket
import subprocess
import tempfile

import pytest

NOBODY = 65534


@pytest.fixture
def refusable():
    """Give a folder of the user that the test is while it runs: one whom the system refuses what root may do."""
    for name in ("ahocorasick_rs", "localrun.workspace.contained"):
        importlib.import_module(name)  # what such a test loads late: in a checkout in root's home that user could not
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() != 0:
            yield folder
            return
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            os.seteuid(0)


@pytest.fixture(autouse=True)
def no_side_doors(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a unit test may not spawn a process or open a socket")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(os, "fork", refuse)
    monkeypatch.setattr(os, "posix_spawn", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "bind", refuse)
