"""Ports are reserved for one run at a time, and never one that somebody listens on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from localrun.adapters import ports
from localrun.errors import LocalrunError, StoreFailed

RESERVE = """
import sys
from localrun.adapters.ports import reserve_port
held = [reserve_port(sys.argv[1]) for _ in range(50)]
print(*[port for port, _ in held], flush=True)
sys.stdin.read()
"""


def test_200_reservations_at_once_are_200_ports(tmp_path):
    children = [
        subprocess.Popen([sys.executable, "-c", RESERVE, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    found = [port for child in children for port in child.stdout.readline().split()]
    for child in children:
        child.communicate()
    assert len(set(found)) == 200


def test_port_with_a_listener_is_not_free():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        assert not ports.is_free(listener.getsockname()[1])


def test_port_is_free_again_when_its_run_has_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(ports, "LAST", ports.FIRST)
    port, hold = ports.reserve_port(str(tmp_path))
    with pytest.raises(LocalrunError, match="no port between"):
        ports.reserve_port(str(tmp_path))
    os.close(hold)
    again, hold = ports.reserve_port(str(tmp_path))
    assert again == port
    os.close(hold)


def test_folder_that_cannot_be_used_is_an_error_of_the_store(tmp_path):
    (tmp_path / "ports").write_text("a file")
    with pytest.raises(StoreFailed, match="no port can be reserved"):
        ports.reserve_port(str(tmp_path))
