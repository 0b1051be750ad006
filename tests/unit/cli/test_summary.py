from __future__ import annotations

import pytest

from localrun.cli.summary import tell_end


def record(**changes):
    ranks = [{"rank": rank, "node": rank // 2, "status": "completed"} for rank in range(4)]
    return {
        "run_id": "exp_1_ab", "status": "completed", "exit_code": 0, "origin": "script", "kind": "", "duration_s": 2.04,
        "ranks": ranks, "notes": ["told before"], "plan": {"notes": ["told before"], "outputs_directory": ""},
        "folder": "/home/ada/runs/exp_1_ab", "first_failure": None,
    } | changes  # fmt: skip


def failure(reason="rank_failed", **changes):
    return {
        "rank": 2, "node": 1, "exit_code": 3, "signal": None, "after_s": 1.0, "reason": reason,
        "log": "user_logs/std_log_process_2.txt", "last_lines": ["a \x1b[31mred", "line"],
    } | changes  # fmt: skip


def told(capsys, **changes):
    tell_end(record(**changes))
    return capsys.readouterr().err.splitlines()


def test_run_that_went_well_is_one_line(capsys):
    assert told(capsys) == ["localrun: completed after 2.0 s; outputs in /home/ada/runs/exp_1_ab/outputs"]


def test_outputs_that_were_copied_are_named_where_they_are(capsys, tmp_path):
    for name in ("", "nowhere"):
        place = str(tmp_path / name)
        shown = told(capsys, plan={"notes": ["told before"], "outputs_directory": place})[0]
        assert shown.endswith(f"in {tmp_path}" if not name else "in /home/ada/runs/exp_1_ab/outputs")


def test_notes_that_came_up_meanwhile_are_told(capsys):
    assert told(capsys, notes=["told before", "5 bytes"])[0] == "localrun: note: 5 bytes"


def test_failing_rank_is_named_and_its_last_lines_are_shown_escaped(capsys):
    lines = told(capsys, status="failed", exit_code=3, first_failure=failure())
    assert lines == [
        "localrun: rank 2 (node 1) ended with exit code 3 after 1.0 s",
        "  the last lines of user_logs/std_log_process_2.txt:",
        "  | a \\x1b[31mred",
        "  | line",
        "localrun: failed after 2.0 s, exit code 3; outputs in /home/ada/runs/exp_1_ab/outputs",
        "  localrun inspect exp_1_ab has the record, localrun logs exp_1_ab the output",
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (failure(signal=9, exit_code=137), "rank 2 (node 1) was ended by signal 9 after 1.0 s"),
        (
            failure("out_of_memory", signal=9),
            "rank 2 (node 1) ran out of memory and was killed by the system after 1.0 s",
        ),
        (failure("bootstrap_failed"), "rank 2 (node 1) failed in the bootstrap script (exit code 3) after 1.0 s"),
        (
            failure("barrier_timeout", exit_code=None),
            "rank 2 (node 1) was still in the bootstrap script at the barrier's time limit after 1.0 s",
        ),
    ],
)
def test_each_reason_of_a_failure(capsys, given, said):
    assert told(capsys, status="failed", exit_code=3, first_failure=given)[0] == f"localrun: {said}"


def test_ranks_that_waited_at_the_barrier_are_named_without_the_one_that_failed(capsys):
    ranks = [{"rank": rank, "node": rank // 2, "status": "not_started"} for rank in range(1, 4)]
    lines = told(capsys, exit_code=3, first_failure=failure("bootstrap_failed"), ranks=ranks)
    assert lines[0].endswith("; ranks 1, 3 waited at the barrier and never started")


def test_single_script_is_called_so_and_its_lines_are_not_shown_again(capsys):
    lines = told(capsys, exit_code=3, first_failure=failure(rank=0), ranks=[{"rank": 0, "node": 0, "status": "failed"}])
    assert lines[0] == "localrun: the script ended with exit code 3 after 1.0 s"
    assert len(lines) == 3


def test_kind_is_the_last_line_where_localrun_is_the_origin(capsys):
    lines = told(capsys, status="canceled", exit_code=124, origin="localrun", kind="time_limit")
    assert lines[0].startswith("localrun: stopped at its time limit after 2.0 s, exit code 124")
    assert lines[-1] == "kind=time_limit"


def test_lost_run_without_a_plan_can_be_told(capsys):
    short = record(status="lost", exit_code=125, origin="localrun", kind="lost", duration_s=None, notes=["found"])
    short.pop("plan")
    tell_end(short)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == [
        "localrun: note: found",
        "localrun: lost: its supervisor died, exit code 125; outputs in /home/ada/runs/exp_1_ab/outputs",
    ]
