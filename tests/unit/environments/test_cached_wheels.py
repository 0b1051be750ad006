"""Files of pip packages that are copies of sound files in uv's cache."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil

import pytest

from localrun.adapters.unchanged import describe_files, write_note
from localrun.environments.cached_wheels import find_sound_files
from localrun.environments.contents import find_changed_files, read_pip_packages

FILES = {"one/a.py": b"A = 1\n", "one/b, c.so": b"\x7fELF", "one-1.0.dist-info/METADATA": b"", "one-1.0.data/x": b"#!"}


def row(name, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f'"{name}",sha256={digest},{len(data)}\n' if "," in name else f"{name},sha256={digest},{len(data)}\n"


def write_files(folder, files):
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def unpack(home, key, files=FILES, layout="archive-v0"):
    folder = home / "cache" / "uv" / layout / key
    write_files(folder, files)
    rows = "".join(row(name, data) for name, data in files.items())
    (folder / "one-1.0.dist-info" / "RECORD").write_text(f"{rows}one-1.0.dist-info/RECORD,,\n")
    return folder


@pytest.fixture
def site(tmp_path):
    """A site folder as uv fills it: a script of the wheel's data got another first line and another place."""
    site = tmp_path / "site"
    files = {name: data for name, data in FILES.items() if ".data" not in name}
    write_files(site, files)
    files["../../bin/x"] = b"#!/prefix/bin/python"
    rows = "".join(row(name, data) for name, data in files.items())
    (site / "one-1.0.dist-info" / "RECORD").write_text(f"{rows}one-1.0.dist-info/RECORD,,\n")
    return site


def find(home, site):
    return {name for _, name in find_sound_files(str(home), read_pip_packages(str(site), ()))}


def test_copies_of_a_sound_wheel_are_known_and_the_rest_is_not(tmp_path, site):
    unpack(tmp_path, "k1")
    assert find(tmp_path, site) == {"one/a.py", "one/b, c.so", "one-1.0.dist-info/METADATA"}
    assert os.listdir(tmp_path / "cache" / "verified") == ["k1"]


def test_a_wheel_that_changed_after_it_was_noted_vouches_for_nothing(tmp_path, site):
    folder = unpack(tmp_path, "k1")
    assert find(tmp_path, site)
    before = os.stat(folder / "one" / "a.py")
    (folder / "one" / "a.py").write_bytes(b"A = 2\n")
    os.utime(folder / "one" / "a.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert find(tmp_path, site) == set()
    shutil.copy(folder / "one" / "a.py", site / "one" / "a.py")
    packages = read_pip_packages(str(site), ())
    changed = find_changed_files(packages, find_sound_files(str(tmp_path), packages))
    assert ("one", str(site / "one" / "a.py")) in changed


def test_a_noted_wheel_is_not_read_again(tmp_path, site):
    folder = unpack(tmp_path, "k1")
    first = find(tmp_path, site)
    (folder / "one" / "a.py").write_bytes(b"A = 2\n")
    names = [name for name in FILES if ".data" not in name]
    write_note(str(tmp_path / "cache" / "verified" / "k1"), describe_files(str(folder), names))
    assert find(tmp_path, site) == first


def test_of_a_wheel_that_came_twice_both_must_be_sound(tmp_path, site):
    unpack(tmp_path, "k1")
    other = unpack(tmp_path, "k2", layout="archive-v1")
    assert find(tmp_path, site)
    (other / "one" / "a.py").unlink()
    assert find(tmp_path, site) == set()


def test_another_wheel_of_the_version_does_not_count(tmp_path, site):
    unpack(tmp_path, "k2", {**FILES, "one/b, c.so": b"for another machine"})
    assert find(tmp_path, site) == set()
    unpack(tmp_path, "k1")
    assert "one/b, c.so" in find(tmp_path, site)


def test_without_a_cache_nothing_is_known(tmp_path, site):
    assert find(tmp_path, site) == set()
