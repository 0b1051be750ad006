"""Locks: written, read, installed as they stand, refused when something about them is not what it was."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))  # tests are not packages
from environment_kit import fill_channel, text_package
from lock_kit import NAMES, listed, make_parts, serve, write_lock
from packages_kit import make_wheel

pytestmark = pytest.mark.channel


@pytest.fixture
def channel(tmp_path):
    return make_parts(tmp_path / "channel")


@pytest.fixture
def served(channel):
    with serve(channel) as address:
        yield address


def test_lock_is_installed_as_it_stands_and_from_the_cache_when_offline(localrun, served, channel):
    write_lock(localrun, served, channel, NAMES)
    made = localrun.command("env", "build", "conda-lock.yml")
    assert made.returncode == 0, made.stderr
    prefix = made.stdout.decode().strip()
    assert listed(prefix) == ["part-1.0-0.json", "whole-1.0-0.json"]
    with open(os.path.join(prefix, "conda-meta", "whole-1.0-0.json"), encoding="utf-8") as file:
        record = json.load(file)
    assert (record["depends"], record["noarch"]) == (["part"], "generic")
    shutil.rmtree(channel / "noarch")
    shutil.rmtree(prefix)
    os.unlink(prefix + ".ok")
    again = localrun.command("env", "build", "--offline", "conda-lock.yml")
    assert again.stdout == made.stdout, again.stderr
    assert listed(prefix) == ["part-1.0-0.json", "whole-1.0-0.json"]


def test_package_whose_bytes_changed_is_refused(localrun, served, channel):
    write_lock(localrun, served, channel, NAMES)
    shutil.copy(channel / "noarch" / "part-2.0-0.conda", channel / "noarch" / "part-1.0-0.conda")
    refused = localrun.command("env", "build", "conda-lock.yml")
    assert refused.returncode == 125
    assert b"part 1.0" in refused.stderr
    assert b"expected" in refused.stderr
    assert not os.path.exists(os.path.join(localrun.home, "environments", "part"))


def test_package_in_the_cache_with_other_bytes_than_the_lock_says_is_not_used(localrun, served, channel):
    write_lock(localrun, served, channel, NAMES)
    assert localrun.command("env", "build", "conda-lock.yml").returncode == 0
    other = {"hash": {"md5": "0" * 32, "sha256": "0" * 64}}
    write_lock(localrun, served, channel, NAMES, **other)
    refused = localrun.command("env", "build", "conda-lock.yml")
    assert refused.returncode == 125
    assert b"part" in refused.stderr or b"whole" in refused.stderr


def test_package_that_is_gone_is_named(localrun, served, channel):
    write_lock(localrun, served, channel, NAMES)
    os.unlink(channel / "noarch" / "part-1.0-0.conda")
    refused = localrun.command("env", "build", "conda-lock.yml")
    assert refused.returncode == 125
    assert b"part 1.0 of the lock is gone" in refused.stderr
    assert b"--as-of" in refused.stderr


def test_package_that_is_gone_from_a_folder_is_named(localrun, channel):
    write_lock(localrun, f"file://{channel}", channel, NAMES)
    os.unlink(channel / "noarch" / "part-1.0-0.conda")
    refused = localrun.command("env", "build", "conda-lock.yml")
    assert refused.returncode == 125
    assert b"part 1.0 of the lock is gone" in refused.stderr


def test_edited_lock_is_refused_with_the_line(localrun, served, channel):
    write_lock(localrun, served, channel, NAMES, version="3.0")
    refused = localrun.command("env", "build", "conda-lock.yml")
    assert refused.returncode == 125
    assert b"conda-lock.yml:1: package.0.url" in refused.stderr
    assert b"is not part 3.0: the lock file was edited" in refused.stderr
    assert b"localrun env lock" in refused.stderr


@pytest.mark.parametrize(("kept", "said"), [("whole", b"whole needs part,"), ("part", b"lacks whole for linux-64")])
def test_lock_from_which_an_entry_was_deleted_is_refused(localrun, channel, kept, said):
    conda = {"channels": [f"file://{channel}"], "dependencies": ["whole"]}
    localrun.write("environment.yml", json.dumps(conda))
    assert localrun.command("env", "lock").returncode == 0
    with open(os.path.join(localrun.source, "conda-lock.yml"), encoding="utf-8") as file:
        before, *entries = file.read().split("\n- name: ")
    kept = "\n- name: ".join([before, *(entry for entry in entries if entry.startswith(kept))])
    localrun.write("conda-lock.yml", f"{kept}\n")
    refused = localrun.command("env", "build", "environment.yml")
    assert refused.returncode == 125
    assert said in refused.stderr
    assert b"it was edited" in refused.stderr
    assert b"localrun env lock" in refused.stderr


def test_lock_for_another_platform_is_refused(localrun, served, channel):
    write_lock(localrun, served, channel, NAMES, platform="osx-arm64")
    refused = localrun.command("env", "build", "conda-lock.yml")
    assert refused.returncode == 125
    assert b"conda-lock.yml: the lock is for osx-arm64, not for linux-64" in refused.stderr
    assert b"env lock --platform linux-64" in refused.stderr


def test_run_in_an_environment_of_a_lock(localrun, served, channel):
    write_lock(localrun, served, channel, NAMES)
    done = localrun.run("-E", "conda-lock.yml", "--command", "ls $CONDA_PREFIX/share")
    assert done.returncode == 0, done.stderr
    assert b"whole" in done.stdout
    again = localrun.run("-E", localrun.record()["plan"]["environment"]["registered"], "--command", "echo again")
    assert b"again" in again.stdout, again.stderr
    first, last = localrun.records()
    assert first["plan"]["environment"]["name"] == last["plan"]["environment"]["name"]


CHECK = """
import pathlib, sys
from conda_lock.lockfile import parse_conda_lock_file
found = parse_conda_lock_file(pathlib.Path(sys.argv[1]))
for one in found.package:
    print(one.manager, one.platform, one.name, one.version, one.url.rpartition("/")[2], one.hash.sha256)
