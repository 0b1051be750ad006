"""What every test gets: a workspace of its own, bytecode as users have it, and no settings of the machine."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_workspace(tmp_path, monkeypatch):
    home = tmp_path / "localrun-home"
    monkeypatch.setenv("LOCALRUN_HOME", str(home))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    return home
