"""What is remembered of files that were found sound."""

from __future__ import annotations

import os

import pytest

from localrun.adapters.unchanged import describe_files, is_noted, write_note


@pytest.fixture
def folder(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text("text of a file")
    return tmp_path


def test_what_has_not_changed_is_known(folder):
    note = str(folder / "notes" / "one")
    found = describe_files(str(folder), ("a", "b"))
    assert not is_noted(note, found)
    write_note(note, found)
    assert is_noted(note, describe_files(str(folder), ("a", "b")))


def test_a_change_shows_although_size_and_time_are_put_back(folder):
    found = describe_files(str(folder), ("a", "b"))
    before = os.stat(folder / "b")
    (folder / "b").write_text("test of a file")
    os.utime(folder / "b", ns=(before.st_atime_ns, before.st_mtime_ns))
    after = os.stat(folder / "b")
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert describe_files(str(folder), ("a", "b")) != found


def test_a_file_in_the_place_of_another_shows(folder):
    found = describe_files(str(folder), ("a", "b"))
    (folder / "c").write_text("test of a file")
    os.replace(folder / "c", folder / "b")
    assert describe_files(str(folder), ("a", "b")) != found


def test_a_file_that_is_missing_is_never_known(folder):
    note = str(folder / "note")
    write_note(note, "")
    assert describe_files(str(folder), ("a", "missing")) == ""
    assert describe_files(str(folder), ("a", "\0")) == ""
    assert not is_noted(note, "")


def test_half_a_note_and_one_that_cannot_be_written_are_none(folder):
    found = describe_files(str(folder), ("a",))
    (folder / "note").write_text(found[:30])
    assert not is_noted(str(folder / "note"), found)
    write_note(str(folder / "a" / "note"), found)
    assert not is_noted(str(folder / "a" / "note"), found)
