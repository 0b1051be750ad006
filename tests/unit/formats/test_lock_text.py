"""The text of lock files: it is read again; conda-lock's own models are asked in tests/interop."""

from __future__ import annotations

from localrun.formats.gate import load_yaml
from localrun.formats.lock_file import read_lock_mapping
from localrun.formats.lock_text import describe_locks
from localrun.formats.nodes import root

CHANNELS = ("https://conda.anaconda.org/conda-forge", "file:///srv/channel")
URL = "https://conda.anaconda.org/conda-forge/linux-64/tool-3.10-0.conda"
RECORD = {"name": "tool", "version": "3.10", "build": "0", "url": URL, "md5": "0" * 32, "sha256": "1" * 64}
PIP = {
    "name": "click",
    "version": "8.1.7",
    "url": "https://example.org/click-8.1.7-py3-none-any.whl",
    "sha256": "2" * 64,
}
PART = {
    "platform": "linux-64",
    "fingerprint": "1e3",
    "records": [{**RECORD, "depends": ["__glibc >=2.17"]}],
    "pip": [PIP],
}


def test_lock_is_read_again():
    found = read_lock_mapping(root(load_yaml(describe_locks([PART], CHANNELS).encode(), file="f")))
    (lock,) = found.python.locks
    assert (lock.platform, lock.content_hash, lock.channels) == ("linux-64", "1e3", CHANNELS)
    assert lock.conda == (f"{URL}#sha256:{'1' * 64}",)
    assert [line.partition(" ")[0] for line in lock.pip] == ["click==8.1.7"]


def test_packages_stand_in_the_order_of_their_names_and_needs_too():
    records = [{**RECORD, "name": name, "depends": ["b", "a 1.*"]} for name in ("y", "x")]
    found = load_yaml(describe_locks([{**PART, "records": records}], ()).encode(), file="f").data["package"]
    assert [package["name"] for package in found] == ["x", "y", "click"]
    assert list(found[0]["dependencies"].items()) == [("a", "1.*"), ("b", "*")]


def test_nothing_is_locked_without_md5_sums_or_packages():
    assert describe_locks([{**PART, "records": []}], CHANNELS) == ""
    assert describe_locks([{**PART, "records": [{**RECORD, "md5": "", "depends": []}]}], CHANNELS) == ""
