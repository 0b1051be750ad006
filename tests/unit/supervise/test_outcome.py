from __future__ import annotations

import pytest

from localrun.supervise.outcome import Cause, conclude, exit_code_of


@pytest.mark.parametrize(
    ("reason", "code", "concluded"),
    [
        ("rank_failed", 7, ("failed", 7, "script", "")),
        ("rank_failed", -9, ("failed", 137, "script", "")),
        ("bootstrap_failed", 2, ("failed", 2, "script", "")),
        ("barrier_timeout", 0, ("failed", 125, "localrun", "barrier_timeout")),
        ("time_limit", 0, ("canceled", 124, "localrun", "time_limit")),
        ("interrupted", 0, ("canceled", 130, "localrun", "interrupted")),
        ("terminated", 0, ("canceled", 143, "localrun", "terminated")),
        ("hung_up", 0, ("canceled", 129, "localrun", "hung_up")),
        ("front_end_lost", 0, ("canceled", 125, "localrun", "front_end_lost")),
    ],
)
def test_conclusion_of_each_cause(reason, code, concluded):
    assert conclude(Cause(reason=reason, at=1, code=code)) == concluded


def test_run_without_a_cause_is_completed():
    assert conclude(None) == ("completed", 0, "script", "")


@pytest.mark.parametrize(("code", "shell"), [(0, 0), (255, 255), (-1, 129), (-9, 137), (-64, 192)])
def test_signals_become_128_and_their_number(code, shell):
    assert exit_code_of(code) == shell
