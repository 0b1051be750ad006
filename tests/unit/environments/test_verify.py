"""What has changed in an environment since it was made, and what one is made of that is damaged."""

from __future__ import annotations

import os

import pytest

from localrun.environments.commit import list_files, manifest_text, replace_file
from localrun.environments.contents import InstalledPackage, find_missing_files, read_hashes
from localrun.environments.places import find_places
from localrun.environments.verify import find_differences, list_environments

NAME = "azureml_0123"


@pytest.fixture
def places(tmp_path):
    found = find_places(str(tmp_path), NAME)
    os.makedirs(os.path.join(found.prefix, "lib"))
    for name in ("a", "b", "c"):
        with open(os.path.join(found.prefix, "lib", name), "wb") as file:
            file.write(name.encode())
    replace_file(found.manifest, manifest_text(list_files(found.prefix)))
    return found


def test_every_file_that_is_missing_changed_or_new_is_listed(tmp_path, places):
    assert find_differences(str(tmp_path), NAME) == []
    os.unlink(os.path.join(places.prefix, "lib", "a"))
    os.utime(os.path.join(places.prefix, "lib", "b"), (1, 1))
    with open(os.path.join(places.prefix, "new\n\tfile"), "wb"):
        pass
    assert find_differences(str(tmp_path), NAME) == ["changed: lib/b", "missing: lib/a", "new: new\n\tfile"]
    os.unlink(places.manifest)
    assert find_differences(str(tmp_path), NAME) == ["new: lib/b", "new: lib/c", "new: new\n\tfile"]


def test_where_there_are_no_environments_none_is_complete(tmp_path):
    assert list_environments(str(tmp_path / "none")) == []


def test_a_file_that_cannot_be_replaced_leaves_nothing_half_written(tmp_path):
    (tmp_path / "record").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        replace_file(str(tmp_path / "record"), b"{}")
    assert os.listdir(tmp_path) == ["record"]


def test_at_most_five_files_that_are_missing_or_cut_short_are_told(tmp_path):
    for number in range(3):
        (tmp_path / f"short{number}").write_bytes(b"x")
    listed = [(f"short{number}", 2) for number in range(3)] + [(f"gone{number}", 1) for number in range(4)]
    package = InstalledPackage(
        manager="pip", name="p", version="1", key="", files=tuple(listed), folder=str(tmp_path), record={}
    )
    problems = find_missing_files([package])
    assert problems[0] == f"{tmp_path}/short0 of p 1 has 1 bytes, not 2"
    assert problems[3:] == [f"{tmp_path}/gone{number} of p 1 is missing" for number in range(2)]
    assert find_missing_files([]) == []


def test_a_package_without_a_record_has_no_hashes(tmp_path):
    assert read_hashes(str(tmp_path / "RECORD")) == {}
    (tmp_path / "RECORD").write_text("a.py,sha256=x,3\nRECORD,,\n\n")
    assert read_hashes(str(tmp_path / "RECORD")) == {"a.py": "sha256=x"}
