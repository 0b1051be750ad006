"""MLflow's file store in a run's folder, made before the ranks are there.

The first process that logs makes the store and the experiment, and MLflow does not expect that there are two of them:
ranks that begin at once would fail with `Experiment … already exists`. So both are there before any rank is.

    <run>/mlruns/.trash/         MLflow wants it
    <run>/mlruns/0/meta.yaml     the experiment

Source: `mlflow.store.tracking.file_store`, MLflow 2 and 3.
"""

from __future__ import annotations

import os
import time

from localrun.plan import MLFLOW_STORE, MLFLOW_URI

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST = "0"
"""The id of the experiment that every store has."""
PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-._~")
"""Bytes that stand for themselves in a URI."""


def make_store(variables: Mapping[str, str], folder: str) -> None:
    """Make the store of a run whose ranks are told to log there.

    Args:
        variables: The ranks' environment variables, as the plan has them.
        folder: The run's folder.

    Raises:
        OSError: there is no room.
    """
    if variables.get("MLFLOW_TRACKING_URI") != MLFLOW_URI:
        return
    store = os.path.join(folder, MLFLOW_STORE)
    place = os.path.join(store, FIRST)
    os.makedirs(place)
    os.mkdir(os.path.join(store, ".trash"))
    made = round(time.time() * 1000)
    path = "".join(chr(byte) if byte in PLAIN else f"%{byte:02X}" for byte in os.fsencode(place))
    lines = (
        f"artifact_location: file://{path}",
        f"creation_time: {made}",
        f"experiment_id: '{FIRST}'",
        f"last_update_time: {made}",
        "lifecycle_stage: active",
        f"name: {_quote(variables.get('MLFLOW_EXPERIMENT_NAME') or 'Default')}",
    )
    with open(os.path.join(place, "meta.yaml"), "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write("\n".join(lines) + "\n")


def _quote(text: str) -> str:
    """Write a name as YAML does between double quotes."""
    if PLAIN.issuperset(text.encode(errors="surrogateescape")):
        return f'"{text}"'
    import json  # a warm run has no time for it, and names are plain

    return json.dumps(text, ensure_ascii=False)


def has_runs(folder: str) -> bool:
    """Tell whether anything was logged to the store of a run's folder; a glance."""
    store = os.path.join(folder, MLFLOW_STORE)
    try:
        experiments = [os.path.join(store, name) for name in os.listdir(store) if not name.startswith(".")]
        return any(os.listdir(experiment) != ["meta.yaml"] for experiment in experiments)
    except NotADirectoryError:
        return True
    except FileNotFoundError:
        return False
