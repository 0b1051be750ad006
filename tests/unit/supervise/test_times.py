from __future__ import annotations

import os

from localrun.supervise.times import NAME, Times, read_times


def test_times_are_read_as_they_were_noted_and_growth_by_nothing_is_none(tmp_path):
    times = Times(str(tmp_path))
    for rank, end in ((0, 10), (1, 2**40), (0, 10), (0, 25)):
        times.note(rank, end)
    data = (tmp_path / NAME).read_bytes()
    found = list(read_times(data + b"torn"))
    assert [(rank, end) for _, rank, end in found] == [(0, 10), (1, 2**40), (0, 25)]
    stamps = [stamp for stamp, _, _ in found]
    assert stamps == sorted(stamps)
    assert os.stat(tmp_path / NAME).st_mode & 0o777 == 0o600


def test_times_that_cannot_be_kept_are_left_out(tmp_path):
    Times(str(tmp_path / "missing")).note(0, 1)
    assert not os.path.exists(tmp_path / "missing")


def test_times_end_where_the_disk_is_full(tmp_path):
    (tmp_path / NAME).symlink_to("/dev/full")
    times = Times(str(tmp_path))
    times.note(0, 1)
    before = os.listdir("/dev/fd")
    times.note(0, 2)  # nothing is tried again
    assert os.listdir("/dev/fd") == before
