"""The sdist and the wheel as `python -m build` makes them, and the wheel as a new user has it."""

from __future__ import annotations

import email
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest
from uv import find_uv_bin

import localrun

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHES = ("__pycache__", ".pyc", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".demo/", ".cache/")
pytestmark = pytest.mark.pypi


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build both, the wheel from the sdist, so that the sdist is shown to be enough."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "build", "--installer", "uv", "--outdir", str(folder), REPOSITORY]
    path = os.pathsep.join([os.path.dirname(find_uv_bin()), os.environ["PATH"]])
    done = subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    stem = f"localrun-{localrun.__version__}"
    assert sorted(os.listdir(folder)) == [f"{stem}-py3-none-any.whl", f"{stem}.tar.gz"]
    return folder


@pytest.fixture(scope="module")
def wheel_path(built):
    return str(built / f"localrun-{localrun.__version__}-py3-none-any.whl")


@pytest.fixture(scope="module")
def in_wheel(wheel_path):
    with zipfile.ZipFile(wheel_path) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist()}


@pytest.fixture(scope="module")
def in_sdist(built):
    with tarfile.open(built / f"localrun-{localrun.__version__}.tar.gz") as sdist:
        return {name.partition("/")[2] for name in sdist.getnames()}


def list_sources(folder):
    found = set()
    for place, folders, names in os.walk(os.path.join(REPOSITORY, folder)):
        folders[:] = [name for name in folders if name != "__pycache__" and not name.startswith(".")]
        found |= {os.path.relpath(os.path.join(place, name), REPOSITORY) for name in names}
    return {name for name in found if not name.endswith(".pyc")}


def test_the_wheel_holds_the_package_and_nothing_else(in_wheel):
    information = f"localrun-{localrun.__version__}.dist-info/"
    files = {name for name in in_wheel if not name.startswith(information)}
    assert files == list_sources("localrun")
    assert "localrun/py.typed" in files


def test_neither_holds_caches(in_wheel, in_sdist):
    assert not [name for name in (*in_wheel, *in_sdist) if any(cache in name for cache in CACHES)]


def test_the_sdist_holds_samples_tests_benchmarks_and_pages(in_sdist):
    assert list_sources("localrun") <= in_sdist
    for folder, file in (
        ("samples", "samples/quickstart/job.yml"),
        ("tests", "tests/packaging/test_distribution.py"),
        ("benchmarks", "benchmarks/pairs.py"),
        ("docs", "docs/how-it-works.md"),
    ):
        assert file in in_sdist, folder
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "Makefile"} <= in_sdist


def test_the_metadata_says_version_license_python_and_what_is_supported(in_wheel):
    information = f"localrun-{localrun.__version__}.dist-info"
    metadata = email.message_from_bytes(in_wheel[f"{information}/METADATA"])
    assert metadata["Version"] == localrun.__version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.10"
    assert b"MIT License" in in_wheel[f"{information}/licenses/LICENSE"]
    assert "Typing :: Typed" in metadata.get_all("Classifier")
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert b"localrun = localrun.cli:enter" in in_wheel[f"{information}/entry_points.txt"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_wheel_in_a_new_venv_runs_the_quickstart(wheel_path, tmp_path):
    venv, sample, results = tmp_path / "venv", tmp_path / "quickstart", tmp_path / "results"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python, program = str(venv / "bin" / "python"), str(venv / "bin" / "localrun")
    subprocess.run([find_uv_bin(), "pip", "install", "--quiet", "--python", python, wheel_path], check=True)
    shutil.copytree(os.path.join(REPOSITORY, "samples", "quickstart"), sample)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [program, "run", "-E", f"interpreter:{python}", "--outputs", str(results), "job.yml"]
    done = subprocess.run(command, cwd=sample, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "distance = " in done.stdout
    done = subprocess.run([python, "verify.py", str(results)], cwd=sample, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    said = subprocess.run([program, "--version"], env=environ, capture_output=True, text=True, check=True).stdout
    assert said == f"localrun {localrun.__version__}\n"
