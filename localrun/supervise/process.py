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
        log: The absolute path of the file for its raw output.
    """

    rank: int
    node: int
    argv: tuple[str, ...]
    variables: tuple[tuple[str, str], ...]
    directory: str
    log: str
