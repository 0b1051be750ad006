"""Engines that come back, stay away or have no room; and the folders of an engine, where no secret may be found.

More of what may happen to a run in containers is in `test_docker_losses`, `test_docker_runs` and
`test_secrets_in_containers`.
"""

from __future__ import annotations

import base64
import os
import subprocess
import time
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from engine_kit import BARE, SecondEngine, running
from run_kit import hear, wait_until
from secret_kit import search_files

TALK = """\
echo "rank $RANK before"
echo $RANK >here
read -r line <go-$RANK
echo "rank $RANK $line"
exit $((7 + RANK))
"""
"""Ranks that say where they are, wait for a word, and end with a code of their own."""


class Talk:
    """A run in containers whose ranks wait; its source folder is mounted, and holds their pipes."""

    def __init__(self, localrun, engine, *options, ranks=1):
        self.localrun, self.engine, self.ranks = localrun, engine, ranks
        folder = localrun.source
        for name in ("here", *(f"go-{rank}" for rank in range(ranks))):
            os.mkfifo(os.path.join(folder, name))
        localrun.write("talk.sh", TALK)
        words = ("-t", "docker", "-E", f"image:{BARE}", "--in-place", "--distribution", "pytorch")
        words += ("--source", ".", "--command", "sh talk.sh")
        self.child = localrun.start("run", *words, *options, env=engine.environ)
        hear(os.path.join(folder, "here"), ranks, timeout_s=120)

    def release(self, rank=0, word="after"):
        """Let a rank go on; when the run has ended instead, show what it said."""
        path = os.path.join(self.localrun.source, f"go-{rank}")
        while True:
            try:
                pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
                break
            except OSError:  # nobody reads yet
                assert self.child.poll() is None, self.child.communicate()
                time.sleep(0.01)
        os.write(pipe, f"{word}\n".encode())
        os.close(pipe)

    def end(self, timeout_s=120):
        """Wait for the end of the run; give its exit code and what it said."""
        try:
            out, err = self.child.communicate(timeout=timeout_s)
        finally:
            self.child.kill()
        return self.child.returncode, out.decode(), err.decode()


@contextmanager
def with_options(engine, *options):
    """Restart an engine with more options, and without them at the end."""
    before = engine.options
    engine.end()
    engine.options = (*before, *options)
    engine.up()
    try:
        yield engine
    finally:
        if engine.answers():
            engine.end()
        engine.options = before
        engine.up()


def test_what_a_dead_engine_kept_is_removed_by_a_later_command(localrun, second_engine):
    run = Talk(localrun, second_engine, "--nodes", "2", ranks=2)
    second_engine.kill()
    run.release(1)
    code, _, err = run.end()
    assert code == 8, err
    second_engine.up()
    assert len(second_engine.containers("label=localrun.run")) == 2
    assert localrun.command("ps", env=second_engine.environ).returncode == 0
    wait_until(lambda: not second_engine.containers("label=localrun.run"), 60)
    wait_until(lambda: "localrun-" not in second_engine.docker("network", "ls", "--format", "{{.Name}}"), 60)


@pytest.mark.parametrize("manner", ["end", "kill"])
def test_a_run_goes_on_while_an_engine_with_live_restore_is_restarted(localrun, second_engine, manner):
    with with_options(second_engine, "--live-restore"):
        run = Talk(localrun, second_engine)
        # an engine that has not yet noted that the container runs ends it
        wait_until(lambda: second_engine.containers("label=localrun.run", "status=running"), 60)
        getattr(second_engine, manner)()
        second_engine.up()
        run.release()
        code, out, err = run.end()
        assert (code, out) == (7, "rank 0 before\nrank 0 after\n"), err
        wait_until(lambda: not second_engine.containers("label=localrun.run"), 60)


@pytest.fixture
def small_disk(tmp_path, mounting):
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "-o", "size=640m", "tmpfs", folder), check=True)
    yield folder
    subprocess.run(("umount", "--lazy", folder), check=True)


@pytest.fixture
def small_engine(small_disk, tmp_path, engine):
    with running(SecondEngine(tmp_path / "small-engine", data=small_disk), engine, BARE) as one:
        yield one


def fill(folder, left_bytes):
    """Fill a disk but for so much."""
    facts = os.statvfs(folder)
    with open(os.path.join(folder, "filler"), "wb") as file:
        os.posix_fallocate(file.fileno(), 0, facts.f_bavail * facts.f_frsize - left_bytes)


@pytest.mark.slow
def test_an_engine_without_room_is_named_and_keeps_no_half_image(localrun, small_engine):
    localrun.write("Dockerfile", f"FROM {BARE}\nRUN head -c 50000000 /dev/urandom >/large\n")
    words = ("-t", "docker", "-E", "Dockerfile", "--command", "true")
    fill(small_engine.data, 20_000_000)
    done = localrun.run(*words, env=small_engine.environ, timeout=120)
    assert done.returncode == 125, done.stderr
    assert b"no space left" in done.stderr.lower()
    assert b"kind=" in done.stderr
    assert b"Traceback" not in done.stderr
    names = small_engine.docker("image", "ls", "--format", "{{.Repository}}").split()
    assert [name for name in names if name.startswith("azureml")] == []
    assert small_engine.containers() == []
    os.unlink(os.path.join(small_engine.data, "filler"))
    done = localrun.run(*words, env=small_engine.environ, timeout=120)
    assert done.returncode == 0, done.stderr


SECRET = b"s3cret/of+the run%41"
FORMS = (SECRET, base64.b64encode(SECRET), quote(SECRET, safe="").encode(), SECRET.hex().encode())


def find_secret(content):
    return [form for form in FORMS if form in content]


def test_no_secret_is_in_a_folder_of_the_engine(localrun, second_engine, tmp_path):
    with localrun.start("secret", "set", "token", stdin=subprocess.PIPE) as child:
        child.communicate(SECRET)
    assert child.returncode == 0
    plain = tmp_path / "plain.env"
    plain.write_bytes(b"PLAIN=" + SECRET + b"\n")
    run = Talk(localrun, second_engine, "--secret", "token=TOKEN", "--env-file", str(plain))
    (container,) = second_engine.containers("label=localrun.run")
    shown = second_engine.docker("inspect", container) + second_engine.docker("diff", container)
    assert [form for form in FORMS if form.decode() in shown] == []
    for folder in ("containers", "image", "volumes", "network"):
        assert search_files(os.path.join(second_engine.data, folder), find_secret) == []
    assert search_files(os.path.join(second_engine.sockets, "exec"), find_secret) == []
    with second_engine.start("export", container) as exporting:
        content = exporting.stdout.read()
    assert find_secret(content) == []
    run.release()
    assert run.end()[0] == 7
