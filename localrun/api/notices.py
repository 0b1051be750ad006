"""What the classes tell the user who calls them: warnings of the standard logging module, escaped.

A program that wants them elsewhere, or not at all, sets up the logger `localrun`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def tell(lines: Iterable[str]) -> None:
    """Warn the user, one line each."""
    import logging

    from localrun.escaping import escape

    for line in lines:
        logging.getLogger("localrun").warning("%s", escape(line))
