"""Arguments and options that several commands take, each in the same words."""

from __future__ import annotations

import click

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Number(click.types.IntParamType):
    """A whole number from `least` on; the help says so in words, if at all, and not in a formula."""

    def __init__(self, least: int = 0) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Give the number."""
        number: int = super().convert(value, param, ctx)
        if number < self.least:
            self.fail(f"{number} is less than {self.least}", param, ctx)
        return number


FORMAT = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
RUN = click.argument("run", metavar="RUN")
RUNS = click.argument("runs", nargs=-1, required=True, metavar="RUN...")
