"""The containers of a live run."""

from __future__ import annotations

import os

from localrun.errors import RunNotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from localrun.adapters.engine import Engine
    from localrun.inside.place import Place


def is_contained(record: Mapping[str, Any]) -> bool:
    """Tell whether a run's ranks are in containers."""
    return record.get("target") == "docker"


def find_container(record: Mapping[str, Any], node: int) -> str:
    """Give the id of a node's container.

    Raises:
        RunNotFound: the run has no such node.
    """
    for container in record.get("containers") or ():
        if container["node"] == node:
            return str(container["id"])
    raise RunNotFound(f"run {record['run_id']} has no container for node {node}")


def open_engine(environ: Mapping[str, str]) -> Engine:
    """Give the engine that the docker command line would talk to."""
    from localrun.adapters.engine import Engine, find_endpoint

    return Engine(find_endpoint(environ, os.path.expanduser("~")))


def run_where(record: Mapping[str, Any], place: Place, command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a command in the container of a rank, and give its exit code.

    Raises:
        LocalrunError: the engine does not answer, or the container does not run.
    """
    from localrun.adapters.engine_exec import run_in_container

    node = next(item["node"] for item in record["ranks"] if item["rank"] == place.rank)
    return run_in_container(
        open_engine(environ), find_container(record, node), command, dict(place.variables), place.directory
    )


def pause_node(record: Mapping[str, Any], node: int, environ: Mapping[str, str], *, paused: bool) -> None:
    """Freeze a node's container, or let it go on; one that is as it should be stays so.

    Raises:
        LocalrunError: the engine does not answer, or cannot.
    """
    from localrun.adapters.engine_errors import CLASH, EngineRefused

    word = "pause" if paused else "unpause"
    engine = open_engine(environ)
    container = find_container(record, node)
    try:
        engine.ask("POST", f"/containers/{container}/{word}")
    except EngineRefused as error:
        state = engine.ask("GET", f"/containers/{container}/json").get("State") or {}
        if error.status not in {CLASH, 500} or bool(state.get("Paused")) != paused:  # 20.10 answers 500
            raise
