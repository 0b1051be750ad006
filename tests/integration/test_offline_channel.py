"""The offline channel: what py-rattler links from it runs, and needs nothing else of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from localrun.errors import BadInput
from localrun.testing import Package, PackageFile, make_channel, make_package, spoil_repodata
from localrun.testing.elf import GLIBC

LINK = """
import asyncio, os, sys
from rattler import VirtualPackage, install, solve
from rattler.repo_data import Gateway

async def main(channel, prefix, *specs):
    gateway = Gateway(cache_dir=prefix + "-repodata")
    found = await solve([channel], list(specs), gateway=gateway, virtual_packages=VirtualPackage.detect())
    await install(found, target_prefix=prefix, cache_dir=prefix + "-packages", show_progress=False)

try:
    asyncio.run(main(*sys.argv[1:]))
except BaseException as error:
    print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    os._exit(1)
os._exit(0)
"""

STALE = """
import importlib.util, os, struct, sys
stale = []
for parent, _, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(parent, name)
        cached = importlib.util.cache_from_source(path) if name.endswith(".py") else ""
        if os.path.exists(cached):
            status = os.stat(path)
            with open(cached, "rb") as stream:
                if struct.unpack("<8xII", stream.read(16)) != (int(status.st_mtime), status.st_size):
                    stale.append(path)
print(stale)
"""


IMPORT_ALL = """
import ctypes, bz2, hashlib, lzma, readline, sqlite3, ssl, zlib
import importlib, os, sys, sysconfig
folder = os.path.join(sysconfig.get_path("platstdlib"), "lib-dynload")
for name in os.listdir(folder):
    importlib.import_module(name.partition(".")[0])
loaded = {line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}
print("\\n".join(sorted(path for path in loaded if not path.startswith(sys.prefix + "/"))))
"""


def start(*command, **more):
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, **more)


def link(channel, prefix, *specs):
    return start(sys.executable, "-c", LINK, channel, str(prefix), *specs)


def run(*command):
    """Run without the caller's environment, as in an empty container."""
    done = start(*command, env={"PATH": "/nonexistent"})
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module", params=["running", "/usr/bin/python3"])
def source(request, tmp_path_factory):
    """Give the channel of one interpreter, its prefix with python and pip, and the interpreter's version."""
    python = sys.executable if request.param == "running" else request.param
    folder = tmp_path_factory.mktemp("channel")
    url = make_channel(str(folder / "channel"), python=python)
    done = link(url, folder / "prefix", "python", "pip")
    assert done.returncode == 0, done.stderr
    version = start(python, "-c", "import platform; print(platform.python_version())").stdout.strip()
    return str(folder / "channel"), str(folder / "prefix"), version


def test_the_linked_python_runs_and_has_its_modules(source):
    _, prefix, version = source
    modules = "ssl, sqlite3, ctypes, zlib, hashlib, bz2, lzma, curses, readline, uuid, pip"
    program = f"import sys, {modules}; hashlib.sha256(b''); ssl.create_default_context(); print(sys.version.split()[0])"
    for name in ("python", "python3", f"python{version.rpartition('.')[0]}"):
        assert run(f"{prefix}/bin/{name}", "-c", program) == version


def test_packages_belong_to_site_packages_of_the_prefix(source):
    _, prefix, version = source
    library = f"{prefix}/lib/python{version.rpartition('.')[0]}"
    told = json.loads(
        run(f"{prefix}/bin/python", "-c", "import json, sysconfig; print(json.dumps(sysconfig.get_paths()))")
    )
    assert told["purelib"] == told["platlib"] == f"{library}/site-packages"
    assert (told["stdlib"], told["scripts"], told["data"]) == (library, f"{prefix}/bin", prefix)
    assert not os.path.exists(f"{library}/EXTERNALLY-MANAGED")
    assert f"from {library}/site-packages/pip" in run(f"{prefix}/bin/pip", "--version")


def test_build_variables_name_the_prefix_and_nothing_of_the_source(source):
    _, prefix, version = source
    names = ("prefix", "exec_prefix", "LIBDIR", "INCLUDEPY", "BINDIR", "DESTSHARED")
    program = f"import json, sysconfig; print(json.dumps(sysconfig.get_config_vars(*{names!r})))"
    told = dict(zip(names, json.loads(run(f"{prefix}/bin/python", "-c", program)), strict=True))
    assert (told["prefix"], told["LIBDIR"], told["BINDIR"]) == (prefix, f"{prefix}/lib", f"{prefix}/bin")
    assert told["INCLUDEPY"].startswith(f"{prefix}/include/python{version.rpartition('.')[0]}")


