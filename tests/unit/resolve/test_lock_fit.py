"""Whether a lock of conda-lock is still that of a definition, as far as names and versions tell."""

from __future__ import annotations

import pytest

from localrun.resolve.lock_fit import find_lacking, find_misfit
from localrun.spec import LockSpec, PythonSpec
from localrun.values import replace

SHA = "a" * 64
LOCK = LockSpec(
    platform="linux-64",
    conda=tuple(
        f"https://host/conda-forge/linux-64/{name}.conda#sha256:{SHA}"
        for name in ("python-3.11.7-h0_0", "numpy-1.26.4-py311_0", "py-opencv-4.9.0-qt6", "openssl-3.2.1h-h1_0")
    ),
    pip=(f"Flask_Cors==4.0.0 --hash=sha256:{SHA}", f"torch @ https://host/torch-2.1.0%2Bcpu.whl#sha256={SHA}"),
)


@pytest.mark.parametrize(
    "spec",
    [
        "numpy", "numpy=1.26", "numpy=1.26.4", "numpy==1.26.4", "numpy=1.26.4=py311_0", "numpy 1.26.*", "numpy=1.26.*",
        "numpy >=1.20,<2", "numpy>=1.20,<2", "conda-forge::numpy", "numpy[version='>=3']", "numpy=1.26|3", "numpy 1.26.4 py311_0",
        "pip", "python=3.11", "Py-OpenCV!=4.8", "openssl>=9", "numpy *", "numpy<=1.26.4", "numpy==1.26.4.0", "numpy>1.26",
    ],
)  # fmt: skip
def test_conda_package_of_the_lock_fits(spec):
    assert not find_misfit(LOCK, PythonSpec(conda=(spec,)))


@pytest.mark.parametrize(
    "spec",
    [
        "pandas", "numpy=1.27", "numpy=1.2", "numpy==1.26", "numpy=1.27.4=py311_0", "numpy 1.25.*", "numpy >=2", "numpy>=1.20,<1.26",
        "conda-forge::pandas", "python=3.10", "numpy!=1.26.4", "pip>=20", "numpy>1.26.4",
    ],
)  # fmt: skip
def test_conda_package_that_is_not_in_the_lock_or_in_another_version_does_not_fit(spec):
    assert find_misfit(LOCK, PythonSpec(conda=(spec,)))


@pytest.mark.parametrize(
    "line",
    [
        "flask-cors", "Flask.CORS>=4", "flask-cors[all]~=4.0", "flask-cors==4.0.0 --hash=sha256:00", "torch", "torch==9", "numpy",
        "win-only==1; sys_platform == 'win32'", "--extra-index-url https://host", "flask_cors==4.*",
    ],
)  # fmt: skip
def test_pip_package_of_the_lock_fits(line):
    assert not find_misfit(LOCK, PythonSpec(pip=(line,)))


@pytest.mark.parametrize(
    "line",
    [
        "click",
        "flask-cors==3.0",
        "flask-cors<4",
        "flask-cors~=3.9",
        "-e .",
        "./own",
        "git+https://host/x.git",
        "own @ file:///x",
    ],
)
def test_pip_package_that_is_not_in_the_lock_or_in_another_version_does_not_fit(line):
    assert find_misfit(LOCK, PythonSpec(pip=(line,)))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (PythonSpec(conda=("numpy >=2",)), "it has numpy 1.26.4, not numpy >=2"),
        (PythonSpec(conda=("pandas",)), "it has no pandas"),
        (PythonSpec(pip=("Flask_Cors<4",)), "it has flask-cors 4.0.0, not Flask_Cors<4"),
        (PythonSpec(channels=("conda-forge",)), "its channels are main extra, not conda-forge"),
        (PythonSpec(channels=("extra", "main")), "its channels are main extra, not extra main"),
    ],
)
def test_difference_is_named(asked, said):
    assert find_misfit(replace(LOCK, channels=("main", "extra")), asked) == said


@pytest.mark.parametrize(
    ("asked", "locked"),
    [
        ((), ("main",)),
        (("main",), ()),
        (("main", "nodefaults"), ("main",)),
        (("https://host/main/",), ("main",)),
        (("https://me:secret@host/main",), ("https://$USER:$PASSWORD@host/main",)),
        (("https://host/t/secret/main",), ("https://host/t/$TOKEN/main",)),
        (("defaults",), ("https://host/main", "https://host/r")),
    ],
)
def test_channels_that_may_be_the_same_fit(asked, locked):
    assert not find_misfit(replace(LOCK, channels=locked), PythonSpec(channels=asked))


@pytest.mark.parametrize(
    ("asked", "locked"), [(("https://host/main",), ("https://other/main",)), (("main", "extra"), ("main",))]
)
def test_other_channels_do_not_fit(asked, locked):
    assert find_misfit(replace(LOCK, channels=locked), PythonSpec(channels=asked)).startswith("its channels are")


def test_package_that_is_lacking_is_named_and_one_in_another_version_is_there():
    assert find_lacking(LOCK, PythonSpec(conda=("numpy >=2", "pandas"))) == "pandas"
    assert find_lacking(LOCK, PythonSpec(conda=("python", "pip", "@odd"), pip=("numpy", "click", "-e ."))) == "click"
    assert find_lacking(LOCK, PythonSpec(conda=("numpy",), pip=("torch", "click; python_version < '3'"))) == ""
