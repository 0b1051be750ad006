from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat

import pytest

from localrun.errors import RunNotFound, StoreFailed
from localrun.workspace import database, records, sqlite_file
from localrun.workspace.home import folder_of


def make_record(home, run_id, **changes):
    base = {
        "schema": 1, "run_id": run_id, "status": "completed", "exit_code": 0, "experiment": "exp", "display_name": "",
        "target": "local", "started_at": "2026-01-02T03:04:05.678Z", "duration_s": 1.5,
        "folder": folder_of(home, run_id), "ranks": [],
    }  # fmt: skip
    return base | changes


@pytest.fixture
def home(tmp_path):
    return str(tmp_path)


@pytest.fixture
def said():
    return []


def test_record_is_read_back_as_it_was_stored(home):
    record = make_record(home, "a_1_00", notes=["ü \udcff \x1b"], tags={"k": "v"})
    records.insert(home, record)
    assert records.read(home, "a_1_00") == record
    records.update(home, record | {"status": "failed", "exit_code": 3})
    assert records.read(home, "a_1_00")["exit_code"] == 3
    assert records.rows(home) == [
        ("a_1_00", "failed", 3, "exp", "local", "2026-01-02T03:04:05.678Z", 1.5, "")
    ]  # fmt: skip


def test_rows_are_newest_first_limited_and_live_only(home):
    for number in range(4):
        status = "running" if number == 1 else "completed"
        records.insert(home, make_record(home, f"a_{number}_00", status=status))
    assert [row[0] for row in records.rows(home)] == ["a_3_00", "a_2_00", "a_1_00", "a_0_00"]
    assert [row[0] for row in records.rows(home, limit=2)] == ["a_3_00", "a_2_00"]
    assert [row[0] for row in records.rows(home, live_only=True)] == ["a_1_00"]


def test_update_keeps_the_place_in_the_order(home):
    records.insert(home, make_record(home, "a_1_00"))
    records.insert(home, make_record(home, "b_1_00"))
    records.update(home, make_record(home, "a_1_00", exit_code=1))
    assert [row[0] for row in records.rows(home)] == ["b_1_00", "a_1_00"]


def damage_garbage(path):
    path.write_bytes(os.urandom(9000))


def damage_truncated(path):
    path.write_bytes(path.read_bytes()[:5000])


def damage_emptied(path):
    path.write_bytes(b"")


def damage_newer(path):
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def damage_no_table(path):
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE runs")
    connection.close()


@pytest.mark.parametrize("damage", [damage_garbage, damage_truncated, damage_emptied, damage_newer, damage_no_table])
def test_unusable_database_is_kept_aside_and_made_again_and_said_once(tmp_path, home, said, damage):
    for number in range(30):
        records.insert(home, make_record(home, f"a_{number:02}_00", started_at=f"2026-01-02T03:04:{number:02}.000Z"))
    before = records.rows(home)
    damage(tmp_path / "localrun.db")
    assert records.rows(home, say=said.append) == before
    assert records.rows(home, say=said.append) == before
    assert len(said) == 1
    assert len([name for name in os.listdir(home) if ".corrupt-" in name and not name.endswith(("-wal", "-shm"))]) == 1
    assert str(tmp_path / "localrun.db.corrupt-") in said[0]


def test_database_deleted_by_hand_is_made_again_in_silence(tmp_path, home, said):
    records.insert(home, make_record(home, "a_1_00"))
    (tmp_path / "localrun.db").unlink()
    assert [row[0] for row in records.rows(home, say=said.append)] == ["a_1_00"]
    assert said == []


def test_run_json_that_is_garbage_does_not_stop_the_rebuild(tmp_path, home, said):
    records.insert(home, make_record(home, "a_1_00"))
    records.insert(home, make_record(home, "b_1_00"))
    (tmp_path / "runs/b_1_00/run.json").write_text("{" * 5000)
    (tmp_path / "localrun.db").unlink()
    assert [row[0] for row in records.rows(home, say=said.append)] == ["a_1_00"]
    assert "b_1_00/run.json cannot be read" in said[0]


