from __future__ import annotations

import json

import pytest

from localrun.workspace.versions import keep_conda, list_packages, read_versions


@pytest.mark.parametrize("text", ["", "{", "[]", '{"conda": [{"name": "a"}], "pip": []}'])
def test_damaged_versions_count_as_none(tmp_path, text):
    path = tmp_path / "versions.json"
    path.write_text(text)
    assert read_versions(str(path)) == read_versions(str(tmp_path / "gone")) == {}
    assert list_packages({}) == []


def test_packages_are_listed_with_manager_version_and_build(tmp_path):
    path = tmp_path / "versions.json"
    kept = keep_conda({"name": "python", "version": "3.11", "build": "h0", "md5": None, "depends": ["x"]})
    assert kept == {
        "name": "python",
        "version": "3.11",
        "build": "h0",
        "channel": "",
        "url": "",
        "sha256": "",
        "md5": "",
    }
    path.write_text(json.dumps({"conda": [kept], "pip": [{"name": "click", "version": "8"}]}))
    assert list_packages(read_versions(str(path))) == [("conda", "python", "3.11", "h0"), ("pip", "click", "8", "")]
