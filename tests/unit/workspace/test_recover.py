from __future__ import annotations

import os

import pytest

from localrun.workspace import active, database, records, recover
from localrun.workspace.home import folder_of
from localrun.workspace.run_files import write_json

RUN = "exp_1_00"


def make_record(home, **changes):
    base = {
        "schema": 1, "run_id": RUN, "status": "running", "exit_code": None, "experiment": "exp", "display_name": "",
        "target": "local", "started_at": "2026-01-02T03:04:05.678Z", "duration_s": None,
        "folder": folder_of(home, RUN), "notes": ["first"],
        "ranks": [{"rank": 0, "status": "completed", "exit_code": 0}, {"rank": 1, "status": "running"}],
    }  # fmt: skip
    return base | changes


@pytest.fixture
def home(tmp_path):
    return str(tmp_path)


def test_sweep_of_a_quiet_workspace_does_nothing(home):
    assert recover.sweep(home, pytest.fail) == ()


def test_lost_run_keeps_what_was_known_of_it(home):
    records.insert(home, make_record(home))
    os.close(active.claim(home, RUN))
    said = []
    assert recover.sweep(home, said.append) == (RUN,)
    record = records.read(home, RUN)
    lost = {name: record[name] for name in ("status", "exit_code", "kind", "origin", "duration_s")}
    assert lost == {"status": "lost", "exit_code": 125, "kind": "lost", "origin": "localrun", "duration_s": None}
    assert [rank["status"] for rank in record["ranks"]] == ["completed", "lost"]
    assert record["notes"][0] == "first"
    assert records.rows(home)[0][1:3] == ("lost", 125)
    assert said == [f"run {RUN} is lost: its supervisor died"]
    assert recover.sweep(home, pytest.fail) == ()


def test_run_whose_supervisor_died_after_closing_the_record_has_ended_as_recorded(home):
    records.insert(home, make_record(home))
    row_of_before = database.rows(home, limit=1, live_only=False, say=print)
    write_json(os.path.join(folder_of(home, RUN), "run.json"), make_record(home, status="failed", exit_code=3))
    assert database.rows(home, limit=1, live_only=False, say=print) == row_of_before
    os.close(active.claim(home, RUN))
    assert recover.sweep(home, pytest.fail) == (RUN,)
    assert records.rows(home)[0][1:3] == ("failed", 3)
    assert active.names(home) == []


def test_lost_run_with_a_damaged_record_is_listed_as_lost_and_the_file_kept(home, tmp_path):
    records.insert(home, make_record(home))
    (tmp_path / "runs" / RUN / "run.json").write_text("{")
    os.close(active.claim(home, RUN))
    said = []
    recover.sweep(home, said.append)
    assert "run.json cannot be read" in said[0]
    assert records.rows(home)[0][1:3] == ("lost", 125)
    assert (tmp_path / "runs" / RUN / "run.json").read_text() == "{"


def test_ranks_of_a_run_without_a_record_get_one(home):
    entry = active.claim(home, RUN)
    active.note(entry, ["boot another", "rank 0 1 never"])
    os.close(entry)
    recover.sweep(home, lambda line: None)
    record = records.read(home, RUN)
    assert (record["status"], record["experiment"], record["ranks"]) == (
        "lost", "exp", [{"rank": 0, "pid": 1, "status": "lost"}],
    )  # fmt: skip


def test_running_row_without_entry_is_closed_and_a_live_one_is_not(home):
    records.insert(home, make_record(home))
    entry = active.claim(home, RUN)
    assert not recover.close_orphans(home, [RUN], pytest.fail)
    active.release(home, RUN, entry)
    assert recover.close_orphans(home, [RUN], lambda line: None)
    assert records.rows(home)[0][1] == "lost"
