from __future__ import annotations

import json
import os
import shutil
import sqlite3

import pytest

from localrun.workspace import active, records
from localrun.workspace.home import folder_of
from localrun.workspace.repair import examine, repair

COUNT = 6


def make_record(home, run_id, **more):
    facts = {"schema": 1, "run_id": run_id, "experiment": "a", "display_name": "", "status": "completed"}
    facts |= {"exit_code": 0, "target": "local", "started_at": "2026-01-02T03:04:05.000Z", "duration_s": 1.5}
    return facts | {"folder": folder_of(home, run_id)} | more


@pytest.fixture
def home(tmp_path):
    for number in range(COUNT):
        started = f"2026-01-02T03:04:{number:02}.000Z"
        run_id = f"a_{1_700_000_000 + number}_00"
        records.insert(str(tmp_path), make_record(str(tmp_path), run_id, started_at=started, exit_code=number % 3))
    return str(tmp_path)


def damage_garbage(path):
    path.write_bytes(os.urandom(9000))


def damage_truncated(path):
    path.write_bytes(path.read_bytes()[:5000])


def damage_deleted(path):
    path.unlink()


def damage_a_page(path):
    """Overwrite the leaves and keep the head: the database opens, and says so only when it is read."""
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))


def damage_folder(path):
    path.unlink()
    path.mkdir()


DAMAGES = [damage_garbage, damage_truncated, damage_deleted, damage_a_page, damage_folder]


def settle(home):
    """Bring what the journal holds into the database itself."""
    connection = sqlite3.connect(os.path.join(home, "localrun.db"))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_run_comes_back_from_its_folder_and_a_live_one_lives_on(tmp_path, home, damage):
    live = "a_1700000099_00"
    entry = active.claim(home, live)
    records.insert(home, make_record(home, live, status="running", exit_code=None, started_at="2026-02"))
    before = records.rows(home)
    settle(home)
    damage(tmp_path / "localrun.db")
    said = []
    done = repair(home, said.append)
    assert (bool(done.damage), len(done.recovered), done.partly, done.lost) == (True, COUNT + 1, (), ())
    assert bool(done.kept) == (damage is not damage_deleted)
    assert records.rows(home, say=said.append) == before
    assert records.rows(home, live_only=True)[0][0] == live
    assert examine(home).damage == ""
    records.update(home, make_record(home, live, exit_code=3, started_at="2026-02"))
    active.release(home, live, entry)
    assert records.rows(home)[0][:3] == (live, "completed", 3)
    assert said == []


@pytest.mark.parametrize("damage", DAMAGES)
def test_looking_changes_nothing(tmp_path, home, damage):
    settle(home)
    damage(tmp_path / "localrun.db")
    names = sorted(os.listdir(home))
    assert examine(home).damage
    assert sorted(name for name in os.listdir(home) if not name.endswith(("-wal", "-shm"))) == [
        name for name in names if not name.endswith(("-wal", "-shm"))
    ]


def test_whole_database_is_left_as_it_is(tmp_path, home):
    settle(home)
    before = (tmp_path / "localrun.db").stat().st_ino
    done = repair(home, print)
    assert done == type(done)()
    assert (tmp_path / "localrun.db").stat().st_ino == before


def test_row_that_says_another_thing_than_the_record_is_corrected(tmp_path, home):
    run_id = "a_1700000003_00"
    with sqlite3.connect(tmp_path / "localrun.db") as connection:
        connection.execute("UPDATE runs SET exit_code = 9 WHERE run_id = ?", (run_id,))
        connection.execute("DELETE FROM runs WHERE run_id = 'a_1700000004_00'")
    connection.close()
    assert sorted(examine(home).recovered) == [run_id, "a_1700000004_00"]
    assert sorted(repair(home, print).recovered) == [run_id, "a_1700000004_00"]
    assert {row[0]: row[2] for row in records.rows(home)}[run_id] == 0
    assert examine(home) == type(examine(home))()


def test_record_that_is_lost_is_made_of_its_row_and_kept(tmp_path, home):
    run_id = "a_1700000002_00"
    (tmp_path / "runs" / run_id / "run.json").write_text("{")
    (tmp_path / "runs" / run_id / "train.log").write_text("here")
    assert examine(home).partly[0][0] == run_id
    ((found, known),) = repair(home, print).partly
    assert (found, known) == (run_id, "its status is known from its row")
    record = records.read(home, run_id)
    assert (record["status"], record["exit_code"], record["started_at"]) == ("completed", 2, "2026-01-02T03:04:02.000Z")
    assert "its record was lost" in record["notes"][0]
    assert "run.json.corrupt-" in record["notes"][1]
    assert {"run.json", "train.log"} < set(os.listdir(tmp_path / "runs" / run_id))
    assert repair(home, print).partly == ()


def test_without_row_and_record_the_run_is_listed_as_lost_with_its_time(tmp_path, home):
    run_id = "a_1700000002_00"
    (tmp_path / "runs" / run_id / "run.json").unlink()
    (tmp_path / "localrun.db").write_bytes(b"")
    done = repair(home, print)
    assert [name for name, _ in done.partly] == [run_id]
    assert run_id not in done.recovered
    record = records.read(home, run_id)
    assert (record["status"], record["exit_code"], record["experiment"]) == ("lost", 125, "a")
    assert record["started_at"].startswith("2023-11-14T")
    json.dumps(record)


def test_run_whose_folder_is_gone_too_is_named(tmp_path, home):
    run_id = "a_1700000002_00"
    shutil.rmtree(tmp_path / "runs" / run_id)
    with sqlite3.connect(tmp_path / "localrun.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    ((found, said),) = repair(home, print).lost
    assert (found, said) == (run_id, "completed, started 2026-01-02T03:04:02.000Z")


def test_run_that_is_being_made_is_left_alone(home):
    run_id = "a_1700000098_00"
    entry = active.claim(home, run_id)
    os.makedirs(folder_of(home, run_id))
    assert repair(home, print).partly == ()
    assert os.listdir(folder_of(home, run_id)) == []
    active.release(home, run_id, entry)


def test_empty_workspace_has_nothing_to_repair(tmp_path):
    assert examine(str(tmp_path)).damage == ""
    assert os.listdir(tmp_path) == []
    assert repair(str(tmp_path), print).recovered == ()


def test_record_that_is_lost_of_a_run_that_was_running_is_that_of_a_lost_run(tmp_path, home):
    run_id = "a_1700000003_00"
    records.insert(home, make_record(home, run_id, status="running", exit_code=None))
    (tmp_path / "runs" / run_id / "run.json").write_text("{")
    done = repair(home, print)
    assert run_id in [name for name, _ in done.partly]
    record = records.read(home, run_id)
    assert (record["status"], record["exit_code"], record["kind"]) == ("lost", 125, "lost")
