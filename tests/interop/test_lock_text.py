"""The text of lock files, held against what conda-lock's own models write of the same packages."""

from __future__ import annotations

import random
import warnings

import pytest

from localrun.formats.gate import load_yaml
from localrun.formats.lock_text import describe_locks

CHANNELS = ("https://conda.anaconda.org/conda-forge", "file:///srv/channel")
VERSIONS = ("1.0", "3.10", "1e3", "2024.1.1", "1.2.3rc1", "0x10", "12:30", "no", "1_0", "010", "1.0+cu118")
NEEDS = ("python >=3.9,<3.10.0a0", "libzlib", "__glibc >=2.17", "numpy 1.*", "a *", "tzdata 2024a", "x 3.10.* *_cp310")


def make_records(chance, platform):
    kinds = [
        (name, chance.choice(VERSIONS), chance.choice(("0", "py310h5764c6d_1", "h1e3_0", "1", "no")))
        for name in chance.sample(("zlib", "numpy", "a", "_libgcc_mutex", "y", "1to2", "py-x.y"), 4)
    ]
    return [
        {
            "name": name,
            "version": version,
            "build": build,
            "url": f"https://conda.anaconda.org/conda-forge/{platform}/{name}-{version}-{build}.conda",
            "md5": f"{chance.getrandbits(128):032x}",
            "sha256": chance.choice(("", f"{chance.getrandbits(256):064x}")),
            "depends": chance.sample(NEEDS, chance.randint(0, 4)),
            "size": 1,
        }
        for name, version, build in kinds
    ]


def make_pip(chance):
    names = chance.sample(("requests", "torch", "ruamel-yaml", "no"), chance.randint(0, 3))
    return [
        {"name": name, "version": chance.choice(VERSIONS), "url": f"https://e.org/{name}.whl#x", "sha256": "0" * 64}
        for name in names
    ]


def make_parts(seed):
    chance = random.Random(seed)
    platforms = chance.sample(("linux-64", "osx-arm64", "win-64"), chance.randint(1, 3))
    return [
        {"platform": one, "fingerprint": "1e3", "records": make_records(chance, one), "pip": make_pip(chance)}
        for one in platforms
    ]


def write_with_conda_lock(parts, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own imports
        from conda_lock.lockfile import write_conda_lock_file
        from conda_lock.lockfile.v1.models import HashModel, LockMeta
        from conda_lock.lockfile.v2prelim.models import LockedDependency, Lockfile

    def conda(record, platform):
        depends = dict(text.partition(" ")[::2] for text in record["depends"])
        return LockedDependency(
            name=record["name"], version=record["version"], manager="conda", platform=platform,
            dependencies={name: rest or "*" for name, rest in depends.items()}, url=record["url"],
            hash=HashModel(md5=record["md5"], **({"sha256": record["sha256"]} if record["sha256"] else {})),
            build=record["build"], categories={"main"},
        )  # fmt: skip

    def pip(package, platform):
        return LockedDependency(
            name=package["name"], version=package["version"], manager="pip", platform=platform, dependencies={},
            url=package["url"], hash=HashModel(sha256=package["sha256"]), categories={"main"},
        )  # fmt: skip

    packages = [conda(record, part["platform"]) for part in parts for record in part["records"]]
    packages += [pip(package, part["platform"]) for part in parts for package in part["pip"]]
    hashes = {part["platform"]: part["fingerprint"] for part in parts}
    meta = LockMeta(
        content_hash=hashes, channels=list(CHANNELS), platforms=[part["platform"] for part in parts], sources=[]
    )
    write_conda_lock_file(Lockfile(package=packages, metadata=meta), path, metadata_choices=set())


@pytest.mark.parametrize("seed", range(20))
def test_lock_says_what_conda_lock_would_write(seed, tmp_path):
    import yaml

    parts = make_parts(seed)
    write_with_conda_lock(parts, tmp_path / "theirs.yml")
    ours = describe_locks(parts, CHANNELS)
    wanted = yaml.safe_load((tmp_path / "theirs.yml").read_text())
    # who reads YAML 1.2 takes `1e3`, as conda-lock writes it, for a number
    for found in (yaml.safe_load(ours), load_yaml(ours.encode(), file="f").data):
        assert found == wanted
        assert [list(package) for package in found["package"]] == [list(package) for package in wanted["package"]]
        assert list(found["metadata"]) == list(wanted["metadata"])
