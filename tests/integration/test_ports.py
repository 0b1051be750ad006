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
from localrun.adapters.ports import reserve_ports
held = [reserve_ports(sys.argv[1]) for _ in range(50)]
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
    port, holds = ports.reserve_ports(str(tmp_path))
    with pytest.raises(LocalrunError, match="no port between"):
        ports.reserve_ports(str(tmp_path))
    os.close(*holds)
    again, holds = ports.reserve_ports(str(tmp_path))
    assert again == port
    os.close(*holds)


def test_ports_in_a_row_are_all_free_and_all_held(tmp_path):
    port, holds = ports.reserve_ports(str(tmp_path), 5)
    assert len(holds) == 5
    assert all(ports.is_free(port + number) for number in range(5))
    for hold in holds:
        os.close(hold)


def test_more_ports_than_there_are_is_refused(tmp_path):
    with pytest.raises(LocalrunError, match="no row of 20000 ports"):
        ports.reserve_ports(str(tmp_path), 20_000)


def test_folder_that_cannot_be_used_is_an_error_of_the_store(tmp_path):
    (tmp_path / "ports").write_text("a file")
    with pytest.raises(StoreFailed, match="no port can be reserved"):
        ports.reserve_ports(str(tmp_path))
