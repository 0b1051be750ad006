"""Locks of the workspace."""

from __future__ import annotations

import fcntl
import os

import pytest

from localrun.errors import LockTimeout, StoreFailed
from localrun.workspace.locks import exclusive, hold_shared


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
