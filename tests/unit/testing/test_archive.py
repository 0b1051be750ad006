from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile

import zstandard

from localrun.testing import Package, PackageFile, write_archive
from localrun.testing.repodata import change_hashes

FILES = (
    PackageFile(path="bin/odd", content=b"#!/prefix/bin/sh\n", placeholder="/prefix", executable=True),
    PackageFile(path="bin/same", link="odd"),
)


def read_archive(path):
    """Give the members of both tars of a `.conda` archive, and their contents."""
    found = {}
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("metadata.json")) == {"conda_pkg_format_version": 2}
        for name in archive.namelist()[1:]:
            plain = zstandard.ZstdDecompressor().stream_reader(archive.read(name)).read()
            with tarfile.open(fileobj=io.BytesIO(plain)) as members:
                found |= {
                    item.name: (item, members.extractfile(item).read() if item.isreg() else b"") for item in members
                }
    return found


def test_an_archive_holds_its_files_and_tells_the_truth_about_them(tmp_path):
    path = write_archive(Package(name="odd", version="1.0", depends=("python >=3.9",), files=FILES), str(tmp_path))
    found = read_archive(path)
    paths = {entry["_path"]: entry for entry in json.loads(found["info/paths.json"][1])["paths"]}
    assert path == str(tmp_path / "noarch/odd-1.0-0.conda")
    assert (found["bin/odd"][1], found["bin/odd"][0].mode) == (FILES[0].content, 0o755)
    assert found["bin/same"][0].linkname == "odd"
    assert paths["bin/odd"]["sha256"] == hashlib.sha256(FILES[0].content).hexdigest()
    assert (paths["bin/odd"]["prefix_placeholder"], paths["bin/odd"]["file_mode"]) == ("/prefix", "text")
    assert (paths["bin/same"]["path_type"], "prefix_placeholder" in paths["bin/same"]) == ("softlink", False)


def test_the_index_of_a_package_can_be_bent(tmp_path):
    package = Package(
        name="odd", version="1.0", subdir="linux-64", noarch="", index_json=(("license", "MIT"), ("build", "x"))
    )
    index = json.loads(read_archive(write_archive(package, str(tmp_path)))["info/index.json"][1])
    assert (index["subdir"], index["platform"], index["arch"]) == ("linux-64", "linux", "x86_64")
    assert (index["license"], index["build"], "noarch" in index) == ("MIT", "x", False)


def test_a_package_can_lie_about_its_paths(tmp_path):
    found = read_archive(write_archive(Package(name="odd", version="1", paths_json='{"a": "../x"}'), str(tmp_path)))
    assert found["info/paths.json"][1] == b'{"a": "../x"}'


def test_hashes_of_an_index_go_missing_or_wrong():
    text = json.dumps({"packages.conda": {"a.conda": {"md5": "ab", "sha256": "cd", "name": "a"}}}).encode()
    assert json.loads(change_hashes(text, "missing"))["packages.conda"]["a.conda"] == {"name": "a"}
    assert json.loads(change_hashes(text, "wrong"))["packages.conda"]["a.conda"] == {
        "md5": "ba",
        "sha256": "dc",
        "name": "a",
    }
