"""Packages in the caches that were found sound once and damaged afterwards, with size and time put back."""

from __future__ import annotations

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))  # tests are not packages
from environment_kit import fill_channel, make, make_plan, text_package
from packages_kit import make_wheel

pytestmark = pytest.mark.channel


def damage(path):
    before = os.stat(path)
    with open(path, "r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_conda_package_is_unpacked_anew(tmp_path):
    plan = make_plan(fill_channel(tmp_path / "channel", [text_package("many", count=20)]))
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    for _ in range(2):  # the second making validates what the first one unpacked
        make(plan, home, rebuild=True)
    assert os.listdir(home / "cache" / "verified") == ["many-1.0-0"]
    damage(home / "cache" / "conda" / "many-1.0-0" / "share" / "many" / "3.txt")
    made = make(plan, home, rebuild=True)
    with open(f"{made.prefix}/share/many/3.txt") as file:
        assert file.read() == "many 1.0 3\n" * 20


def test_a_wheel_is_fetched_anew(tmp_path, python_channel):
    make_wheel(tmp_path / "wheels", "smallest", body="VALUE = 3\n")
    pip = ("--no-index", f"--find-links {tmp_path / 'wheels'}", "smallest")
    plan = make_plan(python_channel, conda=("python",), pip=pip)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    make(plan, home)
    (wheel,) = (home / "cache" / "uv").glob("archive-v*/*/smallest.py")
    assert wheel.parent.name in os.listdir(home / "cache" / "verified")
    damage(wheel)
    told = []
    made = make(plan, home, told.append, rebuild=True)
    assert any("found damaged files of smallest" in item.text for item in told)
    with open(os.path.join(made.site_packages[0], "smallest.py")) as file:
        assert file.read() == "VALUE = 3\n"
