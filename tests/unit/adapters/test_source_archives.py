"""What source archives say that they are built with."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest

from localrun.adapters.source_archives import WITHOUT_A_WORD, read_build_requirements
from localrun.errors import EnvironmentFailed

PROJECT = '[build-system]\nrequires = ["hatchling>=1", "tomli; python_version < \'3.11\'"]\n'
ASKED = ("hatchling>=1", "tomli; python_version < '3.11'")


def write_tar(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return str(path)


def test_requirements_of_the_project_at_the_top_count(tmp_path):
    files = {"a-1/tests/pyproject.toml": "", "a-1/pyproject.toml": PROJECT}
    assert read_build_requirements(write_tar(tmp_path / "a-1.tar.gz", files)) == ASKED
    path = tmp_path / "a-1.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a-1/pyproject.toml", PROJECT)
    assert read_build_requirements(str(path)) == ASKED


@pytest.mark.parametrize("files", [{"a-1/setup.py": ""}, {"a-1/pyproject.toml": "[project]\nname = 'a'\n"}])
def test_package_that_names_nothing_is_built_with_setuptools(tmp_path, files):
    assert read_build_requirements(write_tar(tmp_path / "a-1.tar.gz", files)) == WITHOUT_A_WORD


def test_archive_that_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "a-1.tar.gz"
    path.write_bytes(b"damaged")
    with pytest.raises(EnvironmentFailed, match=r"a-1\.tar\.gz cannot be read"):
        read_build_requirements(str(path))
    with pytest.raises(EnvironmentFailed, match="cannot be read"):
        read_build_requirements(write_tar(path, {"a-1/pyproject.toml": "= broken"}))
    assert read_build_requirements(write_tar(path, {"a-1/pyproject.toml": "[build-system]\nrequires = []"})) == ()
