"""What the Engine API is asked for to make a node's container. Pure."""

from __future__ import annotations

from localrun.adapters.engine_containers import NODE_LABEL, OWNER_LABEL, RUN_LABEL
from localrun.adapters.engine_json import read_json
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from localrun.plan import ContainerPlan

PLACE = "/localrun"
"""Where a container finds the launcher, its pipes and its scripts."""
JOINER = "mpi"
"""What stands for a rank's number where the process that joins the nodes is meant."""
MOST_PROCESSES = 16_384
"""So many processes and threads may run in a container, unless `--pids-limit` says otherwise: fork bombs end there."""
PRIVATE = ("", "private")
"""Values of PidMode with which a container sees its own processes only."""


@value
class Node:
    """A node of a run, to be made.

    Attributes:
        node: Its index.
        run_id: The run.
        home: The workspace.
        image: The image's id.
        ranks: The global ranks on it.
        bootstrap: The rank whose output a bootstrap script shares; -1 for no script.
        folder: The folder of this machine that is `PLACE` inside.
        mounts: Paths of this machine that are the same inside, and whether only to be read.
        network: The network of the run's own; empty for none.
        nodes: How many nodes the run has.
        joined: A process beside the ranks joins the nodes: `mpirun`, or what it starts on other nodes.
        terminal: The path of a terminal of this machine, and the rank on this node that gets it; None for none.
        ports: What is published beside what the plan says, in docker's `-p` form.
    """

    node: int
    run_id: str
    home: str
    image: str
    ranks: tuple[int, ...]
    bootstrap: int
    folder: str
    mounts: tuple[tuple[str, bool], ...]
    network: str = ""
    nodes: int = 1
    joined: bool = False
    terminal: tuple[str, int] | None = None
    ports: tuple[str, ...] = ()


@value
class Container:
    """A node's container, made and not yet started.

    Attributes:
        node: The node's index.
        name: Its name.
        id: Its id.
        folder: The folder with its pipes.
        ranks: The global ranks on it.
    """

    node: int
    name: str
    id: str
    folder: str
    ranks: tuple[int, ...]


def name_container(run_id: str, node: int) -> str:
    """Give the name of a node's container."""
    return f"localrun-{run_id}-{node}"


def name_host(node: int) -> str:
    """Give the name by which the nodes of a run know each other."""
    return f"node-{node}"


def label(run_id: str, home: str, node: int | None = None) -> dict[str, str]:
    """Give the labels of a container, or of a network, of a run."""
    labels = {RUN_LABEL: run_id, OWNER_LABEL: home}
    return labels if node is None else labels | {NODE_LABEL: str(node)}


def describe_container(node: Node, plan: ContainerPlan) -> dict[str, Any]:
    """Give the body of the request that makes a node's container; ports are published by node 0."""
    options = {name: read_json(text.encode()) for name, text in plan.options}
    published = (*node.ports, *(plan.ports if node.node == 0 else ()))
    ports = [pair for text in published for pair in read_ports(text)]
    network = node.network or plan.network
    bootstrap = "-" if node.bootstrap < 0 else str(node.bootstrap)
    request: dict[str, Any] = {
        "Image": node.image,
        "Hostname": "" if network == "host" or network.startswith("container:") else name_host(node.node),
        "User": plan.user,
        "Entrypoint": [
            "/bin/sh",
            f"{PLACE}/launcher.sh",
            PLACE,
            bootstrap,
            *map(str, node.ranks),
            *[JOINER] * node.joined,
        ],
        "Cmd": [],
        "WorkingDir": "/",
        # the init process tells the launcher's whole group when the container is to stop, for a shell that waits for
        # its children does not listen; source: tini's README
        "Env": ["TINI_KILL_PROCESS_GROUP=1"],
        "StopSignal": "SIGTERM",
        "Healthcheck": {"Test": ["NONE"]},
        "Labels": label(node.run_id, node.home, node.node),
        "ExposedPorts": {port: {} for port, _ in ports},
        "HostConfig": _describe_host(node, plan, network, ports) | options | {"Init": True, "AutoRemove": False},
    }
    if node.network or (node.nodes > 1 and network != "host"):
        request["NetworkingConfig"] = {"EndpointsConfig": {network: _describe_endpoint(node)}}
    return request


def _describe_endpoint(node: Node) -> dict[str, Any]:
    """Give the names in a network: in one that is not the run's own, other runs may have nodes of the same name.

    A link there is a name that one container alone sees, and it comes before the names that all see.
    """
    others = [] if node.network else [other for other in range(node.nodes) if other != node.node]
    links = [f"{name_container(node.run_id, other)}:{name_host(other)}" for other in others]
    return {"Aliases": [name_host(node.node)]} | ({"Links": links} if links else {})


def _describe_host(
    node: Node, plan: ContainerPlan, network: str, ports: list[tuple[str, dict[str, str]]]
) -> dict[str, Any]:
    host: dict[str, Any] = {
        "LogConfig": {"Type": "none"},
        "ShmSize": plan.shm_bytes,
        "PidsLimit": MOST_PROCESSES,
        "NetworkMode": network or "default",
        "Binds": [],
        "Mounts": [
            {"Type": "bind", "Source": source, "Target": target, "ReadOnly": read_only}
            for source, target, read_only in (
                (node.folder, PLACE, True),
                *((path, path, only) for path, only in node.mounts),
            )
        ],
    }
    for mount in plan.mounts:
        from localrun.formats.docker_values import split_mount

        source, target, modes = split_mount(mount)
        if ":" in source:  # which a bind cannot say
            read_only = "ro" in modes.split(",")
            host["Mounts"].append({"Type": "bind", "Source": source, "Target": target, "ReadOnly": read_only})
        else:
            host["Binds"].append(mount)
    if node.terminal is not None:  # over the pipe for what the rank prints
        path, rank = node.terminal
        host["Mounts"].append({"Type": "bind", "Source": path, "Target": f"{PLACE}/out-{rank}"})
    if plan.memory_bytes:
        host["Memory"] = plan.memory_bytes
    if plan.nano_cpus:
        host["NanoCpus"] = plan.nano_cpus
    if plan.gpus:
        from localrun.formats.docker_values import read_gpus

        host["DeviceRequests"] = [read_gpus(plan.gpus)]
    bindings: dict[str, list[dict[str, str]]] = {}
    for port, binding in ports:
        bindings.setdefault(port, []).append(binding)
    return host | {"PortBindings": bindings}


def read_ports(text: str) -> list[tuple[str, dict[str, str]]]:
    """Read what is published in docker's `-p` form, which has been checked: `[[address:]port:]port inside[/protocol]`.

    Returns:
        For each port, or each of a range, how the engine names it, and where it is published.
    """
    rest, _, protocol = text.partition("/")
    where, _, inside = rest.rpartition(":")
    address, _, outside = where.rpartition(":")
    numbers = _list_range(inside)
    places = _list_range(outside) if outside else [""] * len(numbers)
    if len(places) != len(numbers):  # the engine takes one of a range for a single port
        places = [outside]
    return [
        (f"{number}/{protocol or 'tcp'}", {"HostIp": address.strip("[]"), "HostPort": place})
        for number, place in zip(numbers, places, strict=True)
    ]


def _list_range(text: str) -> list[str]:
    first, _, last = text.partition("-")
    return [str(number) for number in range(int(first), int(last or first) + 1)]
