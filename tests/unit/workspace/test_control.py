"""Commands about runs of other machines, and of runs that have no such rank."""

from __future__ import annotations

import os
import signal

import pytest

from localrun.adapters import processes
from localrun.errors import LocalrunError, RunNotFound
from localrun.workspace import active, control

RUN = "exp_1_00"


@pytest.fixture
def entry(own_workspace):
    """Give the entry of a run that this process supervises, on paper."""
    home = str(own_workspace)
    descriptor = active.claim(home, RUN)
    yield home, descriptor
    active.release(home, RUN, descriptor)


def test_a_run_on_another_machine_that_shares_the_workspace_is_left_alone(entry):
    home, descriptor = entry
    active.note(descriptor, ["boot another", f"supervisor {os.getpid()} 1"])
    with pytest.raises(LocalrunError, match="lives on another machine that shares this workspace") as caught:
        control.signal_ranks(home, RUN, None, signal.SIGKILL)
    assert caught.value.hint == "Use localrun on the machine that it was started on."


def test_a_run_that_never_notes_its_supervisor_is_told(entry, monkeypatch):
    home, _ = entry
    monkeypatch.setattr(control, "_START_WAIT_S", 0.01)
    with pytest.raises(LocalrunError, match="has not started its supervisor") as caught:
        control.find_entry(home, RUN)
    assert caught.value.hint == "Try again in a moment."


def test_a_rank_that_a_run_does_not_have_is_told_with_those_that_it_has(entry):
    home, descriptor = entry
    active.note(descriptor, [f"boot {processes.boot_id()}", f"supervisor {os.getpid()} 1"])
    with pytest.raises(RunNotFound, match=f"run {RUN} has no rank 7") as caught:
        control.signal_ranks(home, RUN, [7], 0)
    assert caught.value.hint == "None of its ranks has started."
    active.note(descriptor, ["rank 0 4194305 1", "rank 1 4194305 1"])
    with pytest.raises(RunNotFound, match=f"run {RUN} has no rank 7") as caught:
        control.signal_ranks(home, RUN, [0, 7], 0)
    assert caught.value.hint == "Its ranks are 0, 1."


@pytest.mark.parametrize(
    ("ranks", "said"),
    [([0], "rank 0 of run exp_1_00 has ended"), ([0, 1], "ranks 0, 1 of run exp_1_00 have ended"),
     (None, "all started ranks of run exp_1_00 have ended")],
)  # fmt: skip
def test_ranks_that_have_ended_are_told(entry, ranks, said):
    home, descriptor = entry
    lines = [f"boot {processes.boot_id()}", f"supervisor {os.getpid()} 1", "rank 0 4194305 1", "rank 1 4194305 1"]
    active.note(descriptor, lines)
    with pytest.raises(RunNotFound, match=said) as caught:
        control.signal_ranks(home, RUN, ranks, signal.SIGKILL)
    assert caught.value.code == "run_ended"


def test_a_run_that_has_ended_is_not_signalled(own_workspace):
    with pytest.raises(RunNotFound, match="is not running"):
        control.signal_ranks(str(own_workspace), RUN, None, signal.SIGKILL)
