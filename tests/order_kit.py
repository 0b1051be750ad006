"""In which order tests begin when several workers share them, and which of them one worker runs."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

TOGETHER = {
    "tests/integration/test_docker_losses.py::test_engine_that": "second engine",
    "tests/integration/test_docker_seed_bootstrap.py": "seed bootstrap in containers",
    "tests/integration/test_engine_faults.py": "second engine",
    "tests/integration/test_engine_requests.py::test_an_engine_that": "second engine",
    "tests/integration/test_image_cache.py::test_base_image_comes": "registry",
    "tests/integration/test_image_cache.py::test_image_is_fetched": "registry",
    "tests/integration/test_image_cache.py::test_submitted_run": "registry",
    "tests/integration/test_image_commands.py::test_python_api": "registry",
    "tests/integration/test_image_commands.py::test_what_is_built": "registry",
    "tests/integration/test_offline_channel.py": "offline channel",
    "tests/integration/test_podman.py": "podman",
    "tests/integration/test_runs_bootstrap.py": "bootstrap",
    "tests/integration/test_second_engine.py": "second engine",
    "tests/packaging/test_distribution.py": "distribution",
    "tests/seeds/test_blocks_docker.py": "open registry",
}
"""For the beginnings of names of tests that share what takes many seconds to make, such as an engine or a base image in a
registry: what that is."""


class Scheduling(LoadScopeScheduling):
    """Gives each worker one test after the other, the tests of TOGETHER and those of a file of unit tests at once."""

    def _split_scope(self, nodeid):
        return find_group(nodeid) or (nodeid.partition("::")[0] if nodeid.startswith("tests/unit/") else nodeid)


def find_group(nodeid):
    return next((group for start, group in TOGETHER.items() if nodeid.startswith(start)), "")


def begin_with_long(items):
    """Put the tests that take long before the others, and leave each part in the random order that it has.

    One that came last would keep one worker busy while the others have nothing to do.
    """
    items.sort(key=lambda item: not (item.get_closest_marker("slow") or find_group(item.nodeid)))
