"""What the workspace takes."""

from __future__ import annotations

import os

from localrun.workspace.disk import Counter, can_link, measure_disk


def test_file_of_several_names_counts_once(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "one").write_bytes(b"x" * 100_000)
    os.link(tmp_path / "a" / "one", tmp_path / "b" / "two")
    counter = Counter()
    first, shared = counter.count(str(tmp_path / "a"))
    assert (first >= 100_000, shared) == (True, 0)
    second, shared = counter.count(str(tmp_path / "b"))
    assert second - shared < 100_000 <= shared


def test_links_are_not_followed_and_what_is_gone_counts_nothing(tmp_path):
    (tmp_path / "big").write_bytes(b"x" * 1_000_000)
    (tmp_path / "in").mkdir()
    os.symlink(tmp_path, tmp_path / "in" / "out")
    assert Counter().count(str(tmp_path / "in"))[0] < 100_000
    assert Counter().count(str(tmp_path / "none")) == (0, 0)


def test_empty_workspace_has_rows_all_the_same(tmp_path):
    found = measure_disk(str(tmp_path))
    assert [row["kind"] for row in found["rows"]] == ["snapshots", "runs", "other"]
    assert found["total_bytes"] == 0
    assert os.listdir(tmp_path) == []


def test_only_environments_and_packages_have_rows_of_their_own(tmp_path):
    for folder in ("cache/conda", "environments/images", "environments/azureml_1", "environments/azureml_2.work"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "cache" / "CACHEDIR.TAG").write_bytes(b"x")
    rows = [(row["kind"], row["name"]) for row in measure_disk(str(tmp_path))["rows"]]
    assert rows[:2] == [("packages", "conda"), ("environment", "azureml_1")]
    assert [kind for kind, _ in rows[2:]] == ["snapshots", "runs", "other"]


def test_a_folder_that_is_not_there_takes_no_second_names(tmp_path):
    assert can_link(str(tmp_path))
    assert not can_link(str(tmp_path / "none"))
