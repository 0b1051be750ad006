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


def test_an_output_that_is_a_file_is_copied_beside_the_folders(folder, tmp_path):
    (folder / "named-outputs" / "report.txt").write_bytes(b"r")
    copy_outputs(str(folder), str(tmp_path / "to"))
    assert (tmp_path / "to" / "report.txt").read_bytes() == b"r"


def test_a_target_below_the_outputs_is_not_copied_into_itself(folder):
    target = folder / "wd" / "outputs" / "copy"
    copy_outputs(str(folder), str(target))
    assert sorted(os.listdir(target)) == ["deep", "model"]


def test_what_is_neither_file_nor_folder_is_left_out(folder, tmp_path):
    os.mkfifo(folder / "wd" / "outputs" / "pipe")
    copy_outputs(str(folder), str(tmp_path / "to"))
    assert sorted(os.listdir(tmp_path / "to")) == ["deep", "model"]
