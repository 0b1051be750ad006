"""What a target hands to the supervisor: processes that are ready to start."""

from __future__ import annotations

from localrun.values import value


@value
class Process:
    """One rank, or the bootstrap script of a node, ready to start.

    Attributes:
        rank: The global rank whose output this is.
        node: Its node.
        argv: The command.
        variables: The whole environment, by name.
        directory: The working directory, absolute.
        log: The absolute path of the file for its output, raw but for what is masked.
        needles: What is masked in it, as `localrun.secrets.masks` lists it; empty when the run has no secrets.
        unmasked: A descriptor that gets the raw bytes as well, for the terminal; -1 for none.
        terminal: Master and slave of the terminal that it has; None for none.
        input: The descriptor of its standard input; -1 for an empty one.
    """

    rank: int
    node: int
    argv: tuple[str, ...]
    variables: tuple[tuple[str, str], ...]
    directory: str
    log: str
    needles: tuple[bytes, ...] = ()
    unmasked: int = -1
    terminal: tuple[int, int] | None = None
    input: int = -1
