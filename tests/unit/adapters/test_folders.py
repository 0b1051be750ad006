from __future__ import annotations

import errno
import os

import pytest

from localrun.adapters.folders import explain, read_folder, write_file, write_folder
from localrun.errors import BadInput, StoreFailed


def names(folder):
    return sorted(os.listdir(folder))


def test_owned_files_that_are_not_written_are_removed(tmp_path):
    path = str(tmp_path / "a" / "b")
    write_folder(path, {"x": b"1", "y": b"2"}, owned=("x", "y"))
    (tmp_path / "a" / "b" / "z").write_text("mine")
    write_folder(path, {"x": b"3"}, owned=("x", "y"), overwrite=True)
    assert names(path) == ["x", "z"]
    assert read_folder(path, ("x", "y")) == {"x": b"3"}


def test_nothing_is_left_of_a_folder_that_cannot_be_filled(tmp_path):
    with pytest.raises(StoreFailed, match="File name too long"):
        write_folder(str(tmp_path / "d"), {"a": b"1", "n" * 300: b"2"})
    assert names(tmp_path) == []


def test_what_was_there_stays_when_writing_fails(tmp_path):
    write_folder(str(tmp_path / "d"), {"a": b"old"})
    with pytest.raises(StoreFailed):
        write_folder(str(tmp_path / "d"), {"a": b"new", "n" * 300: b"2"}, overwrite=True)
    assert names(tmp_path / "d") == ["a"]
    assert (tmp_path / "d" / "a").read_bytes() == b"old"


def test_names_that_cannot_be_are_refused(tmp_path):
    with pytest.raises(BadInput, match="cannot be the name of a file"):
        write_folder("a\0b", {})
    with pytest.raises(StoreFailed):
        write_file(str(tmp_path / "no" / "x"), b"")


def test_a_full_disk_has_its_own_kind():
    assert explain(OSError(errno.ENOSPC, "No space left on device"), "/x").code == "store_full"
    assert explain(OSError(errno.EROFS, "Read-only file system"), "/x").code == "store_read_only"


def test_a_link_to_nothing_is_named(tmp_path):
    (tmp_path / "x").symlink_to("nowhere")
    with pytest.raises(BadInput, match="there is no file"):
        read_folder(str(tmp_path), ("x",))