def test_libraries_come_from_the_prefix_or_are_glibc(source):
    _, prefix, _ = source
    binaries = [os.path.realpath(f"{prefix}/bin/python")]
    for parent, _, names in os.walk(f"{prefix}/lib"):
        binaries += [
            os.path.join(parent, name) for name in names if ".so" in name and name.endswith(tuple("o0123456789"))
        ]
    told = start("ldd", *binaries).stdout
    found = [line.split() for line in told.splitlines() if "=>" in line]
    outside = {name: path for name, _, path, *_ in found if not os.path.realpath(path).startswith(f"{prefix}/")}
    assert len(binaries) > 40
    assert [name for name in outside if not GLIBC.fullmatch(name)] == []
    assert "not found" not in told


def test_all_modules_load_in_a_container_without_python(source, engine, bare_image):
    _, prefix, _ = source
    options = ("--rm", "--network", "none", "--volume", f"{prefix}:/elsewhere:ro")
    loaded = engine.docker("run", *options, bare_image, "/elsewhere/bin/python", "-c", IMPORT_ALL).split()
    assert loaded
    assert [path for path in loaded if not GLIBC.fullmatch(os.path.basename(path))] == []


def test_linking_keeps_the_bytecode_of_the_standard_library_valid(source):
    _, prefix, version = source
    library = f"{prefix}/lib/python{version.rpartition('.')[0]}"
    assert os.path.isfile(f"{library}/__pycache__/os.cpython-{''.join(version.split('.')[:2])}.pyc")
    assert run(f"{prefix}/bin/python", "-c", STALE, library) == "[]"


@pytest.mark.pypi
def test_uv_installs_a_wheel_into_the_prefix(source):
    from uv import find_uv_bin

    _, prefix, _ = source
    command = (
        find_uv_bin(),
        "pip",
        "install",
        "--python",
        f"{prefix}/bin/python",
        "--link-mode",
        "copy",
        "tabulate==0.9.0",
    )
    done = start(*command)
    assert done.returncode == 0, done.stderr
    where = run(f"{prefix}/bin/python", "-c", "import tabulate; print(tabulate.__file__)")
    assert where.startswith(f"{prefix}/lib/python")
    assert "/site-packages/tabulate" in where


def test_callers_at_the_same_time_make_one_channel_and_later_ones_use_it_again(tmp_path):
    command = (sys.executable, "-m", "localrun.testing", "channel", str(tmp_path / "channel"))
    callers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    while not os.path.exists(tmp_path / "channel") and any(caller.poll() is None for caller in callers):
        time.sleep(0.01)
    first = os.stat(tmp_path / "channel").st_ino
    told = [caller.communicate(timeout=120)[0] for caller in callers]
    url = f"file://{tmp_path}/channel"
    assert told == [f"{url}\n"] * 2
    assert sorted(os.listdir(tmp_path)) == ["channel", "channel.lock"]
    subprocess.run((sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")), check=True)
    assert make_channel(str(tmp_path / "channel"), python=str(tmp_path / "venv/bin/python")) == url
    assert os.stat(tmp_path / "channel").st_ino == first


def test_a_folder_with_other_content_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(BadInput, match="not empty"):
        make_channel(str(tmp_path))
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_an_interpreter_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadInput, match="/nowhere/python"):
        make_channel(str(tmp_path / "channel"), python="/nowhere/python")


def test_a_handmade_package_brings_scripts_links_and_the_prefix(tmp_path):
    files = (
        PackageFile(
            path="etc/conda/activate.d/odd.sh", content=b"export ODD=/the/prefix/odd\n", placeholder="/the/prefix"
        ),
        PackageFile(path="bin/odd", content=b"#!/bin/sh\necho odd\n", executable=True),
        PackageFile(path="bin/same", link="odd"),
    )
    make_package(str(tmp_path / "channel"), Package(name="odd", version="1.0", files=files))
    done = link(f"file://{tmp_path}/channel", tmp_path / "prefix", "odd")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "prefix/etc/conda/activate.d/odd.sh").read_text() == f"export ODD={tmp_path}/prefix/odd\n"
    assert os.readlink(tmp_path / "prefix/bin/same") == "odd"
    assert start(str(tmp_path / "prefix/bin/same")).stdout == "odd\n"


def test_a_package_may_lie_about_its_files(tmp_path):
    lie = json.dumps({"paths_version": 1, "paths": [{"_path": "absent", "path_type": "hardlink"}]})
    make_package(str(tmp_path / "channel"), Package(name="odd", version="1.0", paths_json=lie))
    assert link(f"file://{tmp_path}/channel", tmp_path / "prefix", "odd").returncode != 0


def test_spoiled_hashes_are_the_only_index(tmp_path):
    archive = make_package(str(tmp_path / "channel"), Package(name="odd", version="1.0"))
    right = json.loads((tmp_path / "channel/noarch/repodata.json").read_text())["packages.conda"][
        os.path.basename(archive)
    ]
    spoil_repodata(str(tmp_path / "channel"), "wrong")
    told = json.loads((tmp_path / "channel/noarch/repodata.json").read_text())["packages.conda"]
    assert told[os.path.basename(archive)]["sha256"] != right["sha256"]
    assert [name for name in os.listdir(tmp_path / "channel/noarch") if name.endswith(".zst")] == []
