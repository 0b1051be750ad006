"""The options of `run` and `plan`, as the command line gives them."""

from __future__ import annotations

from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@value
class Flags:
    """The options of `run` and `plan` as given; None or empty means not given.

    Attributes:
        container: For each option for containers that is given, the field of `ContainerSpec` and what it gets.
    """

    source: str = ""
    arguments: tuple[str, ...] = ()
    command: str = ""
    source_directory: str = ""
    environment: str = ""
    as_of: str = ""
    target: str = ""
    nodes: int | None = None
    processes: int | None = None
    distribution: str = ""
    variables: tuple[str, ...] = ()
    variable_files: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    no_shim: bool = False
    bootstrap: str = ""
    barrier_timeout_s: float | None = None
    timeout_s: float | None = None
    stop_timeout_s: float | None = None
    rank_timeout_s: float | None = None
    on_failure: str = "stop"
    rank: int | None = None
    interactive: bool = False
    terminal: bool = False
    debug: bool = False
    timestamps: bool = False
    sample_usage: bool = False
    experiment: str = ""
    name: str = ""
    in_place: bool = False
    no_snapshot_limit: bool = False
    outputs_directory: str = ""
    task_index: str = "local"
    overrides: tuple[str, ...] = ()
    run_config: str = ""
    container: tuple[tuple[str, Any], ...] = ()
