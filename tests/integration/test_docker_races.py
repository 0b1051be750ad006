"""What happens between two requests to the engine: an image that goes, a name that is taken."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from contextlib import suppress

import pytest
from contained_kit import Contained, start_waiting, use

SOCKET = "/var/run/docker.sock"
MAKE, START = rb"POST \S+/containers/create\?name=(\S+)", rb"POST \S+/containers/(\w+)/start"


@pytest.fixture
def contained(own_workspace, tmp_path, engine, python_image):
    yield from use(Contained(own_workspace, tmp_path / "source", engine, python_image))


class Between:
    """Passes requests on to the machine's engine, and does something before the first that is looked for."""

    def __init__(self, path, act, looked_for):
        self._act = act
        self._looked_for = looked_for
        self._open = [socket.socket(socket.AF_UNIX)]
        self._open[0].bind(path)
        self._open[0].listen()
        self.environ = {"DOCKER_HOST": f"unix://{path}"}
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def close(self):
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for one in self._open:
            one.close()

    def _serve(self):
        with suppress(OSError):
            while True:
                near, _ = self._open[0].accept()
                far = socket.socket(socket.AF_UNIX)
                self._open += (near, far)
                far.connect(SOCKET)
                for pair in ((near, far), (far, near)):
                    self._threads.append(threading.Thread(target=self._copy, args=pair, daemon=True))
                    self._threads[-1].start()

    def _copy(self, source, target):
        with suppress(OSError):
            while data := source.recv(65_536):
                if self._act and (found := re.match(self._looked_for, data)):
                    act, self._act = self._act, None
                    act(found[1].decode())
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@pytest.fixture
def between(tmp_path, contained):
    made = []

    def make(act, looked_for=MAKE):
        made.append(Between(str(tmp_path / f"engine-{len(made)}"), act, looked_for))
        return made[-1].environ

    yield make
    contained.wait_for_processes()  # the removal of containers goes through here as well
    for one in made:
        one.close()


@pytest.fixture
def built(contained, tmp_path):
    """Give a driver whose image is made from a Dockerfile."""
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "Dockerfile").write_text(f"FROM {contained.image}\nLABEL of={tmp_path}\n")
    contained.file = str(tmp_path / "image" / "Dockerfile")
    contained.write("hello.py", "print('hello')")
    yield contained
    remove_image(contained)


def find_image(driver):
    return driver.record()["plan"]["environment"]["image"]["name"]


def remove_image(driver):
    if driver.records():
        driver.engine.try_docker("image", "rm", "--force", find_image(driver))


def run(driver, *words, **options):
    return driver.command("run", "-t", "docker", "-E", driver.file, *words, **options)


def test_image_that_goes_before_its_container_is_made_is_made_anew(built, between):
    assert run(built, "hello.py").returncode == 0
    done = run(built, "hello.py", env=between(lambda _: remove_image(built)))
    assert (done.returncode, done.stdout) == (0, b"hello\n"), done.stderr
    assert b"it is looked for anew" in done.stderr
    assert [record["status"] for record in built.records()] == ["completed"] * 2


def test_image_that_is_removed_in_a_run_is_made_again_for_the_next(built):
    assert run(built, "hello.py").returncode == 0
    image = find_image(built)
    assert image.startswith("azureml/azureml_")
    built.image = image
    with start_waiting(built, program="import time; time.sleep(0.5); print('on')") as child:
        remove_image(built)
        child.communicate(timeout=60)
    assert child.returncode == 0
    done = run(built, "hello.py")
    assert (done.returncode, done.stdout) == (0, b"hello\n"), done.stderr
    assert built.engine.inspect(image, "image")


def test_name_of_a_container_that_is_taken_is_changed(contained, between):
    def take(name):
        contained.engine.docker("create", "--name", name, contained.image, "true")

    contained.write("hello.py", "print('hello')")
    done = contained.run("hello.py", env=between(take))
    (container,) = contained.record()["containers"]
    name = f"localrun-{contained.record()['run_id']}-0"
    contained.engine.docker("rm", name)
    assert (done.returncode, done.stdout) == (0, b"hello\n"), done.stderr
    assert container["name"].startswith(f"{name}-")


def test_run_that_is_killed_as_it_starts_its_container_leaves_nothing_after_the_next_command(contained, between):
    contained.write("hello.py", "print('hello')")
    killed = threading.Event()

    def kill(_):
        for pid in contained.processes():  # the command, and its supervisor if there is one yet
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed.set()

    with contained.start("run", "hello.py", env=between(kill, START)) as child:
        assert killed.wait(30)
        assert child.communicate(timeout=20)[0] == b""
    contained.wait_for_processes(timeout_s=60)  # a supervisor that was forked in that moment sees to the end itself
    assert contained.command("ps").returncode == 0
    assert contained.containers() == []
    assert os.listdir(os.path.join(contained.home, "active")) == []
