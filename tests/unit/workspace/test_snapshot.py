"""What a snapshot takes, on folders made for it; runs of it are in tests/integration/test_snapshots.py."""

from __future__ import annotations

import errno
import os

import pytest

from localrun.errors import BadInput
from localrun.plan import SourcePlan
from localrun.workspace import snapshot
from localrun.workspace.snapshot import copy_entries, list_source
from localrun.workspace.snapshot_objects import translate_error


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def put(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def listed(folder, **more):
    return [entry.path for entry in list_source(SourcePlan(directory=str(folder)), **more)]


def test_folder_stands_before_what_is_in_it(source):
    put(source, "b/c/d", "a", "b/a")
    (source / "empty").mkdir()
    assert listed(source) == ["a", "b", "empty", "b/a", "b/c", "b/c/d"]


def test_links_of_a_run_s_working_directory_into_the_run_are_left_out(tmp_path):
    run = tmp_path / "run"
    put(run, "localrun.log", "user_logs/std_log.txt", "node-1/wd/train.py")
    (run / "node-1" / "wd" / "user_logs").symlink_to(run / "user_logs")
    assert listed(run / "node-1" / "wd") == ["train.py"]
    (run / "node-1" / "wd" / "mine").symlink_to(run / "user_logs")
    with pytest.raises(BadInput, match=r"mine in the folder .* is a link to"):
        listed(run / "node-1" / "wd")


def test_ignored_folder_is_not_looked_into_unless_something_is_taken_back_in(source):
    put(source, "venv/lib/x", "data/a/b/keep", "data/a/no", "x")
    (source / ".amlignore").write_text("venv/\ndata/\n")
    os.symlink("/etc", source / "venv" / "outward")  # it would be refused if it were seen
    assert listed(source) == [".amlignore", "x"]
    os.unlink(source / "venv" / "outward")
    (source / ".amlignore").write_text("venv/\ndata/\n!data/a/b/keep\n")
    assert listed(source) == [".amlignore", "x", "data", "data/a", "data/a/b", "data/a/b/keep"]


def test_answers_are_remembered_for_the_same_ignore_file_only(source, tmp_path):
    home = str(tmp_path / "home")
    put(source, "a.log", "b.txt")
    (source / ".gitignore").write_text("*.log\n")
    assert listed(source, home=home) == listed(source, home=home) == [".gitignore", "b.txt"]
    (source / ".gitignore").write_text("*.txt\n")
    assert listed(source, home=home) == [".gitignore", "a.log"]
    (note,) = os.listdir(tmp_path / "home" / "plans")
    (tmp_path / "home" / "plans" / note).write_bytes(b"damaged")
    assert listed(source, home=home) == [".gitignore", "a.log"]


def test_limits_name_what_is_too_much(source, monkeypatch):
    put(source, "a", "b", "large")
    (source / "large").write_bytes(b"x" * 5000)
    monkeypatch.setattr(snapshot, "MOST_BYTES", 4000)
    with pytest.raises(BadInput, match="the largest file: large"):
        listed(source)
    monkeypatch.setattr(snapshot, "MOST_FILES", 2)
    monkeypatch.setattr(snapshot, "MOST_BYTES", 1 << 20)
    with pytest.raises(BadInput, match="more than 2 files"):
        listed(source)
    assert len(list_source(SourcePlan(directory=str(source), limited=False))) == 3


def test_single_file_is_taken_alone(source, tmp_path):
    put(source, "a", "b")
    entries = list_source(SourcePlan(directory=str(source), file=str(source / "a")))
    assert [entry.path for entry in entries] == ["a"]
    assert list_source(SourcePlan()) == ()


def test_holes_stay_holes_and_large_files_are_whole(source, tmp_path):
    with open(source / "holes", "wb") as file:
        for start in (0, 5 << 20, 11 << 20):
            file.seek(start)
            file.write(os.urandom(3 << 19))
        file.truncate(64 << 20)
    (source / "full").write_bytes(os.urandom((2 << 20) + 7))
    (tmp_path / "copy").mkdir()
    copy_entries(str(source), list_source(SourcePlan(directory=str(source))), str(tmp_path / "copy"))
    for name in ("holes", "full"):
        assert (tmp_path / "copy" / name).read_bytes() == (source / name).read_bytes()
    assert os.stat(tmp_path / "copy" / "holes").st_blocks * 512 < 16 << 20


def test_marker_is_replaced_in_shell_scripts_alone(source, tmp_path):
    put(source, "boot.sh", "boot.py")
    for name in ("boot.sh", "boot.py"):
        (source / name).write_bytes(b"touch /tmp/marker\xff")
    (tmp_path / "copy").mkdir()
    entries = list_source(SourcePlan(directory=str(source)))
    copy_entries(str(source), entries, str(tmp_path / "copy"), (b"/tmp/marker", b"/run/m"))
    assert (tmp_path / "copy" / "boot.sh").read_bytes() == b"touch /run/m\xff"
    assert (tmp_path / "copy" / "boot.py").read_bytes() == b"touch /tmp/marker\xff"


def test_long_copying_says_how_far_it_is(source, tmp_path, monkeypatch):
    put(source, "a", "b")
    (tmp_path / "copy").mkdir()
    monkeypatch.setattr(snapshot, "REPORT_EVERY_S", -1.0)
    said = []
    copy_entries(str(source), list_source(SourcePlan(directory=str(source))), str(tmp_path / "copy"), say=said.append)
    assert said == [f"copying {source}: {number} of 2 files and folders" for number in (0, 1)]


@pytest.mark.parametrize("place", ["", "runs"])
def test_the_workspace_itself_is_no_source(source, tmp_path, place):
    put(source, "runs/a/run.json")
    with pytest.raises(BadInput, match="is localrun's own workspace") as caught:
        list_source(SourcePlan(directory=str(source / place)), home=str(source))
    assert "--source" in caught.value.hint


def test_a_link_that_leads_out_is_refused_with_where_it_leads(source):
    (source / "data").symlink_to("/etc/hostname")
    with pytest.raises(
        BadInput, match=r"data in the folder .* is a link to /etc/hostname, which lies outside"
    ) as caught:
        listed(source)
    assert ".amlignore" in caught.value.hint


def test_of_a_link_out_of_a_virtual_environment_the_environment_is_named(source):
    put(source, "venv/pyvenv.cfg", "venv/lib/x")
    (source / "venv" / "bin").mkdir()
    (source / "venv" / "bin" / "python").symlink_to("/usr/bin/python3")
    with pytest.raises(BadInput, match="a link to /usr/bin/python3") as caught:
        listed(source)
    assert caught.value.hint == "venv is a virtual environment: write the line venv/ into .amlignore"


def test_a_folder_of_very_many_files_is_listed_in_order_all_the_same(source, monkeypatch):
    put(source, *[f"f{number}" for number in range(5)], "deep/x")
    monkeypatch.setattr(snapshot, "PART", 2)
    assert listed(source) == ["deep", "f0", "f1", "f2", "f3", "f4", "deep/x"]


def test_a_file_that_went_before_it_was_copied_is_told(source, tmp_path):
    put(source, "a")
    (tmp_path / "copy").mkdir()
    entries = list_source(SourcePlan(directory=str(source)))
    (source / "a").unlink()
    with pytest.raises(BadInput, match="/a of the source cannot be copied: No such file"):
        copy_entries(str(source), entries, str(tmp_path / "copy"))


def test_pipes_are_left_out_of_a_copy(source, tmp_path):
    put(source, "a")
    os.mkfifo(source / "pipe")
    (tmp_path / "copy").mkdir()
    copy_entries(str(source), list_source(SourcePlan(directory=str(source))), str(tmp_path / "copy"))
    assert os.listdir(tmp_path / "copy") == ["a"]


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, "store_full"), (errno.EDQUOT, "store_full"), (errno.EIO, "bad_input")]
)
def test_a_full_disk_is_told_apart_from_a_file_that_cannot_be_read(number, kind):
    error = translate_error(OSError(number, os.strerror(number)), "/source/a", "/home/runs")
    assert error.code == kind
    assert "/source/a" in error.message
    assert ("/home/runs" in error.message) == (kind == "store_full")
