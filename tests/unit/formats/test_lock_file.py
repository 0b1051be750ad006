"""Lock files of conda-lock: what is taken from them, and what is refused."""

from __future__ import annotations

import json
import os

import pytest

from localrun.errors import BadInput
from localrun.formats.environment import read_environment
from localrun.formats.environment_document import document_of_spec
from localrun.formats.gate import load_yaml
from localrun.formats.lock_file import read_lock_mapping
from localrun.formats.lock_names import is_locked, join_address, split_address
from localrun.formats.nodes import root
from localrun.formats.v1_environment import spec_of_document
from localrun.plan import EnvironmentPlan
from localrun.resolve.facts import HostFacts
from localrun.resolve.locks import choose_packages, note_lock, settle_lock
from localrun.spec import PythonSpec
from localrun.values import replace

SHA = "a" * 64
CONDA = {
    "name": "numpy",
    "version": "1.26.4",
    "manager": "conda",
    "platform": "linux-64",
    "dependencies": {"__glibc": ">=2.17"},
    "url": "https://host/conda-forge/linux-64/numpy-1.26.4-py311_0.conda",
    "hash": {"md5": "b" * 32, "sha256": SHA},
    "category": "main",
    "optional": False,
}
PIP = CONDA | {
    "name": "click",
    "version": "8.1.7",
    "manager": "pip",
    "url": "https://host/packages/click-8.1.7-py3-none-any.whl",
    "hash": {"sha256": SHA},
}


FACTS = HostFacts(platform="linux-64", cpu_count=2, python_version="3.11")


def choose(python, platform="linux-64"):
    return choose_packages(python, platform, FACTS)[0]


def read(*packages, version=1, **more):
    metadata = {
        "content_hash": {"linux-64": "c"},
        "channels": [{"url": "conda-forge", "used_env_vars": []}],
        "platforms": ["linux-64"],
        "sources": ["environment.yml"],
    }
    data = json.dumps({"version": version, "metadata": metadata | more, "package": list(packages)}).encode()
    return read_environment("conda-lock.yml", read=lambda _: data, is_directory=lambda _: False)


def test_packages_are_taken_by_platform_with_their_hashes():
    spec = read(CONDA, PIP, CONDA | {"platform": "osx-arm64"})
    assert spec.file == "conda-lock.yml"
    assert [lock.platform for lock in spec.python.locks] == ["linux-64", "osx-arm64"]
    python = choose(spec.python)
    assert python.channels == ("conda-forge",)
    assert python.conda == (f"{CONDA['url']}#sha256:{SHA}",)
    assert python.pip == (f"click==8.1.7 --hash=sha256:{SHA}",)
    assert is_locked(python.conda)
    assert python.directory == os.getcwd()


def test_extras_are_left_out():
    (lock,) = read(CONDA, PIP | {"category": "docs", "optional": True}).python.locks
    assert lock.pip == ()


def test_pip_package_that_no_index_has_is_taken_by_its_address():
    local = PIP | {"version": "8.1.7+cpu"}
    git = PIP | {"url": "git+https://host/click@abc"}
    (lock,) = read(CONDA, local, git).python.locks
    assert lock.pip[0] == f"click @ {PIP['url']}#sha256={SHA}"
    assert lock.pip[1] == f"click @ git+https://host/click@abc#sha256={SHA}"


@pytest.mark.parametrize(
    ("package", "words"),
    [
        (CONDA | {"version": "1.26.5"}, "is not numpy 1.26.5: the lock file was edited"),
        (CONDA | {"hash": {}}, "numpy has neither sha256 nor md5"),
        (CONDA | {"hash": {"sha256": "zz"}}, "is not the address of a conda package with its hash"),
        (CONDA | {"url": "https://host/x.exe"}, "is not the address of a conda package with its hash"),
        (CONDA | {"manager": "npm"}, "npm is not known"),
        (PIP | {"name": "-e x"}, "is not the name of a package"),
        (PIP | {"hash": {"sha256": "x --hash=y"}}, "is no hash"),
        ({"name": "numpy"}, "the package has no version"),
    ],
)
def test_entry_that_cannot_be_used_is_refused_with_its_place(package, words):
    with pytest.raises(BadInput, match=r"conda-lock\.yml:1: package") as caught:
        read(package)
    assert words in caught.value.message


@pytest.mark.parametrize("data", [b"", b"# nothing\n", b"[a]", b"text"])
def test_file_that_is_no_mapping_is_refused(data):
    with pytest.raises(BadInput, match=r"^conda-lock\.yml"):
        read_lock_mapping(root(load_yaml(data, file="conda-lock.yml")))


def test_other_versions_of_the_form_are_refused():
    with pytest.raises(BadInput, match="of version 1, found the number 7"):
        read(CONDA, version=7)


def test_lock_without_this_platform_is_refused():
    with pytest.raises(BadInput, match="the lock is for linux-64, not for osx-64") as caught:
        choose(read(CONDA).python, "osx-64")
    assert "--platform osx-64" in caught.value.hint


def test_without_a_lock_nothing_changes():
    python = PythonSpec(conda=("numpy",))
    assert choose(python) == python


