from __future__ import annotations

import os

from localrun.supervise.room import BYTES, NAME, free_room, keep_room


def test_room_is_really_taken_until_it_is_freed(tmp_path):
    keep_room(str(tmp_path))
    assert os.stat(tmp_path / NAME).st_blocks * 512 >= BYTES
    free_room(str(tmp_path))
    free_room(str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_system_that_cannot_set_room_aside_gets_it_written(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate")
    keep_room(str(tmp_path))
    assert os.stat(tmp_path / NAME).st_size == BYTES
