"""What every test gets: a workspace of its own, bytecode as users have it, and no settings of the machine."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def own_workspace(tmp_path, monkeypatch):
    home = tmp_path / "localrun-home"
    monkeypatch.setenv("LOCALRUN_HOME", str(home))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    return home


@pytest.fixture
def mounting():
    """Let a test mount a file system: root may; others do without the test, but never on CI."""
    if os.geteuid() != 0 and not os.environ.get("CI"):
        pytest.skip("only root can mount a small or read-only disk")
