"""The files that a lock names, and their places in a folder of them all."""

from __future__ import annotations

import json

import pytest

from localrun.errors import BadInput
from localrun.formats.environment import read_environment
from localrun.formats.lock_archives import lay_over, list_archives

SHA = "a" * 64
CONDA = {
    "name": "numpy",
    "version": "1.26.4",
    "manager": "conda",
    "platform": "linux-64",
    "url": "https://host/conda-forge/linux-64/numpy-1.26.4-py311_0.conda",
    "hash": {"md5": "b" * 32, "sha256": SHA},
}
PIP = CONDA | {
    "name": "torch",
    "version": "2.1.0+cpu",
    "manager": "pip",
    "url": "https://host/whl/torch-2.1.0%2Bcpu-cp311-cp311-linux_x86_64.whl#sha256=" + "c" * 64,
    "hash": {"sha256": "c" * 64},
}


def collect(*packages, platforms=()):
    data = json.dumps({"version": 1, "metadata": {"platforms": ["linux-64"]}, "package": list(packages)}).encode()
    lock = read_environment("conda-lock.yml", read=lambda _: data, is_directory=lambda _: False)
    return list_archives(lock, data, platforms)


def test_each_package_has_one_place():
    other = CONDA | {"platform": "osx-64", "url": "https://host/conda-forge/noarch/pip-1-0.conda", "name": "pip"}
    other |= {"version": "1", "hash": {"md5": "d" * 32}}
    found = collect(CONDA, CONDA, PIP, other)
    assert [(one.path, one.algorithm, one.digest) for one in found] == [
        ("conda/linux-64/numpy-1.26.4-py311_0.conda", "sha256", SHA),
        ("wheels/torch-2.1.0+cpu-cp311-cp311-linux_x86_64.whl", "sha256", "c" * 64),
        ("conda/noarch/pip-1-0.conda", "md5", "d" * 32),
    ]
    assert [one.name for one in collect(CONDA, other, platforms=("osx-64",))] == ["pip"]


def test_extras_are_not_collected():
    assert [one.name for one in collect(CONDA, PIP | {"category": "gpu"})] == ["numpy"]


def test_two_files_of_one_name_with_other_bytes_are_refused():
    other = CONDA | {"url": CONDA["url"].replace("conda-forge", "other"), "hash": {"sha256": "e" * 64}}
    with pytest.raises(BadInput, match="two packages with other bytes are called"):
        collect(CONDA, other)


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "https://host/wheels/"},
        {"url": "git+https://host/torch.git@abc"},
        {"url": "https://host/.torch.whl"},
        {"manager": "conda", "version": "1", "url": "https://host/../torch-1-0.conda"},
    ],
)
def test_what_is_no_file_of_a_plain_name_is_refused(changes):
    with pytest.raises(BadInput, match="cannot be collected"):
        collect(PIP | changes)


def test_addresses_are_led_into_the_folder():
    (archive,) = collect(PIP)
    line = f"torch @ https://host/whl/torch-2.1.0%2Bcpu-cp311-cp311-linux_x86_64.whl#sha256={'c' * 64}"
    assert lay_over([f"click==8.1.7 --hash=sha256:{SHA}", line], "/my dir") == (
        f"click==8.1.7 --hash=sha256:{SHA}",
        f"torch @ file:///my%20dir/wheels/torch-2.1.0%2Bcpu-cp311-cp311-linux_x86_64.whl#sha256={archive.digest}",
    )
