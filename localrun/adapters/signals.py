"""Signals without the `signal` module, whose import (for its enums) costs a warm run as much as half an interpreter.

`_signal` is what `signal` is made of in every CPython that localrun supports.
"""

from __future__ import annotations

from _signal import (  # type: ignore[import-not-found]  # the C half of `signal` has no stub of its own
    ITIMER_REAL,
    SIG_BLOCK,
    SIG_DFL,
    SIG_IGN,
    SIG_SETMASK,
    SIG_UNBLOCK,
    SIGALRM,
    SIGCHLD,
    SIGCONT,
    SIGHUP,
    SIGINT,
    SIGKILL,
    SIGPIPE,
    SIGSTOP,
    SIGTERM,
    SIGTSTP,
    SIGWINCH,
    SIGXFSZ,
    getsignal,
    pthread_sigmask,
    raise_signal,
    set_wakeup_fd,
    setitimer,
    signal,
)

__all__ = [
    "ASKS",
    "SIGCHLD",
    "SIGCONT",
    "SIGHUP",
    "SIGINT",
    "SIGKILL",
    "SIGPIPE",
    "SIGSTOP",
    "SIGTERM",
    "SIGTSTP",
    "SIGWINCH",
    "SIGXFSZ",
    "SIG_BLOCK",
    "SIG_DFL",
    "SIG_IGN",
    "SIG_SETMASK",
    "SIG_UNBLOCK",
    "getsignal",
    "hold_asks",
    "let_asks_through",
    "pthread_sigmask",
    "raise_soon",
    "set_wakeup_fd",
    "signal",
    "stop_this_process",
]

ASKS = (SIGINT, SIGTERM, SIGHUP)
"""The signals by which somebody asks a run to end."""

_SOON_S = 0.01


def hold_asks() -> None:
    """Keep the signals that ask a run to end waiting, until somebody is ready to hear them."""
    pthread_sigmask(SIG_BLOCK, ASKS)


def let_asks_through() -> None:
    """Let the signals that ask a run to end through again; those that waited arrive now."""
    pthread_sigmask(SIG_UNBLOCK, ASKS)


def raise_soon(number: int) -> None:
    """Have this process get a signal in a moment, when it has left what it is doing now."""
    signal(SIGALRM, lambda *_: raise_signal(number))
    setitimer(ITIMER_REAL, _SOON_S)


def stop_this_process() -> None:
    """Stop this process, as Ctrl-Z does, until somebody lets it go on."""
    import os

    os.kill(os.getpid(), SIGSTOP)
