from __future__ import annotations

import os

import pytest

from localrun.plan import Artifact
from localrun.targets.overlay import find_base, find_version, make_overlay


def artifact(python, *sites):
    return Artifact(kind="interpreter", python=python, site_packages=sites)


@pytest.mark.parametrize(
    ("sites", "python", "version"),
    [
        (("/env/lib/python3.12/site-packages",), "/env/bin/python", "3.12"),
        (("/opt/python3.9/envs/x/lib/python3.11/site-packages",), "/x", "3.11"),
        (("/usr/lib/python3/dist-packages",), "/nowhere/bin/python3.10", "3.10"),
        ((), "/nowhere/bin/python", "3"),
    ],
)
def test_version_is_read_from_the_names_of_folders(sites, python, version):
    assert find_version(artifact(python, *sites)) == version


def test_base_of_a_virtual_environment_is_its_home(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "pyvenv.cfg").write_text("version = 3.11\nhome = /usr/bin\n")
    assert find_base(str(tmp_path / "bin" / "python")) == ("/usr/bin", {"version": "3.11", "home": "/usr/bin"})
    (tmp_path / "pyvenv.cfg").write_text("nothing\n")
    assert find_base(str(tmp_path / "bin" / "python")) == (str(tmp_path / "bin"), None)


@pytest.mark.parametrize("virtual", [True, False])
def test_overlay_lies_over_the_environment(tmp_path, virtual):
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    site = f"{tmp_path}/env/lib/python3.11/site-packages"
    if virtual:
        (tmp_path / "env" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    programs = make_overlay(artifact(str(python), site), str(tmp_path / "node"))
    assert programs == f"{tmp_path}/node/bin"
    assert os.readlink(f"{programs}/python3.11") == str(python)
    assert os.access(f"{programs}/pip3", os.X_OK)
    home = "/usr/bin" if virtual else str(python.parent)
    assert f"home = {home}\n" in (tmp_path / "node" / "pyvenv.cfg").read_text()
    added = f"{tmp_path}/node/lib/python3.11/site-packages/_environment.pth"
    assert os.path.exists(added) == virtual


@pytest.mark.parametrize(
    ("settings", "seen"),
    [
        (None, "true"),
        ("", "false"),
        ("include-system-site-packages = false\n", "false"),
        ("include-system-site-packages = true\n", "true"),
    ],
)
def test_packages_below_a_virtual_environment_are_seen_if_it_sees_them(tmp_path, settings, seen):
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    if settings is not None:
        (tmp_path / "env" / "pyvenv.cfg").write_text(f"home = /usr/bin\n{settings}")
    make_overlay(artifact(str(python), "/x/lib/python3.11/site-packages"), str(tmp_path / "node"))
    assert f"include-system-site-packages = {seen}\n" in (tmp_path / "node" / "pyvenv.cfg").read_text()
