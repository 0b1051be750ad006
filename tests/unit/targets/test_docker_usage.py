"""What ranks in containers have used."""

from __future__ import annotations

from localrun.targets.docker_usage import Watch


def test_peak_that_nobody_saw_is_not_known():
    watch = Watch({0: "no-such-container"})
    assert watch.peak(0) is None
    watch.look({0: "-10"})
    assert watch.peak(0) is None


def test_processes_that_are_never_found_are_looked_for_no_more():
    watch = Watch({0: "no-such-container"})
    for _ in range(3):
        assert watch.due is not None
        watch.look({0: "-10"})
    assert watch.due is None
