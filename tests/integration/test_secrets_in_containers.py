"""Secrets of runs in containers: in the ranks' environment, and in nothing that an engine keeps or shows."""

from __future__ import annotations

import glob
import os
import signal
from contextlib import suppress

import pytest
from contained_kit import Contained
from run_kit import hear, wait_until
from sample_kit import mount
from script_kit import SCRIPT
from secret_kit import (
    PLAIN,
    PRINTER,
    SECRET,
    check_a_terminal,
    find_forms,
    search_files,
    search_processes,
    store,
    watch_command_lines,
)


@pytest.fixture
def contained(own_workspace, tmp_path, engine, python_image, monkeypatch):
    monkeypatch.setenv("LOCALRUN_SECRETS", "file")
    driver = Contained(own_workspace, tmp_path / "source", engine, python_image)
    store(driver, "multi", SECRET)
    store(driver, "plain", PLAIN)
    yield driver
    for container in driver.containers():
        engine.docker("rm", "-f", container)
    assert not driver.wait_for_processes()


FLAGS = ("--secret", "multi=MULTI", "--secret", "plain=PLAIN")
WAITING = """
import sys, os
with open("here", "w") as file:
    file.write(f"{os.environ['PLAIN'] == sys.argv[1][::-1]}\\n")
open("go").read()
"""


@pytest.mark.slow
def test_nothing_that_the_engine_shows_or_keeps_holds_a_secret(contained, engine, tmp_path):
    os.mkfifo(os.path.join(contained.source, "here"))
    os.mkfifo(os.path.join(contained.source, "go"))
    script = contained.write("train.py", PRINTER + WAITING)
    options = ("--in-place", "--keep", *FLAGS)
    with watch_command_lines() as told, contained.start("run", *options, script, PLAIN[::-1]) as child:
        try:
            assert hear(os.path.join(contained.source, "here")) == ["True"]
            (container,) = contained.containers()
            pid = engine.inspect(container)["State"]["Pid"]
            ranks = find_leaves(pid)
            seen = engine.docker("inspect", container) + engine.docker("top", container)
            assert find_forms(seen.encode()) == []
            assert search_processes(but=ranks) == []
            assert search_files(contained.home) == []
            assert search_kept(engine, container) == []
            with open(os.path.join(contained.source, "go"), "w") as file:
                file.write("on")
            out, err = child.communicate(timeout=60)
        finally:
            child.kill()
            child.wait()
    assert child.returncode == 0, err
    assert find_forms(out + err) == told == []
    (container,) = contained.containers()
    seen = engine.docker("inspect", container) + engine.docker("diff", container)
    seen += engine.docker("history", "--no-trunc", contained.image) + engine.docker("image", "inspect", contained.image)
    assert find_forms(seen.encode()) == []
    for words, name in ((("export", "-o"), container), (("save", "-o"), contained.image)):
        archive = tmp_path / "archive.tar"
        engine.docker(*words, str(archive), name)
        assert find_in_file(archive) == []
    assert search_files(contained.home) == []
    assert search_kept(engine, container) == []
    assert find_left_starts() == []


def search_kept(engine, container):
    """Search what the engine keeps of a container (`config.v2.json`, ...), and what it hands on to run it."""
    root = engine.docker("info", "--format", "{{.DockerRootDir}}").strip()
    kept = os.path.join(root, "containers", container)
    assert "config.v2.json" in os.listdir(kept)
    handed_on = glob.glob(f"/run/*/**/{container}", recursive=True)
    return [hit for place in (kept, *handed_on) for hit in search_files(place)]


def test_what_starts_a_rank_is_private_and_goes_with_the_next_command_after_a_kill(contained):
    """The file with a rank's variables is in memory, until the launcher in the container has read it."""
    script = contained.write("train.py", "import time; time.sleep(60)")
    with contained.start("run", *FLAGS, script) as child:
        wait_until(lambda: glob.glob(f"{contained.home}/runs/*/place-in-memory/**/start-0", recursive=True), 30)
        while left := contained.processes():  # a supervisor may be forked in that moment
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        child.communicate(timeout=20)
    (place,) = map(os.path.realpath, glob.glob(f"{contained.home}/runs/*/place-in-memory"))
    modes = {os.stat(path).st_mode & 0o777 for path in glob.glob(f"{place}/**/start-*", recursive=True)}
    assert modes <= {0o600}
    assert os.stat(place).st_mode & 0o077 == 0
    contained.command("ps")
    assert not os.path.exists(place)
    assert contained.containers() == []
    assert find_left_starts() == search_files(contained.home) == []


def find_leaves(pid):
    """Give the processes below one that have started no others: the ranks."""
    children = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as file:
            children += map(int, file.read().split())
    return {leaf for child in children for leaf in find_leaves(child)} if children else {pid}


def find_in_file(path):
    """Search a large file piece by piece."""
    found, rest = set(), b""
    with open(path, "rb") as file:
        while data := file.read(1 << 24):
            found |= set(find_forms(rest + data))
            rest = data[-1000:]
    return sorted(found)


def find_left_starts():
    """Search what runs may have left in the places for private files; other programs keep large files there."""
    places = [os.environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm"]
    own = [path for place in places if place for path in glob.glob(f"{place}/localrun*")]
    return [hit for path in own for hit in search_files(path)]


def test_the_run_of_a_script_in_a_container_ends_in_the_record(contained):
    store(contained, "token", "the-value-of-it")
    done = contained.run("--secret", "token=TOKEN", contained.write("train.py", SCRIPT))
    assert done.returncode == 0, done.stdout + done.stderr
    record = contained.record()
    assert record["metrics"]["accuracy"] == 0.75
    assert record["tags"] == {"stage": "test", "team": "7"}
    assert os.path.exists(os.path.join(record["folder"], "journal", "files", "models", "model.pkl"))


def test_a_rank_in_a_container_with_the_users_terminal_is_masked(contained):
    check_a_terminal(contained, "-t", "docker", "-E", "image:localrun-test/python")


@pytest.mark.slow
@pytest.mark.pypi
def test_ranks_that_mpirun_starts_in_containers_have_a_secret_which_is_in_no_file(contained, mpi_python):
    contained.write("train.py", "import os; print(os.environ['OMPI_COMM_WORLD_RANK'], os.environ['PLAIN'][::-1])")
    words = ("--distribution", "mpi", "--nodes", "2", "-n", "1", "--secret", "plain=PLAIN", "--source", ".")
    program = ("--command", "exec /usr/bin/python3 train.py")
    with watch_command_lines() as told:
        done = contained.run(*mount(mpi_python, with_programs=True), *words, *program)
    assert done.returncode == 0, done.stderr
    assert [contained.log(rank).decode() for rank in range(2)] == [f"{rank} {PLAIN[::-1]}\n" for rank in range(2)]
    assert find_forms(done.stdout + done.stderr) == told == []
    assert search_files(contained.home) == []
