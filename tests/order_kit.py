"""In which order tests begin when several workers share them, and which of them one worker runs."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

TOGETHER = {
    "tests/integration/test_docker_losses.py::test_engine_that": "second engine",
    "tests/integration/test_engine_faults.py": "second engine",
    "tests/integration/test_engine_requests.py::test_an_engine_that": "second engine",
    "tests/integration/test_image_cache.py::test_base_image_comes": "registry",
    "tests/integration/test_image_cache.py::test_image_is_fetched": "registry",
    "tests/integration/test_image_cache.py::test_submitted_run": "registry",
    "tests/integration/test_image_commands.py::test_python_api": "registry",
    "tests/integration/test_image_commands.py::test_what_is_built": "registry",
    "tests/integration/test_plain_secrets.py": "planted secrets",
    "tests/integration/test_second_engine.py": "second engine",
    "tests/integration/test_secrets": "planted secrets",
}
"""For the beginnings of names of tests of several files that share what takes many seconds to make, an engine or a base
image in a registry, or that look at all processes of the machine for the same text: what that is."""


class Scheduling(LoadScopeScheduling):
    """Gives each worker one file after the other, whose tests may share names, and what TOGETHER says at once."""

    def _split_scope(self, nodeid):
        return find_group(nodeid) or nodeid.partition("::")[0]


def find_group(nodeid):
    return next((group for start, group in TOGETHER.items() if nodeid.startswith(start)), "")


def begin_with_long(items):
    """Put the tests that take long before the others, and leave each part in the random order that it has.

    One that came last would keep one worker busy while the others have nothing to do.
    """
    items.sort(key=lambda item: not (item.get_closest_marker("slow") or find_group(item.nodeid)))
