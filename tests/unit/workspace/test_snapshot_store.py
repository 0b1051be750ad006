"""Snapshots by content: kept once, read again, removed when nobody needs them."""

from __future__ import annotations

import os

import pytest

from localrun.errors import BadInput, StoreFailed
from localrun.plan import SourcePlan
from localrun.workspace import snapshot_store
from localrun.workspace.snapshot import copy_entries, list_source
from localrun.workspace.snapshot_objects import CHUNK_BYTES, list_objects, locate_object, store_bytes
from localrun.workspace.snapshot_store import (
    Kept,
    collect,
    keep_snapshot,
    list_kept,
    read_kept,
    read_reference,
)

OLD = 1_700_000_000


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    (folder / "deep").mkdir(parents=True)
    (folder / "train.py").write_text("print(1)")
    (folder / "deep" / "same").write_text("print(1)")
    (folder / "deep" / "run.sh").write_text("exit 0")
    (folder / "deep" / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("deep/same")
    for name in ("train.py", "deep/same", "deep/run.sh"):
        os.utime(folder / name, (OLD, OLD))
    return str(folder)


def take(tmp_path, source, run):
    home, folder = str(tmp_path / "home"), tmp_path / "home" / "runs" / run
    folder.mkdir(parents=True)
    entries = list_source(SourcePlan(directory=source), home=home)
    return entries, keep_snapshot(home, str(folder), source, entries), home, str(folder)


def count(home):
    return len(list(list_objects(home)))


def test_equal_contents_are_kept_once_and_an_unchanged_source_adds_nothing(tmp_path, source):
    _, _, home, first = take(tmp_path, source, "a")
    assert count(home) == 3  # two contents and the list
    _, _, _, second = take(tmp_path, source, "b")
    assert count(home) == 3
    assert read_reference(first) == read_reference(second) != ""


def test_unchanged_files_are_not_read_again(tmp_path, source, monkeypatch):
    monkeypatch.setattr(snapshot_store, "JUST_WRITTEN_NS", -(10**18))  # the files of this test were written just now
    take(tmp_path, source, "a")
    read = []
    monkeypatch.setattr(snapshot_store, "store_file", lambda *arguments: read.append(arguments))
    take(tmp_path, source, "b")
    assert read == []


def test_file_that_was_written_just_now_is_read_again(tmp_path, source):
    take(tmp_path, source, "a")
    path = os.path.join(source, "train.py")
    state = os.stat(path)
    with open(path, "r+", encoding="ascii") as file:
        file.write("print(2)")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    entries, kept, home, _ = take(tmp_path, source, "b")
    assert read_kept(home, entry_of(entries, kept, "train.py")) == b"print(2)"


def entry_of(entries, kept, path):
    from localrun.values import replace

    return replace(next(entry for entry in entries if entry.path == path), digest=kept.hashes[path])


def test_changed_file_adds_itself_and_a_list(tmp_path, source):
    _, _, home, first = take(tmp_path, source, "a")
    with open(os.path.join(source, "train.py"), "w", encoding="ascii") as file:
        file.write("print(22)")
    _, _, _, second = take(tmp_path, source, "b")
    assert count(home) == 5
    contents = [{item.path: read_kept(home, item) for item in list_kept(home, folder)} for folder in (first, second)]
    assert contents[0]["train.py"] == contents[1]["deep/same"] == b"print(1)"
    assert contents[1]["train.py"] == b"print(22)"


def restore(home, folder, target):
    """Do what the run of a rerun does."""
    entries = list_source(SourcePlan(snapshot=read_reference(folder)), home=home)
    target.mkdir()
    kept = Kept(home=home, hashes={entry.path: entry.digest for entry in entries})
    copy_entries("", entries, str(target), kept=kept)


def test_snapshot_is_restored_with_modes_times_and_links(tmp_path, source):
    _, _, home, folder = take(tmp_path, source, "a")
    again = tmp_path / "again"
    restore(home, folder, again)
    assert (again / "deep" / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (again / "train.py").stat().st_mtime == OLD
    assert (os.readlink(again / "link"), (again / "link").read_text()) == ("deep/same", "print(1)")


def test_file_that_changes_after_it_was_kept_is_taken_from_the_store(tmp_path, source):
    entries, kept, _, _ = take(tmp_path, source, "a")
    with open(os.path.join(source, "train.py"), "w", encoding="ascii") as file:
        file.write("changed meanwhile")
    os.unlink(os.path.join(source, "deep", "run.sh"))
    (tmp_path / "wd").mkdir()
    copy_entries(source, entries, str(tmp_path / "wd"), kept=kept)
    assert (tmp_path / "wd" / "train.py").read_text() == "print(1)"
    assert (tmp_path / "wd" / "deep" / "run.sh").read_text() == "exit 0"


@pytest.mark.parametrize("damage", ["cut", "other", "gone"])
def test_damaged_object_is_told_and_made_good_by_the_next_snapshot(tmp_path, source, damage):
    entries, kept, home, folder = take(tmp_path, source, "a")
    path = locate_object(home, kept.hashes["train.py"])
    if damage == "gone":
        os.unlink(path)
    else:
        with open(path, "wb") as file:
            file.write(b"" if damage == "cut" else b"print(9)")
    with pytest.raises(StoreFailed):
        restore(home, folder, tmp_path / "again")
    take(tmp_path, source, "b")  # its files are too new to be remembered
    assert read_kept(home, entry_of(entries, kept, "train.py")) == b"print(1)"


def test_large_file_with_a_hole_keeps_it(tmp_path, source):
    with open(os.path.join(source, "huge"), "wb") as file:
        file.seek(100 << 20)
        file.write(b"middle")
        file.truncate(200 << 20)
    _, kept, home, folder = take(tmp_path, source, "a")
    state = os.stat(locate_object(home, kept.hashes["huge"]))
    assert (state.st_size, state.st_blocks < 10_000) == (200 << 20, True)
    restore(home, folder, tmp_path / "again")
    with open(tmp_path / "again" / "huge", "rb") as file:
        file.seek(100 << 20)
        assert file.read(7) == b"middle\0"


def test_name_that_is_no_text_is_kept(tmp_path, source):
    name = os.path.join(os.fsencode(source), b"odd\xff\n")
    with open(name, "wb") as file:
        file.write(b"odd")
    _, _, home, folder = take(tmp_path, source, "a")
    restore(home, folder, tmp_path / "again")
    with open(os.path.join(os.fsencode(tmp_path), b"again", b"odd\xff\n"), "rb") as file:
        assert file.read() == b"odd"


def test_what_no_run_needs_is_collected_and_what_one_needs_stays(tmp_path, source):
    _, _, home, first = take(tmp_path, source, "a")
    with open(os.path.join(source, "train.py"), "w", encoding="ascii") as file:
        file.write("print(22)")
    _, _, _, second = take(tmp_path, source, "b")
    with open(os.path.join(home, "snapshots", "objects", "77.new"), "wb") as file:
        file.write(b"of one that was killed")
    assert collect(home) == len("of one that was killed")
    for name in os.listdir(second):
        os.unlink(os.path.join(second, name))
    os.rmdir(second)
    assert collect(home) > 0
    assert count(home) == 3
    assert list_kept(home, first)
    _, _, _, third = take(tmp_path, source, "c")  # what was known of removed objects counts for nothing
    assert {item.path: read_kept(home, item) for item in list_kept(home, third)}["train.py"] == b"print(22)"


def test_list_that_leads_out_is_refused(tmp_path):
    home = str(tmp_path / "home")
    digest = store_bytes(home, b'[["../x","file",1,420,1,"aa"]]')
    with pytest.raises(StoreFailed):
        snapshot_store.read_manifest(home, digest)


def test_empty_source_has_a_snapshot_too(tmp_path):
    (tmp_path / "none").mkdir()
    for run in ("a", "b"):
        _, _, home, folder = take(tmp_path, str(tmp_path / "none"), run)
        assert list_kept(home, folder) == ()


def test_list_whose_content_is_another_is_refused_and_what_it_needs_stays_unknown(tmp_path, source):
    _, _, home, folder = take(tmp_path, source, "a")
    path = locate_object(home, read_reference(folder))
    with open(path, "wb") as file:
        file.write(b"[]")
    with pytest.raises(StoreFailed, match="is not what its name says"):
        list_kept(home, folder)
    with pytest.raises(StoreFailed):
        collect(home)
    os.unlink(path)
    assert collect(home) > 0  # of a run whose list is gone nothing can be read any more


def test_file_that_cannot_be_read_is_named(tmp_path, source):
    entries = list_source(SourcePlan(directory=source))
    os.unlink(os.path.join(source, "deep", "same"))
    (tmp_path / "run").mkdir()
    with pytest.raises(BadInput, match="deep/same of the source cannot be copied"):
        keep_snapshot(str(tmp_path / "home"), str(tmp_path / "run"), source, entries)


def test_link_that_leads_out_and_back_leads_into_the_copy(tmp_path, source):
    folder = os.path.join(source, "deep")
    os.symlink(os.path.join(source, "train.py"), os.path.join(folder, "absolute"))
    os.symlink(os.path.join("..", "..", "source", "train.py"), os.path.join(folder, "back"))
    _, _, home, run = take(tmp_path, source, "a")
    kept = {entry.path: entry.digest for entry in list_kept(home, run)}
    assert (kept["deep/absolute"], kept["deep/back"], kept["link"]) == ("../train.py", "../train.py", "deep/same")


def test_parts_that_are_zeros_count_as_holes(tmp_path, source):
    size = 3 * CHUNK_BYTES + 5
    for name, write in (("written", True), ("sparse", False)):
        with open(os.path.join(source, name), "wb") as file:
            if write:
                file.write(bytes(size))
            file.truncate(size)
            file.seek(CHUNK_BYTES)
            file.write(b"x")
    _, _, home, run = take(tmp_path, source, "a")
    kept = {entry.path: entry for entry in list_kept(home, run)}
    assert kept["written"].digest == kept["sparse"].digest
    assert len(read_kept(home, kept["written"])) == size
