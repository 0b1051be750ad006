from __future__ import annotations

import pytest

from localrun.supervise.describe import describe_end, read_last_lines
from localrun.supervise.outcome import Cause, Outcome, RankOutcome, conclude


def begun(folder="/nowhere"):
    ranks = [{"rank": n, "node": n, "pid": 10 + n, "status": "running", "log": f"user_logs/{n}.txt"} for n in range(2)]
    return {"ranks": ranks, "timings": {"launch": 0.5}, "notes": ["before"], "folder": str(folder), "plan": {}}


def ended(cause, *ranks):
    status, exit_code, origin, kind = conclude(cause)
    return Outcome(
        status=status, exit_code=exit_code, origin=origin, kind=kind, cause=cause, ranks=ranks, notes=("after",), duration_s=3.25
    )  # fmt: skip


def rank(number, code, status):
    return RankOutcome(
        rank=number, pid=10 + number, status=status, code=code, started_at=0.25, ended_at=2, dropped_bytes=number
    )


def test_end_of_a_run_that_went_well():
    record = describe_end(begun(), ended(None, rank(0, 0, "completed"), rank(1, 0, "completed")), 1_700_000_000)
    assert (record["status"], record["exit_code"], record["cause"], record["first_failure"]) == (
        "completed",
        0,
        None,
        None,
    )
    assert record["ended_at"] == "2023-11-14T22:13:23.250Z"
    assert record["notes"] == ["before", "after"]
    assert record["timings"] == {"launch": 0.5, "run": 3.25}
    assert [(item["exit_code"], item["signal"], item["dropped_bytes"]) for item in record["ranks"]] == [
        (0, None, 0),
        (0, None, 1),
    ]
    assert record["ranks"][1]["started_at"] == "2023-11-14T22:13:20.250Z"


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (Cause(reason="rank_failed", at=2, rank=1, code=-9), (1, 137, 9, "rank_failed")),
        (Cause(reason="rank_failed", at=2, rank=1, code=-9, out_of_memory=True), (1, 137, 9, "out_of_memory")),
        (Cause(reason="bootstrap_failed", at=2, rank=0, code=4), (0, 4, None, "bootstrap_failed")),
        (Cause(reason="barrier_timeout", at=2, rank=0), (0, None, None, "barrier_timeout")),
    ],
)
def test_first_failure_names_the_rank_and_its_last_lines(tmp_path, cause, expected):
    (tmp_path / "user_logs").mkdir()
    (tmp_path / "user_logs" / f"{cause.rank}.txt").write_bytes(b"one\ntwo \xff")
    outcome = ended(cause, rank(0, None, "not_started"), rank(1, -9, "failed"))
    record = describe_end(begun(tmp_path), outcome, 1_700_000_000)
    failure = record["first_failure"]
    assert (failure["rank"], failure["exit_code"], failure["signal"], failure["reason"]) == expected
    assert failure["last_lines"] == ["one", "two \\xff"]
    assert [item["exit_code"] for item in record["ranks"]] == [None, 137]


def test_cause_that_is_nobodys_fault_is_no_failure():
    record = describe_end(begun(), ended(Cause(reason="interrupted", at=1)), 1_700_000_000)
    assert (record["cause"], record["first_failure"]) == ("interrupted", None)
    assert [item["status"] for item in record["ranks"]] == ["running", "running"]  # nothing is known of them


def test_last_lines_are_few_and_short(tmp_path):
    log = tmp_path / "log"
    log.write_text("".join(f"{number}\n" for number in range(100)))
    assert read_last_lines(str(log)) == [str(number) for number in range(80, 100)]
    log.write_bytes(b"x" * 100_000)
    assert [len(line) for line in read_last_lines(str(log))] == [16_384]
    assert read_last_lines(str(tmp_path / "none")) == []
