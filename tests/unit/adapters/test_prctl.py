from __future__ import annotations

import ctypes
import sys

import pytest

from localrun.adapters.prctl import PR_SET_CHILD_SUBREAPER, prctl

PR_GET_CHILD_SUBREAPER = 37


@pytest.mark.parametrize("broken", [False, True])
def test_prctl_reaches_the_kernel_with_and_without_the_private_module(broken, monkeypatch):
    if broken:
        monkeypatch.setitem(sys.modules, "_ctypes", None)
    answer = ctypes.c_int(-1)
    for asked in (1, 0):
        prctl(PR_SET_CHILD_SUBREAPER, asked)
        if sys.platform == "linux":  # the one kernel that has it; elsewhere the call does nothing
            ctypes.CDLL(None).prctl(PR_GET_CHILD_SUBREAPER, ctypes.byref(answer), 0, 0, 0)
        assert answer.value == (asked if sys.platform == "linux" else -1)
