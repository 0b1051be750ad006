from __future__ import annotations

import os

import pytest

from localrun.workspace.place import is_plain, make_place, remove_place


@pytest.mark.parametrize("path", ["/home/ada/.local/share/localrun", "/a+b,c@d:e=f%g_h-1/x.y", "/home/jürgen"])
def test_path_that_needs_no_quotes(path):
    assert is_plain(path)


@pytest.mark.parametrize("char", list(" \t\n*?[]{}$`'\"\\!&;|<>()~#^"))
def test_path_that_needs_quotes(char):
    assert not is_plain(f"/home/a{char}b")


def test_place_is_private_and_goes_with_its_link(tmp_path):
    place = make_place(str(tmp_path))
    assert os.stat(place).st_mode & 0o777 == 0o700
    assert is_plain(place)
    with open(f"{place}/marker", "w", encoding="ascii"):
        pass
    remove_place(str(tmp_path))
    assert not os.path.lexists(place)
    assert os.listdir(tmp_path) == []
    remove_place(str(tmp_path))


def test_link_to_anything_else_is_never_followed(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "run").mkdir()
    os.symlink(tmp_path / "kept", tmp_path / "run" / "place")
    remove_place(str(tmp_path / "run"))
    assert (tmp_path / "kept").exists()
    assert not os.path.lexists(tmp_path / "run" / "place")
