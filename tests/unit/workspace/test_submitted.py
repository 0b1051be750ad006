"""What is submitted from Python: kept, swept and cancelled."""

from __future__ import annotations

import os
import time

import pytest

from localrun.api.submission import cancel
from localrun.errors import StoreFailed
from localrun.workspace import submitted

RUN = "exp_1_00"


@pytest.fixture
def home(own_workspace):
    return str(own_workspace)


def test_what_was_submitted_is_read_and_damage_is_nothing(home):
    assert submitted.read_details(home, RUN) == {}
    submitted.write_details(home, RUN, {"experiment": "exp"})
    found = submitted.read_details(home, RUN)
    assert (found["experiment"], found["run_id"]) == ("exp", RUN)
    for text in ("[]", "{"):
        with open(submitted.path_of(home, RUN), "w", encoding="ascii") as file:
            file.write(text)
        assert submitted.read_details(home, RUN) == {}


def test_all_of_a_submission_is_removed_and_what_cannot_be_is_named(home):
    submitted.remove(home, RUN)
    submitted.write_details(home, RUN, {})
    os.mkdir(submitted.log_of(home, RUN))
    with pytest.raises(StoreFailed, match=f"{RUN}.log cannot be"):
        submitted.remove(home, RUN)
    assert not os.path.exists(submitted.path_of(home, RUN))
    os.rmdir(submitted.log_of(home, RUN))
    submitted.remove(home, RUN)


def test_copies_of_sources_that_killed_processes_left_are_swept_and_young_ones_stay(home):
    for name in ("old_1_00", "young_1_00"):
        os.makedirs(submitted.source_of(home, name))
    long_ago = time.time() - submitted.LEFT_OVER_S - 60
    os.utime(submitted.source_of(home, "old_1_00"), (long_ago, long_ago))
    os.symlink("gone", submitted.source_of(home, "torn_1_00"))
    submitted.sweep_sources(home)
    assert not os.path.exists(submitted.source_of(home, "old_1_00"))
    assert os.path.exists(submitted.source_of(home, "young_1_00"))


@pytest.mark.parametrize("text", [None, "", "one", "1 2 3", "x y"])
def test_a_submission_of_no_known_process_is_not_cancelled(home, text):
    submitted.write_details(home, RUN, {})
    if text is not None:
        with open(submitted.process_of(home, RUN), "w", encoding="ascii") as file:
            file.write(text)
    assert cancel(home, RUN) is False
