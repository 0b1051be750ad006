"""Outputs are handed out whole, links as links, or not at all."""

from __future__ import annotations

import os

import pytest

from localrun.workspace.outputs import copy_outputs


@pytest.fixture
def folder(tmp_path):
    run = tmp_path / "run"
    (run / "wd" / "outputs" / "deep").mkdir(parents=True)
    (run / "named-outputs" / "model").mkdir(parents=True)
    (run / "wd" / "outputs" / "deep" / "a").write_bytes(b"a")
    (run / "named-outputs" / "model" / "weights").write_bytes(b"w")
    os.symlink("wd/outputs", run / "outputs")
    return run


def test_outputs_and_named_outputs_are_copied_and_links_stay_links(folder, tmp_path):
    os.symlink("../../../secret", folder / "wd" / "outputs" / "out")
    copy_outputs(str(folder), str(tmp_path / "to"))
    assert (tmp_path / "to" / "deep" / "a").read_bytes() == b"a"
    assert (tmp_path / "to" / "model" / "weights").read_bytes() == b"w"
    assert os.readlink(tmp_path / "to" / "out") == "../../../secret"


def test_without_room_for_all_nothing_is_copied(folder, tmp_path, monkeypatch):
    room = os.statvfs(tmp_path)
    full = os.statvfs_result((*room[:4], 0, *room[5:]))
    monkeypatch.setattr(os, "statvfs", lambda path: full)
    with pytest.raises(OSError, match="No space left"):
        copy_outputs(str(folder), str(tmp_path / "to"))
    assert os.listdir(tmp_path / "to") == []
