"""Signals without the `signal` module, whose import (for its enums) costs a warm run as much as half an interpreter.

`_signal` is what `signal` is made of in every CPython that localrun supports.
"""

from __future__ import annotations

from _signal import (  # type: ignore[import-not-found]  # the C half of `signal` has no stub of its own
    SIG_DFL,
    SIG_IGN,
    SIGCHLD,
    SIGHUP,
    SIGINT,
    SIGKILL,
    SIGPIPE,
    SIGTERM,
    SIGXFSZ,
    getsignal,
    set_wakeup_fd,
    signal,
)

__all__ = [
    "SIGCHLD",
    "SIGHUP",
    "SIGINT",
    "SIGKILL",
    "SIGPIPE",
    "SIGTERM",
    "SIGXFSZ",
    "SIG_DFL",
    "SIG_IGN",
    "getsignal",
    "set_wakeup_fd",
    "signal",
]
