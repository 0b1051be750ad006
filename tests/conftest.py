"""What every test gets: a workspace of its own, bytecode as users have it, and no settings of the machine.

And what a session leaves: nothing in the Docker engine.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, os.path.dirname(__file__))  # for the kits

from venv_kit import find_python_folder

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")  # how long an example takes says something of the machine alone

os.environ["PATH"] = os.pathsep.join((find_python_folder(), os.environ["PATH"]))

# What was started in the background of a script, or by nohup, ignores signals, and so does all that it starts.
for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:  # which Python itself ignores
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

PUT_AWAY_S = 30
"""A command does not wait for the removal of its containers; this is long enough for the last ones of a session."""


@pytest.fixture(autouse=True)
def own_workspace(tmp_path, monkeypatch):
    home = tmp_path / "localrun-home"
    monkeypatch.setenv("LOCALRUN_HOME", str(home))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    return home


@pytest.fixture(scope="session")
def python_channel():
    """Give a conda channel with this machine's python, under the name of conda-forge."""
    from channel_kit import make_python_channel

    return make_python_channel()


@pytest.fixture(scope="session")
def condarc(python_channel, tmp_path_factory):
    """Give a file of conda's settings in which conda-forge is the channel that was made here."""
    from channel_kit import name_conda_forge

    file = tmp_path_factory.mktemp("conda") / "condarc"
    file.write_text(name_conda_forge(python_channel))
    return str(file)


@pytest.fixture(scope="session")
def unpacked(python_channel, tmp_path_factory):
    """Give a function that lets a workspace begin with what the first environment of the channel leaves in its cache."""
    from channel_kit import link_cache, make_unpacked

    base = tmp_path_factory.getbasetemp()
    cache = make_unpacked(str(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base), python_channel)
    return lambda home, *parts: link_cache(cache, str(home), parts or ("conda", "bytecode"))


@pytest.fixture
def warm_workspace(unpacked, own_workspace):
    """Let the test's workspace have the packages of the channel unpacked."""
    unpacked(own_workspace)
    return own_workspace


@pytest.fixture
def marker():
    """Give the marker of Azure ML's bootstrap script, of which a machine has one, to one test at a time."""
    from marker_kit import MARKER, remove_marker

    with open(f"{MARKER}.tests-lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_marker()  # of a test that was killed
        yield MARKER
        remove_marker()


@pytest.fixture
def root():
    """Fail a test that needs root's rights where they are not there; a test never passes because it did not run."""
    assert os.geteuid() == 0, "only root can do what this test needs: run the suite as root, such as in a container"


@pytest.fixture
def mounting(root):
    """Let a test mount a small or read-only disk, which only root can."""


def pytest_collection_modifyitems(items):
    from order_kit import begin_with_long

    begin_with_long(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let workers share the tests as `order_kit` says, unless the command line says another way."""
    if config.getoption("dist") != "load":
        return None
    from order_kit import Scheduling

    config.option.loadscopereorder = False  # the order of the tests is the order that they begin in
    return Scheduling(config, log)


def pytest_sessionfinish(session):
    """Fail the session when something with a label of localrun's is left in the machine's engine.

    Other sessions may use that engine at the same time: only what names a folder of this session's tests counts, but
    on CI, where there is nobody else, everything.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if hasattr(session.config, "workerinput") or not reporter:
        return
    ran = {getattr(report, "nodeid", "") for reports in reporter.stats.values() for report in reports}
    if not any("tests/integration/" in name for name in ran):
        return
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), "integration"))
    from engine_kit import Engine, find_left

    folder = str(session.config._tmp_path_factory.getbasetemp())
    engine = Engine()
    only = None if os.environ.get("CI") else folder
    left = find_left(engine, only) if engine.answers() else []
    end = time.monotonic() + PUT_AWAY_S
    while left and time.monotonic() < end:
        time.sleep(0.2)
        left = find_left(engine, only)
    if left:
        reporter.write_line("left in the Docker engine: " + "; ".join(left), red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
