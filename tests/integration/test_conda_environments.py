"""Conda environments: made once, whole or not at all, whatever happens to those who make them."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time
import warnings
import zipfile

import pytest

from localrun.environments import find
from localrun.errors import EnvironmentFailed, LockTimeout, StoreFailed
from localrun.testing.packages import Package, PackageFile
from localrun.workspace.locks import hold_shared

sys.path.insert(0, os.path.dirname(__file__))  # tests are not packages
from environment_kit import fill_channel, last_line, make, make_plan, start_builder, text_package
from run_kit import wait_until

pytestmark = pytest.mark.channel

ACTIVATE = b'export SET_BY_SCRIPT="two\nlines"; export PATH="$CONDA_PREFIX/extra:$PATH"; echo noise\n'
KILLED = 20
POST_LINK = b"#!/bin/sh\ntouch $PREFIX/post-link-ran\n"


@pytest.fixture(scope="session")
def channel(tmp_path_factory):
    packages = [
        text_package("many", count=300, depends=("part",)),
        text_package("part", count=100),
        text_package("lib", "1.0"),
        text_package("lib", "2.0"),
        text_package("tool", depends=("lib >=2",)),
        text_package("other", depends=("lib <2",)),
        Package(
            name="scripts",
            version="1.0",
            files=(
                PackageFile(path="etc/conda/activate.d/a.sh", content=ACTIVATE),
                PackageFile(path="etc/conda/env_vars.d/a.json", content=b'{"FROM_JSON": "yes"}'),
                PackageFile(path="bin/.scripts-post-link.sh", content=POST_LINK, executable=True),
            ),
        ),
    ]
    return fill_channel(tmp_path_factory.mktemp("channel"), packages)


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home of the wörkspace"
    folder.mkdir(mode=0o700)
    return folder


def assert_whole(artifact):
    for name in ("many", "part"):
        folder = os.path.join(artifact.prefix, "share", name)
        assert len(os.listdir(folder)) == {"many": 300, "part": 100}[name]
    assert os.path.exists(artifact.prefix + ".ok")


def test_environment_is_made_once_and_found_afterwards(channel, home):
    plan = make_plan(channel)
    told = []
    assert find(plan, home=str(home)) is None
    made = make(plan, home, told.append)
    assert not made.reused
    assert_whole(made)
    assert {item.stage for item in told} >= {"solve", "link", "verify", "done"}
    found = find(plan, home=str(home))
    assert found is not None
    assert found.reused
    assert (found.prefix, found.variables, found.evidence) == (made.prefix, made.variables, made.evidence)
    assert make(plan, home).reused
    assert sorted(os.listdir(home / "environments")) == sorted(
        ["CACHEDIR.TAG", plan.name]
        + [f"{plan.name}.{end}" for end in ("conda-lock.yml", "log", "manifest", "ok", "versions.json")]
    )


def test_activation_is_worked_out_once_and_link_scripts_never_run(channel, home):
    plan = make_plan(channel, conda=("scripts",), variables=(("FROM_FILE", "x"), ("FROM_JSON", "no")))
    made = make(plan, home)
    variables = dict(made.variables)
    assert variables["CONDA_PREFIX"] == made.prefix
    assert variables["CONDA_DEFAULT_ENV"] == plan.name
    assert variables["SET_BY_SCRIPT"] == "two\nlines"
    assert variables["FROM_FILE"] == "x"
    assert variables["FROM_JSON"] == "no"
    assert made.path == (f"{made.prefix}/extra", f"{made.prefix}/bin")
    assert not os.path.exists(f"{made.prefix}/post-link-ran")


def test_variables_of_the_file_are_not_part_of_the_cached_environment(channel, home):
    make(make_plan(channel, variables=(("A", "1"),)), home)
    found = find(make_plan(channel, variables=(("B", "2"),)), home=str(home))
    assert dict(found.variables)["B"] == "2"
    assert "A" not in dict(found.variables)


def test_files_are_private_and_linked_once(channel, home):
    before = os.umask(0)
    try:
        made = make(make_plan(channel), home)
    finally:
        os.umask(before)
    assert os.stat(f"{made.prefix}/share/many/7.txt").st_nlink == 1
    for folder, _, names in os.walk(home):
        assert os.stat(folder).st_mode & 0o077 == 0 or folder.startswith(str(home / "cache")) or folder == str(home)
        for name in names:
            if folder == str(home / "environments") or folder == str(home / "locks"):
                assert os.stat(os.path.join(folder, name)).st_mode & 0o077 == 0, name


@pytest.mark.parametrize("damage", ["delete", "grow", "package", "record", "cut-record"])
def test_damaged_environment_is_rebuilt(channel, home, damage):
    plan = make_plan(channel)
    made = make(plan, home)
    record = made.prefix + ".ok"
    sample = next(path for path, *_ in made.evidence if path.endswith(".txt"))
    if damage == "delete":
        os.unlink(sample)
    elif damage == "grow":
        with open(sample, "a") as file:
            file.write("x")
    elif damage == "package":
        os.unlink(os.path.join(made.prefix, "conda-meta", os.listdir(f"{made.prefix}/conda-meta")[0]))
    elif damage == "record":
        os.unlink(record)
    else:
        os.truncate(record, 40)
    assert find(plan, home=str(home)) is None
    told = []
    again = make(plan, home, told.append)
    assert not again.reused
    assert any("rebuilding" in item.text for item in told if item.stage == "clean")
    assert_whole(again)


@pytest.mark.parametrize("damage", ["flip", "truncate", "missing"])
def test_damaged_package_cache_never_reaches_an_environment(channel, home, damage):
    made = make(make_plan(channel), home)
    shutil.rmtree(made.prefix)
    for number in (3, 5):
        path = home / "cache" / "conda" / "many-1.0-0" / "share" / "many" / f"{number}.txt"
        data = path.read_bytes()
        if damage == "missing":
            path.unlink()
        else:
            path.write_bytes(bytes([data[0] ^ 1]) + data[1:] if damage == "flip" else data[:10])
    again = make(make_plan(channel), home)
    with open(f"{again.prefix}/share/many/3.txt") as file:
        assert file.read() == "many 1.0 3\n" * 20


def test_killed_builders_leave_no_half_made_environment(channel, home, tmp_path):
    plan = make_plan(channel)
    builder = start_builder(plan, home)
    builder.stdout.readline()  # from here on it does what is not to be left half done
    begin = time.monotonic()
    assert not last_line(builder)["reused"]
    work_s = time.monotonic() - begin
    # spread evenly, so that no stage is passed over, and a little longer than on a machine whose load stays the same
    moments = [1.2 * work_s * number / KILLED for number in range(KILLED)]
    random.Random(20).shuffle(moments)
    killed, whole = 0, True
    for number, moment in enumerate(moments):
        # away, not removed: the next files would be slow to make
        if number % 4 == 0:
            home.rename(tmp_path / f"old-{number}")
            home.mkdir(mode=0o700)
        elif whole:
            (home / "environments").rename(tmp_path / f"old-{number}")
        builder = start_builder(plan, home)
        builder.stdout.readline()
        time.sleep(moment)
        killed += builder.poll() is None
        builder.kill()
        builder.communicate()
        found = find(plan, home=str(home))
        whole = found is not None
        if whole:
            assert_whole(found)
        if number % 4 == 3:  # what up to four have left
            assert_whole(make(plan, home))
    assert killed >= KILLED // 4  # on a machine whose load changes, some are done before their moment comes
    assert not [name for name in os.listdir(home / "cache" / "conda") if name.startswith((".pkg", ".tmp"))]


def urlsafe_hash(text):
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    files = {f"smallest/part{number}.py": f"VALUE = {number}\n" for number in range(50)}
    files["smallest/__init__.py"] = ""
    files["smallest-1.0.dist-info/METADATA"] = "Metadata-Version: 2.1\nName: smallest\nVersion: 1.0\n"
    files["smallest-1.0.dist-info/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    rows = [f"{name},sha256={urlsafe_hash(text)},{len(text)}\n" for name, text in files.items()]
    files["smallest-1.0.dist-info/RECORD"] = "".join(rows) + "smallest-1.0.dist-info/RECORD,,\n"
    with zipfile.ZipFile(folder / "smallest-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return ("--no-index", f"--find-links {folder}", "smallest")


def test_killed_between_link_and_commit_is_rebuilt(python_channel, wheels, home, unpacked):
    unpacked(home)
    plan = make_plan(python_channel, conda=("python",), pip=wheels)
    for stage in ("pip", "bytecode", "verify"):
        builder = start_builder(plan, home)
        while json.loads(builder.stdout.readline())["stage"] != stage:
            pass
        builder.kill()
        builder.communicate()
        assert find(plan, home=str(home)) is None
    told = []
    made = make(plan, home, told.append)
    assert any("found an incomplete environment from " in item.text for item in told)
    code = "import smallest.part7 as p, sys; print(p.VALUE, p.__cached__, sys.prefix)"
    output = subprocess.run([made.python, "-c", code], check=False, capture_output=True, text=True).stdout.split()
    assert output[0] == "7"
    assert output[-1] == made.prefix.split()[-1]
    assert made.site_packages == (os.path.dirname(made.site_packages[0]) + "/site-packages",)
    assert find(plan, home=str(home)) is not None  # nothing was written into it by running it
    for folder, _, names in os.walk(made.site_packages[0]):
        assert {os.stat(os.path.join(folder, name)).st_nlink for name in names} <= {1}
    versions = json.loads(pathlib.Path(made.versions).read_text())
    assert versions["pip"] == [{"name": "smallest", "version": "1.0"}]


def test_a_damaged_pip_cache_never_reaches_an_environment(python_channel, wheels, home, unpacked):
    unpacked(home)
    plan = make_plan(python_channel, conda=("python",), pip=wheels)
    make(plan, home)
    (damaged,) = (home / "cache" / "uv").glob("archive-v0/*/smallest/part3.py")
    damaged.write_text("VALUE = 9\n")
    made = make(plan, home, rebuild=True)
    code = "import smallest.part3 as p; print(p.VALUE)"
    assert subprocess.run([made.python, "-c", code], check=False, capture_output=True, text=True).stdout == "3\n"


def find_children(pid):
    return subprocess.run(["pgrep", "-P", str(pid)], check=False, capture_output=True, text=True).stdout.split()


def test_killed_builder_takes_its_children_along(channel, home):
    builder = start_builder(make_plan(channel), home)
    line = json.loads(builder.stdout.readline())
    assert line["stage"] == "solve"
    children = wait_until(lambda: find_children(builder.pid))  # the first is started after that line
    builder.kill()
    builder.communicate()
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children))


def test_fifty_at_once_make_one_environment(channel, home):
    plan = make_plan(channel)
    builders = [start_builder(plan, home, run_id=f"r{number}") for number in range(50)]
    endings = [last_line(builder) for builder in builders]
    assert [ending["reused"] for ending in endings].count(False) == 1
    assert [builder.returncode for builder in builders] == [0] * 50
    assert_whole(find(plan, home=str(home)))


def test_when_the_builder_dies_one_of_the_waiting_takes_over(channel, home):
    plan = make_plan(channel)
    builder = start_builder(plan, home, run_id="first")
    assert json.loads(builder.stdout.readline())["stage"] == "solve"
    os.kill(builder.pid, signal.SIGSTOP)  # it holds the lock, and its end is not a matter of luck
    waiting = [start_builder(plan, home) for _ in range(6)]
    for one in waiting:
        assert f"waiting for process {builder.pid} (first)" in one.stdout.readline()
    os.kill(builder.pid, signal.SIGKILL)
    builder.communicate()
    outputs = [one.communicate(timeout=60)[0].strip().split("\n") for one in waiting]
    assert [json.loads(output[-1])["reused"] for output in outputs].count(False) <= 1
    assert_whole(find(plan, home=str(home)))


def test_an_environment_in_use_is_not_removed(channel, home):
    plan = make_plan(channel)
    made = make(plan, home)
    descriptor = hold_shared(str(home / "locks" / f"{plan.name}.lock"))
    with pytest.raises(LockTimeout, match="a run that uses it"):
        make(plan, home, rebuild=True, lock_timeout_s=0.1)
    os.close(descriptor)
    assert_whole(made)
    assert not make(plan, home, rebuild=True).reused


def test_lock_file_holds_what_was_solved(channel, home):
    made = make(make_plan(channel, conda=("tool",)), home)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own imports
        from conda_lock.lockfile import parse_conda_lock_file
    locked = parse_conda_lock_file(pathlib.Path(made.prefix + ".conda-lock.yml"))
    assert {(one.name, one.version) for one in locked.package} == {("tool", "1.0"), ("lib", "2.0")}
    versions = json.loads(pathlib.Path(made.versions).read_text())
    assert {(one["name"], one["version"]) for one in versions["conda"]} == {("tool", "1.0"), ("lib", "2.0")}
    assert all(len(one["sha256"]) == 64 for one in versions["conda"])


def test_unsatisfiable_requirements_are_named(channel, home):
    with pytest.raises(EnvironmentFailed, match="cannot be met together: other \\*, tool \\*") as caught:
        make(make_plan(channel, conda=("tool", "other")), home)
    assert caught.value.code == "solve"
    assert "lib >=2" in caught.value.detail
    assert not [name for name in os.listdir(home / "environments") if not name.endswith((".log", ".TAG"))]


def test_unknown_package_is_named(channel, home):
    with pytest.raises(EnvironmentFailed, match="matches nosuchpackage") as caught:
        make(make_plan(channel, conda=("nosuchpackage",)), home)
    assert caught.value.code == "solve"


def test_crashing_installer_is_tried_again_once(channel, tmp_path):
    plan = make_plan(channel)
    killed = []

    def kill_child(progress):
        if progress.stage == "solve" and not killed:
            for pid in find_children(os.getpid()):
                with open(f"/proc/{pid}/cmdline") as file:
                    if "installer" in file.read():
                        os.kill(int(pid), signal.SIGSEGV)
                        killed.append(pid)

    for attempt in range(20):  # on a busy machine it may be done before its first word is heard
        assert_whole(make(plan, tmp_path / str(attempt), kill_child))
        if killed:
            break
    assert len(killed) == 1


def test_hostile_package_writes_nothing_outside(tmp_path, home):
    for number, path in enumerate(("../../outside.txt", "/tmp/localrun-outside.txt", "a/../../../outside.txt")):
        digest = hashlib.sha256(b"x").hexdigest()
        entry = {"_path": path, "path_type": "hardlink", "sha256": digest, "size_in_bytes": 1}
        package = Package(
            name="bad",
            version="1.0",
            files=(PackageFile(path="outside.txt", content=b"x"),),
            paths_json=json.dumps({"paths": [entry], "paths_version": 1}),
        )
        channel = fill_channel(tmp_path / f"bad{number}", [package])
        with pytest.raises(EnvironmentFailed) as caught:
            make(make_plan(channel, conda=("bad",)), home)
        assert caught.value.code in {"channel", "installer_crashed"}, caught.value.message
    assert not os.path.exists("/tmp/localrun-outside.txt")
    assert not [
        path for folder, _, names in os.walk(home) for path in names if path == "outside.txt" and "cache" not in folder
    ]


@pytest.fixture
def small_disk(tmp_path, mounting):
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30m,mode=0700", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk_leaves_other_environments_and_nothing_half_made(channel, python_channel, small_disk, unpacked):
    other = make_plan(channel)
    make(other, small_disk)
    plan = make_plan(python_channel, conda=("python",))
    with pytest.raises(StoreFailed, match=r"needs about .* MB, has .* MB in ") as caught:
        make(plan, small_disk)
    assert caught.value.code == "store_full"
    assert not os.path.exists(small_disk / "environments" / plan.name)
    assert_whole(find(other, home=str(small_disk)))
    subprocess.run(["mount", "-o", "remount,size=600m", str(small_disk)], check=True)
    unpacked(small_disk, "bytecode")
    made = make(plan, small_disk)
    assert subprocess.run([made.python, "-c", "print(1)"], check=False, capture_output=True).stdout == b"1\n"


def test_read_only_workspace_serves_what_it_has(channel, home, mounting):
    plan = make_plan(channel)
    make(plan, home)
    subprocess.run(["mount", "--bind", str(home), str(home)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(home)], check=True)
        assert make(plan, home).reused
        descriptor = hold_shared(str(home / "locks" / f"{plan.name}.lock"))
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)
        with pytest.raises(StoreFailed, match=r"set LOCALRUN_HOME|cannot be written") as caught:
            make(make_plan(channel, conda=("lib",)), home)
        assert caught.value.code == "store_read_only"
    finally:
        subprocess.run(["umount", "-l", str(home)], check=True)
