"""What a process and its descendants use."""

from __future__ import annotations

import os

from localrun.adapters.usage import measure_cpu, measure_tree


def test_a_process_is_measured_with_its_threads_and_memory():
    usage = measure_tree(os.getpid())
    assert usage.pids[0] == os.getpid()
    assert (usage.processes >= 1, usage.threads >= 1, usage.memory_bytes > 1 << 20, usage.stopped) == (
        True,
        True,
        True,
        False,
    )
    assert measure_cpu(os.getpid()) >= usage.cpu_s > 0


def test_a_process_that_is_gone_has_no_usage():
    assert measure_tree(2**22 + 1) is None
    assert measure_cpu(2**22 + 1) is None
