"""The real command line and real engines on a workspace of the test's own; nothing that it starts outlives the test."""

from __future__ import annotations

import os
import signal
import sys
import uuid

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from engine_kit import BARE, PYTHON, Engine, SecondEngine, running
from run_kit import Driver
from venv_kit import find_venv


@pytest.fixture
def localrun(own_workspace, tmp_path):
    driver = Driver(own_workspace, tmp_path / "source")
    yield driver
    left = driver.wait_for_processes()
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


@pytest.fixture(scope="session")
def engine():
    """Give the machine's own engine, which others use too."""
    one = Engine()
    assert one.answers(), "no Docker engine answers: run `python tests/prepare.py`"
    return one


@pytest.fixture(scope="session")
def bare_image(engine):
    """Give the name of an image without Python."""
    engine.docker("image", "inspect", BARE)
    return BARE


@pytest.fixture(scope="module")
def own_base(engine, bare_image):
    """Give the name of an image like the bare one on which no other file's tests make, or remove, a layer."""
    name = f"localrun-test/own-{uuid.uuid4().hex}"
    yield engine.build(f"FROM {bare_image}\nLABEL own={name}\n", name)
    engine.try_docker("image", "rm", "--force", name)


@pytest.fixture(scope="session")
def python_image(engine):
    """Give the name of an image with the distribution's python3."""
    engine.docker("image", "inspect", PYTHON)
    return PYTHON


@pytest.fixture(scope="session")
def one_second_engine(engine, tmp_path_factory):
    with running(SecondEngine(tmp_path_factory.mktemp("second-engine")), engine, BARE, PYTHON) as one:
        yield one


@pytest.fixture
def second_engine(one_second_engine, mounting):
    """Give an engine that a test may kill, stop and restart; it has the base images, and begins without containers."""
    if not one_second_engine.answers():
        one_second_engine.up()
    yield one_second_engine
    if not one_second_engine.answers():
        one_second_engine.up()
    left = one_second_engine.containers()
    if left:
        one_second_engine.try_docker("rm", "--force", *left)  # one may be on its way out already


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    """Give a registry on loopback that knows one user."""
    from registry_kit import Registry

    with Registry(tmp_path_factory.mktemp("registry")) as one:
        yield one


@pytest.fixture(scope="session")
def text_channel(tmp_path_factory):
    """Give a conda channel of packages without Python, small and quick to link."""
    from environment_kit import fill_channel, text_package

    folder = tmp_path_factory.mktemp("text-channel")
    return fill_channel(folder, [text_package("words"), text_package("many", count=200)])


@pytest.fixture
def images(engine, own_workspace, text_channel):
    """Give what makes images of a workspace of the test's own."""
    from image_kit import Images

    own_workspace.mkdir(mode=0o700, exist_ok=True)
    made = Images(engine, own_workspace, text_channel)
    yield made
    made.clean()


@pytest.fixture(scope="session")
def torch_python():
    """Give the python of a venv with torch."""
    return find_venv("torch")


@pytest.fixture(scope="session")
def mpi_python():
    """Give the python of a venv with mpi4py and Open MPI."""
    return find_venv("mpi")


@pytest.fixture(scope="session")
def mpi4py_python():
    """Give the python of a venv with mpi4py alone."""
    return find_venv("mpi4py")
