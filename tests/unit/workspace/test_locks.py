"""Locks of the workspace."""

from __future__ import annotations

import fcntl
import os

import pytest

from localrun.errors import LockTimeout, StoreFailed
from localrun.workspace.locks import exclusive, hold_shared, read_holder


def hold(path, **changes):
    return exclusive(path, **({"timeout_s": 0, "who": "run r1", "report": print} | changes))


def test_two_shared_holders_live_together(tmp_path):
    path = str(tmp_path / "e.lock")
    first, second = hold_shared(path), hold_shared(path)
    assert None not in (first, second)
    os.close(first)
    os.close(second)


def test_exclusive_excludes_shared_and_releases(tmp_path):
    path = str(tmp_path / "e.lock")
    with hold(path):
        assert hold_shared(path) is None
    descriptor = hold_shared(path)
    assert descriptor is not None
    os.close(descriptor)


def test_a_plain_flock_excludes_exclusive(tmp_path):
    path = str(tmp_path / "e.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    with pytest.raises(LockTimeout), hold(path):
        pass
    os.close(descriptor)


def test_waiter_is_told_whom_it_waits_for(tmp_path):
    path = str(tmp_path / "e.lock")
    told = []
    late = hold(path, timeout_s=1.3, report=told.append)
    with hold(path), pytest.raises(LockTimeout, match=rf"process {os.getpid()} \(run r1\)"), late:
        pass
    assert told == [f"waiting for process {os.getpid()} (run r1)"]


def test_lock_file_is_private_and_stays(tmp_path):
    path = str(tmp_path / "e.lock")
    with hold(path):
        pass
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_missing_folder_is_a_store_failure(tmp_path):
    with pytest.raises(StoreFailed), hold(str(tmp_path / "no" / "e.lock")):
        pass


def test_filelock_and_our_locks_exclude_one_another(tmp_path):
    import filelock

    path = str(tmp_path / "e.lock")
    with filelock.FileLock(path, timeout=0):
        assert hold_shared(path) is None
        with pytest.raises(LockTimeout), hold(path):
            pass
    with hold(path), pytest.raises(filelock.Timeout):
        filelock.FileLock(path, timeout=0).acquire()
    descriptor = hold_shared(path)
    with pytest.raises(filelock.Timeout):
        filelock.FileLock(path, timeout=0).acquire()
    os.close(descriptor)


def test_holder_who_wrote_nothing_readable_is_another_process(tmp_path):
    path = str(tmp_path / "e.lock")
    assert read_holder(path) == "a run that uses it"
    for text, said in (
        ("", "another process"),
        ("?\nx", "another process"),
        ("7\n", "process 7"),
        ("7\nr", "process 7 (r)"),
    ):
        (tmp_path / "e.lock.holder").write_text(text)
        assert read_holder(path) == said


def test_lock_holds_when_nobody_can_be_told_who_has_it(tmp_path):
    path = str(tmp_path / "e.lock")
    os.mkdir(f"{path}.holder")
    with hold(path):
        assert hold_shared(path) is None
    os.close(hold_shared(path))


def test_workspace_that_cannot_be_written_is_shared_by_its_folder(tmp_path, monkeypatch):
    real = os.open

    def refuse(path, flags, *mode):
        if flags & os.O_CREAT:
            raise OSError(30, "Read-only file system")
        return real(path, flags, *mode)

    monkeypatch.setattr(os, "open", refuse)
    first, second = hold_shared(str(tmp_path / "e.lock")), hold_shared(str(tmp_path / "e.lock"))
    assert os.path.samestat(os.fstat(first), os.stat(tmp_path))
    os.close(first)
    os.close(second)
    (tmp_path / "e.lock").write_bytes(b"")
    third = hold_shared(str(tmp_path / "e.lock"))
    assert os.path.samestat(os.fstat(third), os.stat(tmp_path / "e.lock"))
    os.close(third)