"""


def read_with_conda_lock(path):
    """Give what conda-lock's own parser reads."""
    done = subprocess.run([sys.executable, "-c", CHECK, path], capture_output=True, text=True, check=True, timeout=100)
    return [line.split() for line in done.stdout.splitlines()]


def test_lock_of_several_platforms_is_read_by_conda_lock_and_installed(localrun, channel):
    conda = {"channels": [f"file://{channel}"], "dependencies": ["whole", "part"]}
    localrun.write("environment.yml", json.dumps(conda))
    done = localrun.command("env", "lock", "--platform", "linux-64", "--platform", "osx-arm64")
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"conda-lock.yml\n"
    found = read_with_conda_lock(os.path.join(localrun.source, "conda-lock.yml"))
    assert sorted({(row[1], row[2], row[3]) for row in found}) == [
        ("linux-64", "part", "2.0"),
        ("linux-64", "whole", "1.0"),
        ("osx-arm64", "part", "2.0"),
        ("osx-arm64", "whole", "1.0"),
    ]
    made = localrun.command("env", "build", "conda-lock.yml")
    assert listed(made.stdout.decode().strip()) == ["part-2.0-0.json", "whole-1.0-0.json"], made.stderr
    by_option = localrun.command("env", "build", "--lock", "conda-lock.yml", "environment.yml")
    assert by_option.stdout == made.stdout
    assert not [name for name in os.listdir(os.path.join(localrun.home, "cache")) if name.startswith(".tmp")]


def test_lock_beside_a_conda_file_counts_until_the_file_changes(localrun, tmp_path):
    folder = tmp_path / "growing"
    url = fill_channel(folder, [text_package("part", "1.0")])
    localrun.write("environment.yml", json.dumps({"channels": [url], "dependencies": ["part"]}))
    assert localrun.command("env", "lock").returncode == 0
    fill_channel(folder, [text_package("part", "2.0")])
    made = localrun.command("env", "build", "environment.yml")
    assert listed(made.stdout.decode().strip()) == ["part-1.0-0.json"], made.stderr
    localrun.write("environment.yml", json.dumps({"channels": [url], "dependencies": ["part >=1"]}))
    planned = localrun.command("plan", "-E", "environment.yml", "--command", "x")
    assert b"conda-lock.yml is not used: it was not made from this definition" in planned.stdout
    made = localrun.command("env", "build", "environment.yml")
    assert listed(made.stdout.decode().strip()) == ["part-2.0-0.json"], made.stderr
    assert b"conda-lock.yml is not used" in made.stderr


def test_lock_has_the_versions_that_the_environment_was_made_with(localrun, tmp_path):
    folder = tmp_path / "growing"
    url = fill_channel(folder, [text_package("part", "1.0")])
    localrun.write("environment.yml", json.dumps({"channels": [url], "dependencies": ["part"]}))
    assert localrun.command("env", "build", "environment.yml").returncode == 0
    fill_channel(folder, [text_package("part", "2.0")])
    assert localrun.command("env", "lock").returncode == 0
    (row,) = read_with_conda_lock(os.path.join(localrun.source, "conda-lock.yml"))
    assert row[3] == "1.0"


