"""What is refused of a conda package before a file of it reaches a prefix."""

from __future__ import annotations

import json

import pytest

from localrun.adapters.answers import Refused
from localrun.adapters.rattler_checks import PathGuard, check_hashes


def package(folder, paths, links=(), link_json=None):
    (folder / "info").mkdir(parents=True)
    entries = [{"_path": path, "path_type": "hardlink"} for path in paths]
    entries += [{"_path": path, "path_type": "softlink"} for path in links]
    (folder / "info" / "paths.json").write_text(json.dumps({"paths": entries, "paths_version": 1}))
    if link_json is not None:
        (folder / "info" / "link.json").write_text(json.dumps(link_json))
    return str(folder)


def test_an_honest_package_passes(tmp_path):
    guard = PathGuard()
    guard.check("a", package(tmp_path / "a", ["bin/x", "lib/..data/y"], ["lib/z"]))
    with pytest.raises(Refused):  # it was looked at: a file of another one may not go through its link
        guard.check("b", package(tmp_path / "b", ["lib/z/file"]))


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/x", "\\x", "a\\..\\..\\x", "", "a\0b"])
def test_paths_that_lead_outside_are_refused(tmp_path, path):
    with pytest.raises(Refused, match="not installed"):
        PathGuard().check("a", package(tmp_path, [path]))


def test_files_through_a_link_are_refused(tmp_path):
    with pytest.raises(Refused, match="through the link 'lib'"):
        PathGuard().check("a", package(tmp_path, ["lib/x"], ["lib"]))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_files_through_the_link_of_another_package_are_refused(tmp_path, order):
    folders = [package(tmp_path / "a", ["x"], ["share/d"]), package(tmp_path / "b", ["share/d/e/f"])]
    guard = PathGuard()
    guard.check("first", folders[order[0]])
    with pytest.raises(Refused, match="share/d"):
        guard.check("second", folders[order[1]])


@pytest.mark.parametrize("command", ["../../x = a:b", "/x = a:b", " = a:b", ".. = a:b"])
def test_entry_points_that_lead_outside_are_refused(tmp_path, command):
    link = {"noarch": {"type": "python", "entry_points": [command]}}
    with pytest.raises(Refused, match="entry point"):
        PathGuard().check("a", package(tmp_path, [], link_json=link))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"paths": [1]}', '{"paths": [{}]}', "[" * 100_000])
def test_a_package_without_a_readable_list_is_refused(tmp_path, text):
    (tmp_path / "info").mkdir()
    (tmp_path / "info" / "paths.json").write_text(text)
    with pytest.raises(Refused, match="no readable list"):
        PathGuard().check("a", str(tmp_path))


def test_the_stronger_hash_counts(tmp_path):
    (tmp_path / "p").write_bytes(b"x")
    sha256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    check_hashes(str(tmp_path / "p"), {"sha256": sha256, "md5": "0" * 32})
    with pytest.raises(Refused, match=r"expected md5 0+, got 9dd4e461268c8034f5c8564e155c67a6"):
        check_hashes(str(tmp_path / "p"), {"md5": "0" * 32})
    check_hashes(str(tmp_path / "p"), {})
