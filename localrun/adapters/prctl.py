"""prctl(2), which Python has no function for, without the `ctypes` package, whose import a run would wait for.

`_ctypes` is what `ctypes` is made of in every CPython that localrun supports; where it is not what it was, `ctypes`
itself is asked.
"""

from __future__ import annotations

import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def prctl(option: int, argument: int) -> None:
    """Call prctl with one argument (Linux; elsewhere nothing happens). What the kernel refuses is passed over."""
    if sys.platform != "linux":
        return
    try:
        from _ctypes import call_function, dlopen, dlsym

        program = dlopen(None, 0)  # type: ignore[arg-type]  # the stub leaves None out; it is dlopen(3)'s NULL
        call_function(dlsym(program, "prctl"), (option, argument, 0, 0, 0))
    except (ImportError, OSError, TypeError):
        import ctypes

        ctypes.CDLL(None).prctl(option, argument, 0, 0, 0)
