"""The front end of a run: it shows what the ranks print, and passes on what the user asks for."""

from __future__ import annotations

import os

from localrun.adapters import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.supervise.view import View

ASKS = {signals.SIGINT: b"i", signals.SIGTERM: b"t", signals.SIGHUP: b"h"}
"""What each signal asks the supervisor for, as the control pipe spells it."""


def watch(control: int, wake: int, view: View, say: Callable[[str], None]) -> None:
    """Show a run until its record is closed.

    Args:
        control: The supervisor's control pipe; what the user asks for goes there.
        wake: The supervisor's wake pipe.
        view: Where the output goes. When nobody reads that any more the run goes on, and `say` hears of it.
        say: Gets one line for the user.
    """
    asked = 0

    def ask(number: int, _: object) -> None:
        nonlocal asked
        asked += 1
        try:
            os.write(control, ASKS[number])
        except OSError:
            return  # the supervisor is gone: the end of the wake pipe tells
        if number == signals.SIGINT and asked == 1:
            say("stopping the ranks; press Ctrl-C again to kill them")

    before = {n: signals.signal(n, ask) for n in ASKS if signals.getsignal(n) != signals.SIG_IGN}
    try:
        _follow(wake, view, say)
    finally:
        for number, handler in before.items():
            signals.signal(number, handler)


def _follow(wake: int, view: View, say: Callable[[str], None]) -> None:
    more = True
    while more:
        more = bool(os.read(wake, 65_536))
        shown = view.open
        view.show(last=not more)
        if shown and not view.open:
            say("nobody reads the output any more; the run goes on, and its logs are complete")


def await_record(wake: int) -> None:
    """Wait until the supervisor of a detached run has written the run's first record, or has failed to."""
    os.read(wake, 1)
