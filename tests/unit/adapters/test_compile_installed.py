"""What is compiled in a container where an image is made."""

from __future__ import annotations

import importlib.util
import io
import os
import sys

import pytest

from localrun.adapters import compile_installed


@pytest.fixture
def site(tmp_path):
    """Give what puts a package of two modules and a script into a site folder; it gives the paths of their bytecode."""

    def put(
        name, *, rows="{0}/a.py,sha256=1,1\n{0}/b.py,sha256=2,1\n../../bin/{0}.py,sha256=3,1\n{0}/c.so,sha256=4,1\n"
    ):
        info = tmp_path / f"{name}-1.dist-info"
        info.mkdir()
        (info / "RECORD").write_text(rows.format(name))
        (tmp_path / name).mkdir()
        for module in ("a", "b"):
            (tmp_path / name / f"{module}.py").write_text("A = 1\n")
        return [importlib.util.cache_from_source(str(tmp_path / name / f"{module}.py")) for module in ("a", "b")]

    return put


def compile_one(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8"):
        pass


def test_packages_without_bytecode_are_listed_with_their_sources_and_hashes(site, tmp_path):
    site("one")
    ((key, folder, files, hashes),) = compile_installed.list_units(str(tmp_path))
    assert len(key) == 64
    assert folder == str(tmp_path)
    assert files == ["one/a.py", "one/b.py"]
    assert hashes == {"one/a.py": "sha256=1", "one/b.py": "sha256=2"}


def test_key_stands_for_the_source(site, tmp_path):
    site("one")
    site("two")
    site("three", rows='"three/a.py",sha256=1,1\nthree/b.py,sha256=5,1\n')
    keys = {files[0]: key for key, _, files, _ in compile_installed.list_units(str(tmp_path))}
    assert keys.keys() == {"one/a.py", "two/a.py", "three/a.py"}
    assert len(set(keys.values())) == 3


def test_package_that_has_bytecode_is_left_as_it_is(site, tmp_path):
    compile_one(site("done")[1])
    site("new")
    ((_, _, files, _),) = compile_installed.list_units(str(tmp_path))
    assert files == ["new/a.py", "new/b.py"]


def test_folder_without_a_record_is_passed_over(tmp_path):
    (tmp_path / "none-1.dist-info").mkdir()
    (tmp_path / "other").mkdir()
    assert compile_installed.list_units(str(tmp_path)) == []


def test_bytecode_is_written_beside_the_source(site, tmp_path, monkeypatch):
    paths = site("one")
    monkeypatch.setattr(compile_installed.sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    compile_installed.main(str(tmp_path / "cache"))
    assert [os.path.exists(path) for path in paths] == [True, True]
