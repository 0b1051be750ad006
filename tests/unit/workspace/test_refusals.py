"""What the system refuses is told with the place and what to do, whichever part of the workspace asked for it."""

from __future__ import annotations

import errno
import fcntl
import os
import stat

import pytest

from localrun.errors import StoreFailed
from localrun.workspace import active, database, locks, records, registry, registry_file, run_files, sqlite_file
from localrun.workspace.home import make_folder, open_home
from localrun.workspace.snapshot_objects import open_object
from localrun.workspace.snapshot_store import collect, find_needed, read_manifest

DIGEST = "0" * 64


def refused(path, work):
    """Give the refusal, which names the path."""
    with pytest.raises(StoreFailed) as caught:
        work()
    assert str(path) in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.fixture
def home(tmp_path):
    return str(tmp_path / "home")


def put_file(*parts):
    """Put a file where a folder belongs."""
    path = os.path.join(*parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb"):
        pass
    return path


def put_folder(*parts):
    """Put a folder where a file belongs."""
    path = os.path.join(*parts)
    os.makedirs(path)
    return path


def test_a_workspace_below_a_file(tmp_path):
    path = os.path.join(put_file(tmp_path, "file"), "home")
    assert refused(path, lambda: open_home({"LOCALRUN_HOME": path})).code == "store_corrupt"


def test_a_folder_below_a_file(tmp_path):
    path = os.path.join(put_file(tmp_path, "file"), "below")
    refused(path, lambda: make_folder(path))


def test_a_record_over_a_folder_leaves_nothing_half_written(tmp_path):
    path = put_folder(tmp_path, "run.json")
    refused(path, lambda: run_files.write_whole(path, b"{}"))
    assert os.listdir(tmp_path) == ["run.json"]


def test_a_record_that_is_a_folder(tmp_path):
    path = put_folder(tmp_path, "run.json")
    refused(path, lambda: run_files.read_folder(str(tmp_path)))


def test_an_entry_of_a_live_run_where_its_folder_is_a_file(home):
    put_file(home, "active")
    refused(os.path.join(home, "active", "r_1_0"), lambda: active.claim(home, "r_1_0"))


def test_a_note_of_a_live_run_on_a_full_disk():
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(StoreFailed, match="the entry of the live run") as caught:
            active.note(descriptor, ["boot 1"])
    finally:
        os.close(descriptor)
    assert caught.value.code == "store_full"


def test_an_entry_that_was_removed_by_hand_is_released_all_the_same(home):
    descriptor = active.claim(home, "r_1_0")
    os.unlink(os.path.join(home, "active", "r_1_0"))
    active.release(home, "r_1_0", descriptor)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def refuse_locks(monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_a_shared_lock_on_a_file_system_without_locks(tmp_path, monkeypatch):
    refuse_locks(monkeypatch)
    before = os.listdir("/dev/fd")
    path = str(tmp_path / "e.lock")
    assert refused(path, lambda: locks.hold_shared(path)).code == "store_locks"
    assert os.listdir("/dev/fd") == before


def test_an_exclusive_lock_on_a_file_system_without_locks(tmp_path, monkeypatch):
    refuse_locks(monkeypatch)
    path = str(tmp_path / "e.lock")
    lock = locks.exclusive(path, timeout_s=0, who="", report=print)
    assert refused(path, lock.__enter__).code == "store_locks"


def test_nobody_is_seen_to_hold_a_lock_on_a_file_system_without_locks(tmp_path, monkeypatch):
    refuse_locks(monkeypatch)
    assert not locks.is_locked(put_file(tmp_path, "e.lock"))


def test_the_lock_of_a_database_that_is_a_folder(tmp_path):
    path = put_folder(tmp_path, "localrun.db.lock")
    refused(path, lambda: sqlite_file.hold(str(tmp_path / "localrun.db")))


def test_a_database_that_cannot_be_made_again(home):
    put_folder(home, "localrun.db.new")
    put_folder(home, "runs")
    path = os.path.join(home, "localrun.db")
    refused(path, lambda: database.make_again(home, print))
    refused(path, lambda: database.rows(home, limit=None, live_only=False, say=print))


def test_a_registry_that_cannot_be_made(home):
    path = registry_file.path_of(home)
    put_folder(f"{path}.new")
    refused(path, lambda: registry.register(home, "train", {"name": "train"}))


def test_a_registry_that_cannot_be_made_again(home):
    os.makedirs(home)
    path = registry_file.path_of(home)
    registry.register(home, "train", {"name": "train"})
    os.unlink(path)
    put_folder(f"{path}.new")
    refused(path, lambda: registry.get(home, "train"))


def test_a_run_whose_folder_cannot_be_put_aside(home):
    from localrun.workspace.home import folder_of

    put_folder(folder_of(home, "r_1_0"))
    put_file(home, "trash", f"r_1_0.{os.getpid()}")
    refused(folder_of(home, "r_1_0"), lambda: records.remove(home, "r_1_0", print))


def test_a_list_of_a_snapshot_that_is_gone(home):
    refused(DIGEST[2:], lambda: read_manifest(home, DIGEST))


def test_a_file_of_a_snapshot_that_is_gone(home):
    refused(DIGEST[2:], lambda: open_object(home, "train.py", DIGEST))


def test_a_store_of_snapshots_below_a_file(home):
    put_file(home, "locks")
    refused(os.path.join(home, "locks"), lambda: collect(home))


def test_a_workspace_without_runs_needs_no_snapshot(home):
    assert find_needed(home) == set()


def test_a_folder_that_nobody_may_write_is_removed_with_its_run(home):
    from localrun.workspace.home import folder_of

    inner = put_folder(folder_of(home, "r_1_0"), "outputs", "locked")
    put_file(inner, "result")
    os.chmod(inner, stat.S_IRUSR | stat.S_IXUSR)
    records.remove(home, "r_1_0", print)
    assert os.listdir(os.path.join(home, "runs")) == []
    assert os.listdir(os.path.join(home, "trash")) == []