def test_lock_of_a_lock_or_of_an_unknown_platform_is_refused(localrun, served, channel):
    write_lock(localrun, served, channel, NAMES)
    refused = localrun.command("env", "lock", "-E", "conda-lock.yml")
    assert refused.returncode == 125
    assert b"conda-lock.yml is a lock already" in refused.stderr
    refused = localrun.command("env", "lock", "-E", "conda-lock.yml", "--platform", "amiga-68k")
    assert b"the platform amiga-68k is not known" in refused.stderr


def test_system_of_another_platform_is_assumed_as_conda_lock_assumes_it(localrun, tmp_path):
    url = fill_channel(tmp_path / "systems", [text_package("apple", depends=("__osx >=11",))])
    localrun.write("environment.yml", json.dumps({"channels": [url], "dependencies": ["apple"]}))
    assert localrun.command("env", "lock", "--platform", "osx-arm64").returncode == 0
    refused = localrun.command("env", "lock", "--platform", "linux-aarch64", "-o", "other.yml")
    assert refused.returncode == 125
    assert b"kind=solve" in refused.stderr
    assert not os.path.exists(os.path.join(localrun.source, "other.yml"))


@pytest.mark.usefixtures("warm_workspace")
def test_pip_part_of_an_index_in_a_folder_is_locked_quietly_and_installed(localrun, python_channel, tmp_path):
    make_wheel(str(tmp_path / "index" / "greeting"))
    (tmp_path / "index" / "greeting" / "index.html").write_text("<a href='greeting-1.0-py3-none-any.whl'>it</a>")
    pip = [f"--index-url file://{tmp_path}/index", "greeting"]
    conda = {"channels": [python_channel], "dependencies": ["python", "pip", {"pip": pip}]}
    localrun.write("environment.yml", json.dumps(conda))
    done = localrun.command("env", "lock", timeout=200)
    assert done.returncode == 0, done.stderr
    assert b"lock-version" not in done.stderr  # uv's own file is none of the reader's business
    (row,) = [row for row in read_with_conda_lock(os.path.join(localrun.source, "conda-lock.yml")) if row[0] == "pip"]
    assert row[4] == "greeting-1.0-py3-none-any.whl"
    made = localrun.command("env", "build", "-q", "conda-lock.yml", timeout=250)
    assert made.returncode == 0, made.stderr
    with open(f"{made.stdout.decode().strip()}.versions.json", encoding="utf-8") as file:
        assert [one["name"] for one in json.load(file)["pip"]] == ["greeting"]


@pytest.mark.pypi
@pytest.mark.usefixtures("warm_workspace")
def test_pip_part_is_locked_with_hashes_for_each_platform_and_installed_without_an_index(localrun, python_channel):
    pip = ["click==8.1.7", "markupsafe==2.1.5"]
    conda = {"channels": [python_channel], "dependencies": ["python", "pip", {"pip": pip}]}
    localrun.write("environment.yml", json.dumps(conda))
    done = localrun.command("env", "lock", timeout=200)
    assert done.returncode == 0, done.stderr
    rows = read_with_conda_lock(os.path.join(localrun.source, "conda-lock.yml"))
    wheels = {row[2]: row[4] for row in rows if row[0] == "pip"}
    assert wheels["click"] == "click-8.1.7-py3-none-any.whl"
    assert "manylinux" in wheels["markupsafe"]
    made = localrun.command("env", "build", "-q", "conda-lock.yml", timeout=250)
    assert made.returncode == 0, made.stderr
    prefix = made.stdout.decode().strip()
    with open(prefix + ".versions.json", encoding="utf-8") as file:
        found = {(one["name"].lower(), one["version"]) for one in json.load(file)["pip"]}
    assert found == {("click", "8.1.7"), ("markupsafe", "2.1.5")}
    shutil.rmtree(prefix)
    again = localrun.command("env", "build", "-q", "--offline", "conda-lock.yml", timeout=250)
    assert again.stdout == made.stdout, again.stderr
    (sha,) = [row[5] for row in rows if row[2] == "click"]
    with open(os.path.join(localrun.source, "conda-lock.yml"), encoding="utf-8") as file:
        text = file.read()
    localrun.write("spoilt.yml", text.replace(sha, "0" * 64))
    refused = localrun.command("env", "build", "-q", "spoilt.yml", timeout=250)
    assert refused.returncode == 125
    assert b"click" in refused.stderr


def test_environment_without_conda_packages_is_not_locked(localrun):
    localrun.write("environment.yml", "dependencies: []\n")
    done = localrun.command("env", "lock")
    assert done.returncode == 125
    assert b"nothing to lock" in done.stderr
    assert os.listdir(localrun.source) == ["environment.yml"]
