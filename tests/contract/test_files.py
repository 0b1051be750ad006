"""What reads files: one body, held against the fake and the disk."""

from __future__ import annotations

import pytest

from localrun.adapters.files import Reading
from localrun.testing import FakeFiles

FILES = {"a/job.yml": b"command: true\n", "a/empty": b"", "b/c/deep": b"\xff\x00"}


@pytest.fixture(params=["fake", "disk"])
def port(request, tmp_path):
    files = {str(tmp_path / name): data for name, data in FILES.items()}
    if request.param == "fake":
        return FakeFiles(files), str(tmp_path)
    for name, data in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return Reading(), str(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_whole(port, name):
    files, root = port
    assert files.read(f"{root}/{name}") == FILES[name]


@pytest.mark.parametrize(
    ("name", "kind"), [("a/job.yml", "file"), ("b/c", "folder"), ("b", "folder"), ("x", "missing")]
)
def test_what_stands_at_a_path_is_told(port, name, kind):
    files, root = port
    assert files.look(f"{root}/{name}") == kind


def test_a_missing_file_and_a_folder_are_told_apart(port):
    files, root = port
    with pytest.raises(FileNotFoundError):
        files.read(f"{root}/nothing")
    with pytest.raises(IsADirectoryError):
        files.read(f"{root}/a")


def test_everything_that_was_looked_at_is_evidence(port):
    files, root = port
    files.read(f"{root}/a/job.yml")
    files.look(f"{root}/x")
    files.look(f"{root}/b")
    files.watch(f"{root}/a/empty")
    seen = {path.removeprefix(f"{root}/"): facts for path, facts in files.evidence.items()}
    assert set(seen) == {"a/job.yml", "x", "b", "a/empty"}
    assert seen["a/job.yml"][0] == 14
    assert seen["x"] == ()
    assert seen["b"]
    assert seen["a/empty"]
