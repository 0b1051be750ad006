"""What a build context holds, and what is said of one that cannot be sent."""

from __future__ import annotations

import os

import pytest

from localrun.adapters import build_context
from localrun.adapters.build_context import hash_context, list_context, open_regular
from localrun.errors import BadInput


@pytest.fixture
def folder(tmp_path):
    context = tmp_path / "context"
    (context / "deep").mkdir(parents=True)
    (context / "Dockerfile").write_text("FROM scratch\n")
    (context / "deep" / "a").write_text("a")
    (context / "link").symlink_to("deep/a")
    os.mkfifo(context / "pipe")
    return context


def listed(folder):
    found = list_context(str(folder), "Dockerfile")
    return [(one.path, one.kind) for one in found.files], found.skipped


def test_files_folders_and_links_are_listed_and_what_is_none_is_named(folder):
    everything = [("Dockerfile", "file"), ("deep", "folder"), ("deep/a", "file"), ("link", "link")]
    assert listed(folder) == (everything, ("pipe",))


def test_what_dockerignore_names_is_left_out(folder):
    (folder / ".dockerignore").write_text("# a comment\n\ndeep\npipe\nDockerfile\n")
    assert listed(folder) == ([(".dockerignore", "file"), ("Dockerfile", "file"), ("link", "link")], ())


def test_a_dockerignore_that_is_a_folder_says_nothing(folder):
    (folder / ".dockerignore").mkdir()
    assert (".dockerignore", "folder") in listed(folder)[0]


def test_a_dockerignore_that_is_no_text_is_told(folder):
    (folder / ".dockerignore").write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(BadInput, match="cannot be read") as caught:
        listed(folder)
    assert caught.value.file == str(folder / ".dockerignore")


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(BadInput, match=f"cannot be read: {tmp_path}/none: No such file"):
        listed(tmp_path / "none")


@pytest.mark.parametrize(
    ("limit", "value", "said"),
    [
        ("MOST_BYTES", 10, "is too large: 4 files"),
        ("MOST_FILES", 2, "is too large: 4 files"),
        ("MOST_FILES", 1, "more than 4 files"),
    ],
)
def test_a_context_beyond_the_limits_is_refused(folder, monkeypatch, limit, value, said):
    monkeypatch.setattr(build_context, limit, value)
    with pytest.raises(BadInput, match=said) as caught:
        listed(folder)
    assert ".dockerignore" in caught.value.hint


def test_the_hash_is_of_names_contents_links_and_programs_and_of_no_times(folder):
    def look():
        return hash_context(list_context(str(folder), "Dockerfile"))

    first = look()
    os.utime(folder / "deep" / "a", (1, 1))
    assert look() == first
    (folder / "deep" / "a").chmod(0o755)
    program = look()
    (folder / "deep" / "a").write_text("b")
    content = look()
    (folder / "link").unlink()
    (folder / "link").symlink_to("deep")
    assert len({first, program, content, look()}) == 4


@pytest.mark.parametrize(
    ("name", "said"), [("none", "No such file"), ("link", "cannot be read"), ("pipe", "is no file any more")]
)
def test_only_a_file_is_sent_and_nothing_is_waited_for(folder, name, said):
    with pytest.raises(BadInput, match=said):
        open_regular(str(folder / name))
