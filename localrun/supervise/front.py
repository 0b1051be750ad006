"""The front end of a run: it shows what the ranks print, and passes on what the user asks for."""

from __future__ import annotations

import os

from localrun.adapters import signals
from localrun.supervise.loop import GO_ON, GROWN, HELD, RELEASE, STAND_STILL, WORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.supervise.terminal import Relay
    from localrun.supervise.view import View

ENOUGH = 2
"""Who asks more often than that does not want to see the rest of the output either."""


def watch(
    control: int,
    wake: int,
    view: View,
    say: Callable[[str], None],
    on_hold: Callable[[], object] | None = None,
    relay: Relay | None = None,
) -> None:
    """Show a run until its record is closed.

    Args:
        control: The supervisor's control pipe; what the user asks for goes there.
        wake: The supervisor's wake pipe.
        view: Where the output goes. When nobody reads that any more the run goes on, and `say` hears of it.
        say: Gets one line for the user.
        on_hold: Called when the ranks are held after a failure; then Enter ends the run.
        relay: Where the keys go; None when no rank has the terminal.
    """
    interrupts = 0

    def ask(number: int, _: object) -> None:
        nonlocal interrupts
        interrupts += number == signals.SIGINT
        if interrupts > ENOUGH:  # the ranks are killed; whoever reads our output does not take it
            raise KeyboardInterrupt
        try:
            os.write(control, WORDS[number])
            if number == signals.SIGINT and interrupts == 1:
                say("stopping the ranks; press Ctrl-C again to kill them")
        except (OSError, RuntimeError):
            return  # the supervisor is gone, its wake pipe tells; or we were just saying something else

    def stand_still(*_: object) -> None:
        if _tell(control, STAND_STILL):
            signals.stop_this_process()
            _tell(control, GO_ON)

    before = {n: signals.signal(n, ask) for n in WORDS if signals.getsignal(n) != signals.SIG_IGN}
    if signals.getsignal(signals.SIGTSTP) == signals.SIG_DFL:
        before[signals.SIGTSTP] = signals.signal(signals.SIGTSTP, stand_still)
    signals.let_asks_through()
    try:
        _follow(control, wake, view, say, on_hold, relay)
    finally:
        if relay is not None:
            relay.close()
        for number, handler in before.items():
            signals.signal(number, handler)


def _tell(control: int, word: bytes) -> bool:
    try:
        os.write(control, word)
    except OSError:
        return False  # the supervisor is gone, its wake pipe tells
    return True


def _follow(
    control: int,
    wake: int,
    view: View,
    say: Callable[[str], None],
    on_hold: Callable[[], object] | None,
    relay: Relay | None,
) -> None:
    news = GROWN
    held = False
    while news:
        if held or relay is not None:
            _await_news(control, wake, relay)
        news = os.read(wake, 65_536)
        shown = view.open
        view.show(last=not news)
        if view.begun:
            _prepare_end()
        if shown and not view.open:
            say("nobody reads the output any more; the run goes on, and its logs are complete")
        if HELD in news and on_hold is not None:
            if relay is not None:
                relay.close()
            relay, held = None, os.isatty(0)
            on_hold()


def _await_news(control: int, wake: int, relay: Relay | None) -> None:
    """Wait for news of the run; meanwhile keys go to the rank with the terminal, or Enter ends a run that is held."""
    import select

    poll = select.poll()
    poll.register(wake, select.POLLIN)
    if relay is None or relay.open:
        poll.register(0, select.POLLIN)
    while wake not in (ready := dict(poll.poll())):
        if relay is None and os.read(0, 4096):
            _tell(control, RELEASE)
        elif relay is not None and 0 in ready:
            relay.forward()
        if relay is None or not relay.open:
            poll.unregister(0)
            poll.poll()
            return


def _prepare_end() -> None:
    """Import what the end of a run takes, now that nobody waits for a first line any more."""
    import json  # noqa: F401 - for whoever asks for it next

    from localrun.workspace import records  # noqa: F401 - the same


def await_record(wake: int) -> None:
    """Wait until the supervisor of a detached run has written the run's first record, or has failed to."""
    signals.let_asks_through()
    os.read(wake, 1)
