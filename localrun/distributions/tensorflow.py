"""TensorFlow: workers and parameter servers, each with a port of its own, find one another by `TF_CONFIG`.

Source: `TF_CONFIG` as Azure ML documents it for a `tensorflow` job (`worker`, `ps`, `"environment": "cloud"`), and
TensorFlow's own contract. There is no `chief`: worker 0 is it where nobody is named so.
"""

from __future__ import annotations

import json

from localrun.plan import make_port_token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.distributions.layout import Layout, Member


def place_tasks(nodes: int, workers: int, parameter_servers: int) -> tuple[tuple[tuple[str, int], ...], ...]:
    """Share out tasks among nodes: as many workers on each as possible, parameter servers in turn.

    Returns:
        For each node its tasks, as type (`worker` or `ps`) and index.
    """
    placed = [(index * nodes // workers, "worker", index) for index in range(workers)]
    placed += [(index % nodes, "ps", index) for index in range(parameter_servers)]
    return tuple(tuple((kind, index) for at, kind, index in placed if at == node) for node in range(nodes))


def describe_rank(layout: Layout, member: Member) -> dict[str, str]:
    """Give the variables of one rank; the ports are tokens of `localrun.plan`."""
    placed = place_tasks(len(layout.hosts), layout.workers, layout.parameter_servers)
    tasks = [(kind, index, node) for node, here in enumerate(placed) for kind, index in here]
    addresses = {
        (kind, index): f"{layout.hosts[node]}:{make_port_token(rank)}" for rank, (kind, index, node) in enumerate(tasks)
    }
    cluster: dict[str, list[str]] = {"worker": []}
    for kind, index in sorted(addresses):
        cluster.setdefault(kind, []).append(addresses[kind, index])
    kind, index, _ = tasks[member.rank]
    told = {"cluster": cluster, "task": {"type": kind, "index": index}, "environment": "cloud"}
    return {"TF_CONFIG": json.dumps(told)}
