from __future__ import annotations

import os
import zipfile
from importlib.metadata import PathDistribution

import pytest

from localrun.errors import BadInput
from localrun.testing import PackageFile, read_distribution, read_folder, read_wheel

METADATA = (
    "Metadata-Version: 2.1\nName: Odd_Name\nVersion: 1.2\nRequires-Python: >=3.9, <4\n\nVersion: 9 is in the text\n"
)
ENTRY_POINTS = "[console_scripts]\nodd = odd.cli:main [extra]\n\n[odd.plugins]\nx = odd.x\n"


def make_wheel(path, **more):
    members = {
        "odd_name-1.2.dist-info/METADATA": METADATA,
        "odd_name-1.2.dist-info/entry_points.txt": ENTRY_POINTS,
        **more,
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return str(path)


def test_a_wheel_becomes_a_noarch_python_package(tmp_path):
    package = read_wheel(make_wheel(tmp_path / "odd.whl", **{"odd/__init__.py": "x = 1"}))
    assert (package.name, package.version, package.noarch, package.subdir) == ("odd-name", "1.2", "python", "noarch")
    assert package.depends == ("python >=3.9,<4",)
    assert package.entry_points == ("odd = odd.cli:main",)
    assert PackageFile(path="site-packages/odd/__init__.py", content=b"x = 1") in package.files
    assert PackageFile(path="site-packages/odd_name-1.2.dist-info/INSTALLER", content=b"conda\n") in package.files


def test_the_data_of_a_wheel_goes_where_installers_put_it(tmp_path):
    data = {"odd-1.data/purelib/a.py": "", "odd-1.data/platlib/b.so": "", "odd-1.data/scripts/run": ""}
    places = {file.path for file in read_wheel(make_wheel(tmp_path / "odd.whl", **data)).files}
    assert {"site-packages/a.py", "site-packages/b.so", "python-scripts/run"} < places


def test_a_wheel_with_data_below_the_prefix_is_refused(tmp_path):
    with pytest.raises(BadInput, match="has no place in a conda package"):
        read_wheel(make_wheel(tmp_path / "odd.whl", **{"odd-1.data/data/etc/x": ""}))


def test_what_is_no_wheel_is_refused(tmp_path):
    (tmp_path / "text.whl").write_text("not a zip")
    with zipfile.ZipFile(tmp_path / "empty.whl", "w"):
        pass
    for name in ("text.whl", "empty.whl", "absent.whl"):
        with pytest.raises(BadInput, match="not a wheel"):
            read_wheel(str(tmp_path / name))


def test_an_installed_distribution_is_read_back_without_its_scripts_and_bytecode(tmp_path):
    info = tmp_path / "odd-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA)
    (info / "RECORD").write_text(
        "odd.py,,\n../../bin/odd,,\n__pycache__/odd.cpython-311.pyc,,\nodd-1.2.dist-info/METADATA,,\nodd-1.2.dist-info/INSTALLER,,\n"
    )
    (info / "INSTALLER").write_text("pip")
    (tmp_path / "odd.py").write_text("x = 1")
    package = read_distribution(PathDistribution(info))
    places = [
        f"site-packages/{name}" for name in ("odd.py", "odd-1.2.dist-info/METADATA", "odd-1.2.dist-info/INSTALLER")
    ]
    assert [file.path for file in package.files] == places
    assert package.files[-1].content == b"conda\n"
    (info / "RECORD").unlink()
    with pytest.raises(BadInput, match="RECORD"):
        read_distribution(PathDistribution(info))


def test_a_folder_keeps_its_links(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/odd").write_text("x")
    os.symlink("odd", tmp_path / "bin/same")
    os.symlink("bin", tmp_path / "sbin")
    package = read_folder(str(tmp_path), "odd", "1")
    assert [(file.path, file.link) for file in package.files] == [("sbin", "bin"), ("bin/odd", ""), ("bin/same", "odd")]