def test_lock_beside_counts_only_when_it_was_made_from_this_definition():
    asked = PythonSpec(conda=("numpy",), channels=("conda-forge",))
    _, fingerprint = choose_packages(asked, "linux-64", FACTS)
    for content, used in ((fingerprint, True), ("c", False)):
        locks = read(CONDA, content_hash={"linux-64": content}, sources=[]).python.locks
        beside = replace(asked, locks=locks, lock_file="conda-lock.yml")
        python, chosen = choose_packages(beside, "linux-64", FACTS)
        assert is_locked(python.conda) is used
        assert (chosen != fingerprint) is used
        notes = note_lock(beside, EnvironmentPlan(kind="conda", platform="linux-64", conda=python.conda))
        assert bool(notes) is not used
    dated = replace(
        beside, as_of="2024-01-01T00:00:00Z", locks=read(CONDA, content_hash={"linux-64": fingerprint}).python.locks
    )
    assert choose(dated).conda == ("numpy",)


def test_lock_beside_that_lacks_what_it_was_made_from_is_refused():
    asked = PythonSpec(conda=("numpy", "pandas"), channels=("conda-forge",))
    _, fingerprint = choose_packages(asked, "linux-64", FACTS)
    locks = read(CONDA, content_hash={"linux-64": fingerprint}, sources=[]).python.locks
    with pytest.raises(BadInput, match="lacks pandas for linux-64: it was edited") as caught:
        choose(replace(asked, locks=locks, lock_file="conda-lock.yml"))
    assert "env lock" in caught.value.hint


@pytest.mark.parametrize(
    ("conda", "platform", "said"),
    [
        (("numpy", "pandas"), "linux-64", "not used: it has no pandas; localrun env lock"),
        (("numpy>=2",), "linux-64", "not used: it has numpy 1.26.4, not numpy>=2"),
        (("numpy",), "osx-64", "not used: it is for linux-64, not for osx-64"),
    ],
)
def test_note_names_how_a_lock_beside_differs(conda, platform, said):
    python = PythonSpec(conda=conda, locks=read(CONDA).python.locks, lock_file="conda-lock.yml")
    (note,) = note_lock(python, EnvironmentPlan(kind="conda", platform=platform, conda=conda))
    assert said in note


@pytest.mark.parametrize("need", ["openssl", "conda-forge::openssl", "openssl>=3", "OpenSSL"])
def test_lock_that_lacks_what_a_package_needs_is_refused(need):
    with pytest.raises(BadInput, match=r"(?i)numpy needs openssl, which the lock lacks for linux-64: it was edited"):
        read(CONDA | {"dependencies": {need: ">=3"}})
    elsewhere = {"name": "openssl", "version": "3.2.1", "url": "https://host/a/linux-64/openssl-3.2.1-0.conda"}
    found = read(CONDA | {"dependencies": {need: ">=3"}}, CONDA | elsewhere | {"category": "dev"})
    assert len(found.python.locks[0].conda) == 2
    with pytest.raises(BadInput, match="for linux-64"):
        read(CONDA | {"dependencies": {need: ">=3"}}, CONDA | elsewhere | {"platform": "osx-64"})


def test_lock_of_conda_lock_beside_counts_while_it_has_all_that_is_named():
    locks = read(CONDA).python.locks
    assert locks[0].sources == ("environment.yml",)
    asked = PythonSpec(conda=("numpy",), locks=locks, lock_file="conda-lock.yml")
    assert is_locked(choose(asked).conda)
    assert choose(replace(asked, conda=("numpy", "pandas"))).conda == ("numpy", "pandas")
    assert choose(replace(asked, conda=("numpy>=2",))).conda == ("numpy>=2",)
    assert choose(replace(asked, as_of="2024-01-01T00:00:00Z")).conda == ("numpy",)
    assert choose(asked, platform="osx-64").conda == ("numpy",)


CONDA_FILE = b"channels: [conda-forge]\ndependencies: [numpy]\n"


@pytest.mark.parametrize(
    ("file", "sources"),
    [("environment.yml", ("./environment.yml",)), ("environment.yml", ()), ("other.yml", ("dev.yml", "other.yml"))],
)
def test_lock_of_conda_lock_counts_beside_the_files_that_it_was_made_from(tmp_path, file, sources):
    def give(path):
        if not path.endswith("conda-lock.yml"):
            return CONDA_FILE
        data = {"metadata": {"platforms": ["linux-64"], "sources": list(sources)}, "version": 1, "package": [CONDA]}
        return json.dumps(data).encode()

    looked = []
    found = read_environment(str(tmp_path / file), read=give, is_directory=looked.append)
    assert found.python.locks[0].sources == sources
    assert str(tmp_path / "conda-lock.yml") in looked
    other = read_environment(str(tmp_path / "third.yml"), read=give, is_directory=looked.append)
    assert other.python.locks[0].sources == ()


def test_date_and_a_named_lock_contradict_one_another():
    with pytest.raises(BadInput, match="which packages to take"):
        choose(replace(read(CONDA).python, as_of="2024-01-01T00:00:00Z"))


def test_address_is_taken_apart():
    package = split_address(join_address("file:///c/noarch/a-b-1.0-py_0.tar.bz2", sha256="", md5="b" * 32))
    assert (package.name, package.version, package.build) == ("a-b", "1.0", "py_0")
    assert (package.channel, package.subdir, package.algorithm) == ("file:///c", "noarch", "md5")


@pytest.mark.parametrize("specs", [(), ("numpy",), ("https://h/a-1-0.conda",), ("https://h/a-1-0.conda#x:1", "numpy")])
def test_requirements_are_locked_only_when_all_are_addresses_with_a_hash(specs):
    assert not is_locked(specs)


def test_registered_lock_is_read_again_as_it_was():
    asked = read(CONDA, PIP)
    python = choose(asked.python)
    settled = settle_lock(asked, EnvironmentPlan(kind="conda", conda=python.conda, pip=python.pip))
    again = spec_of_document(document_of_spec(settled)).python
    assert (again.conda, again.pip) == (python.conda, python.pip)
