"""Which of several files of a package a lock names."""

from __future__ import annotations

import pytest

from localrun.adapters.uv_lock import _describe
from localrun.errors import EnvironmentFailed


def package(*wheels, **more):
    files = [{"url": f"https://host/{name}", "hashes": {"sha256": name}} for name in wheels]
    return {"name": "a", "version": "1", "wheels": files} | more


@pytest.mark.parametrize(
    "wheels",
    [
        ("a-1-py3-none-any.whl", "a-1-cp311-cp311-macosx_11_0_arm64.whl"),
        ("a-1-cp38-abi3-manylinux_2_28_x86_64.whl", "a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"),
        ("a-1-py3-none-any.whl", "a-1-cp38-abi3-manylinux_2_28_x86_64.whl"),
        ("a-1-cp311-cp311-manylinux_2_5_x86_64.whl", "a-1-cp311-cp311-manylinux_2_28_x86_64.whl"),
    ],
)
def test_the_most_fitting_wheel_is_taken_in_whatever_order(wheels):
    for order in (wheels, wheels[::-1]):
        assert _describe(package(*order), "3.11.7")["sha256"] == wheels[-1]


def test_source_is_taken_where_there_is_no_wheel():
    source = {"url": "https://host/a-1.tar.gz", "hashes": {"sha256": "s"}}
    assert _describe(package(sdist=source), "3.11.7")["url"] == "https://host/a-1.tar.gz"


def test_file_of_an_index_in_a_folder_is_taken():
    source = {"url": "file:///index/a-1.tar.gz", "hashes": {"sha256": "s"}}
    assert _describe(package(sdist=source), "3.11.7")["url"] == "file:///index/a-1.tar.gz"


@pytest.mark.parametrize(
    "more", [{"directory": {"path": "../a"}}, {"vcs": {"url": "https://host/a", "commit_id": "c"}}]
)
def test_what_no_hash_can_name_is_refused(more):
    with pytest.raises(EnvironmentFailed, match="a cannot be locked"):
        _describe(package(**more), "3.11.7")
