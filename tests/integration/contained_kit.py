"""What the tests of runs in containers share."""

from __future__ import annotations

import fcntl
import os

from run_kit import Driver, hear, wait_until


class Contained(Driver):
    """Runs `localrun` commands whose runs are in containers.

    Attributes:
        image: The image.
        engine: Whose containers they are.
    """

    def __init__(self, home, source, engine, image):
        super().__init__(home, source)
        self.engine = engine
        self.image = image

    def start(self, *words, env=None, plain=False, **options):
        if words[:1] == ("run",) and not plain:
            words = ("run", "-t", "docker", "-E", f"image:{self.image}", *words[1:])
        return super().start(*words, env={**self.engine.environ, **(env or {})}, **options)

    def containers(self, run_id=None):
        """Give the ids of this workspace's containers, or of one run's."""
        self.await_removals()
        labels = [f"label=localrun.owner={self.home}", *([f"label=localrun.run={run_id}"] if run_id else [])]
        return self.engine.containers(*labels)

    def await_removals(self):
        """Wait until runs that have ended have put their containers away, which nobody else waits for."""
        ended = {record["run_id"] for record in self.records() if record["status"] != "running"}
        active = os.path.join(self.home, "active")
        names = ended & set(os.listdir(active) if os.path.isdir(active) else ())
        wait_until(lambda: not any(is_locked(os.path.join(active, name)) for name in names), 30)

    def networks(self):
        self.await_removals()
        return [one["Id"] for one in self.engine.list("network", f"label=localrun.owner={self.home}")]

    def inspect(self, container):
        return self.engine.inspect(container)


def is_locked(path):
    """Tell whether a run's entry has a living supervisor."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def use(driver):
    yield driver
    left = [*driver.containers(), *driver.networks()]
    for container in driver.containers():
        driver.engine.docker("rm", "-f", container)
    for network in driver.networks():
        driver.engine.docker("network", "rm", network)
    assert not left
    assert not driver.wait_for_processes()


def start_waiting(driver, *words, ranks=1, program="import time; time.sleep(600)", **options):
    """Start a run whose ranks are there when this returns."""
    here = os.path.join(os.path.dirname(driver.source), "here")
    if not os.path.exists(here):
        os.mkfifo(here)
    driver.write("wait.py", f"open({here!r}, 'w').write('on\\n')\n{program}")
    folder = os.path.dirname(here)
    child = driver.start("run", *words, "-v", f"{folder}:{folder}", "wait.py", **options)
    try:
        hear(here, ranks)
    except BaseException:
        child.kill()
        print(child.communicate())
        raise
    return child
