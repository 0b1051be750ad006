"""What a target makes of a plan: a run whose folder is complete."""

from __future__ import annotations

from localrun.values import value
from localrun.workspace.home import failed
from localrun.workspace.place import remove_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.supervise.hands import Hands
    from localrun.supervise.process import Process


@value
class Ready:
    """A run whose folder is complete: what is to be started in it.

    Attributes:
        processes: One a rank, ordered by rank.
        bootstraps: One for each node that has a bootstrap script to run.
        notes: What came up on the way, one line each.
        hands: What starts them; None for processes of this machine.
    """

    processes: tuple[Process, ...]
    bootstraps: tuple[Process, ...] = ()
    notes: tuple[str, ...] = ()
    hands: Hands | None = None


def fill_or_remove(folder: str, fill: Callable[[], Ready]) -> Ready:
    """Have a run's folder filled; when that fails, what was made outside of it is removed.

    Raises:
        StoreFailed: there is no room.
        LocalrunError: what `fill` raises.
    """
    try:
        return fill()
    except OSError as error:
        remove_place(folder)
        raise failed(error, error.filename or folder) from error
    except BaseException:
        remove_place(folder)
        raise