@pytest.mark.parametrize("text", ["", "[]", '{"run_id": "other"}', "[" * 100_000, "1" * 10_000, "\x00"])
def test_run_json_that_is_no_record_is_an_error_that_names_it(tmp_path, home, text):
    records.insert(home, make_record(home, "a_1_00"))
    (tmp_path / "runs/a_1_00/run.json").write_text(text)
    with pytest.raises(StoreFailed, match=r"a_1_00/run\.json cannot be read") as caught:
        records.read(home, "a_1_00")
    assert caught.value.code == "store_corrupt"


def test_folder_deleted_by_hand_is_shown_as_missing(tmp_path, home):
    records.insert(home, make_record(home, "a_1_00"))
    records.insert(home, make_record(home, "b_1_00"))
    shutil.rmtree(tmp_path / "runs/a_1_00")
    assert [row[:2] for row in records.rows(home)] == [("b_1_00", "completed"), ("a_1_00", "missing")]
    assert records.read(home, "a_1_00")["status"] == "missing"
    records.remove(home, "a_1_00")
    assert [row[0] for row in records.rows(home)] == ["b_1_00"]


def test_folder_without_a_row_is_found_again(tmp_path, home):
    records.insert(home, make_record(home, "a_1_00"))
    database.delete(home, "a_1_00", print)
    (tmp_path / "runs/being_made").mkdir()
    assert [row[0] for row in records.rows(home)] == ["a_1_00"]


def test_run_is_found_by_id_name_latest_and_unique_beginning(home):
    for run_id, name in [("iris_1_aa", "first"), ("iris_2_bb", "again"), ("mnist_3_cc", "again")]:
        records.insert(home, make_record(home, run_id, display_name=name))
    assert records.find(home, "iris_1_aa") == "iris_1_aa"
    assert records.find(home, "first") == "iris_1_aa"
    assert records.find(home, "again") == "mnist_3_cc"
    assert records.find(home, "latest") == "mnist_3_cc"
    assert records.find(home, "m") == "mnist_3_cc"
    assert records.find(home, "iris_2") == "iris_2_bb"


@pytest.mark.parametrize("text", ["iris", "nothing", "", "../runs", "..", ".", "\udcff", "%", "latest "])
def test_text_that_means_no_run_or_several_is_an_error(home, text):
    for run_id in ("iris_1_aa", "iris_2_bb"):
        records.insert(home, make_record(home, run_id))
    with pytest.raises(RunNotFound) as caught:
        records.find(home, text)
    assert caught.value.hint


def test_latest_of_no_runs_is_an_error(home):
    with pytest.raises(RunNotFound, match="there is no run yet"):
        records.find(home, "latest")


def test_removed_run_leaves_nothing_even_when_a_folder_may_not_be_written(tmp_path, home):
    records.insert(home, make_record(home, "a_1_00"))
    locked = tmp_path / "runs/a_1_00/wd/locked"
    locked.mkdir(parents=True)
    (locked / "file").write_text("x")
    locked.chmod(0o500)
    records.remove(home, "a_1_00")
    assert os.listdir(tmp_path / "runs") == os.listdir(tmp_path / "trash") == []
    with pytest.raises(RunNotFound):
        records.read(home, "a_1_00")


def test_removing_follows_no_symbolic_link(tmp_path, home):
    records.insert(home, make_record(home, "a_1_00"))
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "keep").write_text("x")
    shutil.rmtree(tmp_path / "runs/a_1_00")
    (tmp_path / "runs/a_1_00").symlink_to(outside)
    records.remove(home, "a_1_00")
    assert (outside / "keep").exists()


def test_every_file_is_private_under_umask_0(tmp_path):
    home = str(tmp_path / "home")
    old = os.umask(0)
    try:
        records.insert(home, make_record(home, "a_1_00"))
        connection = sqlite3.connect(f"{home}/localrun.db")
        connection.execute("SELECT * FROM runs").fetchall()
        for folder, _, files in os.walk(home):
            assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
            for name in files:
                assert stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) == 0o600, name
        connection.close()
    finally:
        os.umask(old)


