"""The real command line on a workspace of the test's own; nothing that it starts outlives the test."""

from __future__ import annotations

import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from run_kit import Driver


@pytest.fixture
def localrun(own_workspace, tmp_path):
    driver = Driver(own_workspace, tmp_path / "source")
    yield driver
    left = driver.wait_for_processes()
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left