def test_failed_write_leaves_the_old_record(tmp_path, home):
    record = make_record(home, "a_1_00")
    records.insert(home, record)
    with pytest.raises(TypeError):
        records.update(home, record | {"notes": object()})
    assert json.loads((tmp_path / "runs/a_1_00/run.json").read_text()) == record
    assert os.listdir(tmp_path / "runs/a_1_00") == ["run.json"]


@pytest.mark.parametrize(
    ("path", "mode"),
    [("/home/u/x", "WAL"), ("/home/nfs/u/x", "DELETE"), ("/mnt/a b/x", "DELETE"), ("/home/nfsother/x", "WAL")],
)
def test_journal_is_rolled_back_on_network_file_systems(path, mode):
    mounts = "d / ext4 rw 0 0\nd /home ext4 rw 0 0\ns:/ /home/nfs nfs4 rw 0 0\nf /mnt/a\\040b fuse.sshfs rw 0 0\n"
    assert sqlite_file.journal_mode(path, mounts) == mode


def test_database_is_wal_here(tmp_path, home):
    records.insert(home, make_record(home, "a_1_00"))
    connection = sqlite3.connect(tmp_path / "localrun.db")
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] in {"wal", "delete"}
    assert connection.execute("PRAGMA user_version").fetchone() == (database.VERSION,)
    connection.close()


def test_timestamps_are_utc_with_milliseconds():
    assert records.timestamp(0) == "1970-01-01T00:00:00.000Z"
    assert records.timestamp(1700000000.9996) == "2023-11-14T22:13:21.000Z"


def test_record_of_a_newer_localrun_is_read_by_nobody_who_acts_on_it(home, said):
    from localrun.workspace.records import read_supported

    for run_id, schema in (("a_1_00", 99), ("b_1_00", "x")):
        records.insert(home, make_record(home, run_id) | {"schema": schema})
        with pytest.raises(StoreFailed, match=f"the record of run {run_id} is of a newer localrun") as caught:
            read_supported(home, run_id, said.append)
        assert caught.value.code == "newer_record"


@pytest.mark.parametrize(
    ("text", "code"),
    [("database or disk is full", "store_full"), ("attempt to write a readonly database", "store_read_only"),
     ("unable to open database file", "store_read_only"), ("database is locked", "store_locks"),
     ("something else", "store_corrupt")],
)  # fmt: skip
def test_refusal_of_sqlite_has_a_kind(text, code):
    error = database._translated(sqlite3.OperationalError(text), "/home/localrun.db")
    assert error.code == code
    assert "/home/localrun.db" in error.message


def test_removed_run_leaves_nothing_when_its_owner_may_not_write_a_folder(refusable, said):
    folder = os.path.join(refusable, "runs", "a_1_00")
    inner = os.path.join(folder, "outputs", "locked", "deep")
    os.makedirs(inner)
    for place in (inner, os.path.dirname(inner)):
        os.chmod(place, 0o500)
    records.remove(refusable, "a_1_00", said.append)
    assert os.listdir(os.path.join(refusable, "runs")) == os.listdir(os.path.join(refusable, "trash")) == []


def test_removed_run_leaves_nothing_of_folders_nested_deeper_than_python_calls(home, said):
    folder = os.path.join(home, "runs", "a_1_00")
    os.makedirs(folder)
    place = os.open(folder, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=place)
        below = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)
    records.remove(home, "a_1_00", said.append)
    assert os.listdir(os.path.join(home, "runs")) == os.listdir(os.path.join(home, "trash")) == []


def test_rows_without_any_folder_are_missing(home, said):
    records.insert(home, make_record(home, "a_1_00"))
    shutil.rmtree(os.path.join(home, "runs"))
    assert [row[:2] for row in records.rows(home, say=said.append)] == [("a_1_00", "missing")]
