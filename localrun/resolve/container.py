"""How the containers of a run are made: what flags, job file and docker's arguments ask for, as one plan."""

from __future__ import annotations

import re

from localrun.errors import BadInput
from localrun.formats import docker_options
from localrun.formats.docker_arguments import mount_of_fields, parse_arguments
from localrun.formats.docker_values import read_cpus, read_gpus, read_mount, read_port, read_size, split_mount
from localrun.plan import ContainerPlan
from localrun.resolve.refusal import refuse
from localrun.resolve.target import ARGUMENTS, SHM_SIZE
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from localrun.resolve.facts import HostFacts
    from localrun.spec import ContainerSpec, RunSpec

    T = TypeVar("T")

DEFAULT_SHM = "2g"
"""What Azure ML gives a container for /dev/shm."""
LEAST_MEMORY_BYTES = 6 << 20
"""What docker's engine takes as a limit at least."""
WITHOUT_NAMES = ("none", "bridge", "default")
"""Networks in which containers do not find one another by name."""
_KEYS = {"--shm-size": SHM_SIZE}


def settle_arguments(spec: RunSpec) -> RunSpec:
    """Give a run configuration for the docker target with what its docker arguments hold put where it belongs.

    Their variables become the run's, under its own; what of them are fields becomes the fields, under the flags.

    Raises:
        BadInput: an argument is not known, or has no place in a run.
    """
    asked = spec.container
    try:
        pairs = parse_arguments(asked.arguments)
    except BadInput as error:
        raise _refuse_arguments(spec, error.message, error.hint) from None
    fields = _gather_fields(spec, pairs)
    platform = fields.pop("platform", "")
    own = dict(spec.environment_variables)
    variables = {name: text for name, text in asked.variables if name not in (*own, *spec.inherited)}
    inherited = [name for name in asked.inherited if name not in (*own, *spec.inherited)]
    environment = spec.environment
    if environment is not None and platform and not environment.platform:
        environment = replace(environment, platform=platform)
    return replace(
        spec,
        container=replace(asked, **fields),
        environment=environment,
        environment_variables=(*variables.items(), *spec.environment_variables),
        inherited=(*spec.inherited, *inherited),
    )


def _gather_fields(spec: RunSpec, pairs: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Give the fields that docker arguments set; what a flag has set stays, what is a list gets longer."""
    asked = spec.container
    fields: dict[str, Any] = {"arguments": ()}
    for name, given in pairs:
        option, text = _read_argument(spec, name, given)
        if option not in docker_options.FIELDS:
            fields["arguments"] = (*fields["arguments"], f"{option}={text}")
            continue
        field = docker_options.FIELDS[option][0]
        if field in {"volumes", "ports"}:
            fields[field] = (*fields.get(field, getattr(asked, field)), text)
        elif option not in asked.flags:
            fields[field] = text
    return fields


def _read_argument(spec: RunSpec, name: str, given: str) -> tuple[str, str]:
    """Give an option and its value after a look at both; `--mount` becomes what it stands for.

    Raises:
        BadInput: it has no place in a run, or the value cannot be right.
    """
    if name in docker_options.INSTEAD:
        message = f"{name} has no place in a run"
        raise _refuse_arguments(spec, message, docker_options.INSTEAD[name])
    if name in docker_options.AS_IT_IS and given != "true":
        raise _refuse_arguments(spec, f"{name}={given} is not possible here", "leave it out")
    try:
        option, text = mount_of_fields(given) if name == "--mount" else (name, given)
        _read_with(option)(text)
    except BadInput as error:
        raise _refuse_arguments(spec, f"{name}={given}: {error.message}", error.hint) from None
    return option, text


def _read_with(name: str) -> Callable[[str], Any]:
    tables = (docker_options.FIELDS, docker_options.ONE, docker_options.SEVERAL, docker_options.NAMED)
    return next((table[name][1] for table in tables if name in table), str)


def _refuse_arguments(spec: RunSpec, message: str, hint: str) -> BadInput:
    return refuse(spec, message, key=ARGUMENTS, flag="docker.arguments", hint=hint)


def list_mounted(spec: RunSpec) -> tuple[str, ...]:
    """Give the absolute paths of the host that are to be mounted; none where docker arguments cannot be read."""
    try:
        asked = settle_arguments(spec).container
        mounts = [read_mount(text, spec.source_directory or "/") for text in asked.volumes]
    except BadInput:  # told when the run is planned
        return ()
    hosts = [split_mount(mount)[0] for mount in mounts]
    return tuple(host for host in hosts if host.startswith("/"))


def plan_container(spec: RunSpec, facts: HostFacts) -> ContainerPlan:
    """Plan how the containers are made.

    Args:
        spec: The run configuration, its docker arguments settled.
        facts: The facts of the host.

    Raises:
        BadInput: a value cannot be read, or what is asked for makes no run.
    """
    asked = spec.container
    shm_bytes = _read(spec, "--shm-size", asked.shm_size or DEFAULT_SHM, read_size)
    memory_bytes = _read(spec, "--memory", asked.memory, read_size) if asked.memory else 0
    _check_sizes(spec, shm_bytes, memory_bytes)
    _check_network(spec)
    _check_names(spec)
    _check_traffic(spec)
    if asked.gpus:
        _read(spec, "--gpus", asked.gpus, read_gpus)
    if asked.working_directory and not asked.working_directory.startswith("/"):
        message = f"{asked.working_directory} is not an absolute path"
        raise _refuse_value(spec, "--workdir", message, "give a path inside the container, such as /work")
    return ContainerPlan(
        user=asked.user or facts.user,
        shm_bytes=shm_bytes,
        memory_bytes=memory_bytes,
        nano_cpus=_read(spec, "--cpus", asked.cpus, read_cpus) if asked.cpus else 0,
        network=asked.network,
        network_rate=asked.network_rate,
        network_delay=asked.network_delay,
        network_loss=asked.network_loss,
        gpus=asked.gpus,
        mounts=_plan_mounts(spec, dict(facts.paths)),
        ports=tuple(_read(spec, "--publish", port, read_port) for port in asked.ports),
        working_directory=asked.working_directory,
        options=_plan_options(asked),
        keep=asked.keep,
        inherit_network_settings=bool(asked.inherit_network_settings),
    )


def _check_sizes(spec: RunSpec, shm_bytes: int, memory_bytes: int) -> None:
    if not shm_bytes:
        raise _refuse_value(spec, "--shm-size", "a shared memory of 0 bytes is of no use", "give a size such as 2g")
    if 0 < memory_bytes < LEAST_MEMORY_BYTES:
        message = f"a limit of {spec.container.memory} is less than docker takes"
        raise _refuse_value(spec, "--memory", message, "give 6m or more, such as 4g")


def _check_network(spec: RunSpec) -> None:
    network = spec.container.network
    if spec.nodes > 1 and (network in WITHOUT_NAMES or network.startswith("container:")):
        message = f"{spec.nodes} nodes cannot find one another in the network {network}"
        hint = "leave it out for a private network of the run, or name a network that you have made"
        raise _refuse_value(spec, "--network", message, hint)


def _check_names(spec: RunSpec) -> None:
    """Refuse an address for the name of a node: it would stand in front of the node's own."""
    if spec.nodes == 1:
        return
    for option, given in parse_arguments(spec.container.arguments):
        name = re.split("[:=]", given)[0]
        if option == "--add-host" and re.fullmatch(r"node-\d+", name) and int(name[5:]) < spec.nodes:
            hint = "give that host another name: the nodes of the run find one another by theirs"
            raise _refuse_arguments(spec, f"--add-host {given}: {name} is the name of a node", hint)


TRAFFIC = {
    "network_rate": ("--network-rate", r"\d+(\.\d+)?(bit|kbit|mbit|gbit|bps|kbps|mbps|gbps)", "a rate such as 100mbit"),
    "network_delay": ("--network-delay", r"\d+(\.\d+)?(us|ms|s)", "a time such as 50ms"),
    "network_loss": ("--network-loss", r"(100|\d{1,2}(\.\d+)?)%", "a share such as 1%"),
}
"""For each setting of the network between nodes its option, its form, and what to give; a subset of tc's own units."""


def _check_traffic(spec: RunSpec) -> None:
    for name, (flag, form, example) in TRAFFIC.items():
        text = getattr(spec.container, name)
        if not text:
            continue
        if not re.fullmatch(form, text):
            raise _refuse_value(spec, flag, f"{text!r} cannot be read", f"give {example}")
        if spec.nodes == 1:
            raise _refuse_value(spec, flag, "it is for what nodes send, and the run has one", "give --nodes 2 or more")
        if spec.container.network:
            message = f"the network {spec.container.network} is not the run's own"
            raise _refuse_value(spec, flag, message, "leave --network out")


def _plan_mounts(spec: RunSpec, kinds: dict[str, str]) -> tuple[str, ...]:
    mounts: dict[str, str] = {}
    for text in spec.container.volumes:
        mount = _read(spec, "--volume", text, lambda given: read_mount(given, spec.source_directory or "/"))
        host, inside, _ = split_mount(mount)
        if kinds.get(host) == "missing":
            message = f"there is no file or folder {host}"
            raise _refuse_value(spec, "--volume", message, f"make it first: mkdir -p {host}")
        if inside in mounts:
            message = f"{mounts[inside]} and {mount} are mounted at the same place"
            raise _refuse_value(spec, "--volume", message, "leave one of them out")
        mounts[inside] = mount
    return tuple(mounts.values())


def _plan_options(asked: ContainerSpec) -> tuple[tuple[str, str], ...]:
    """Give the settings of HostConfig that docker arguments ask for, by name, with their value as JSON text."""
    import json

    found: dict[str, Any] = {}
    for name, given in parse_arguments(asked.arguments):
        if name in docker_options.ONE:
            key, read = docker_options.ONE[name]
            found[key] = read(given)
        elif name in docker_options.SEVERAL:
            key, read = docker_options.SEVERAL[name]
            found.setdefault(key, []).append(read(given))
        elif name in docker_options.NAMED:
            key, read = docker_options.NAMED[name]
            found.setdefault(key, {}).update([read(given)])
        elif name in docker_options.SWITCHES:
            found[docker_options.SWITCHES[name]] = given == "true"
    return tuple((key, json.dumps(item)) for key, item in sorted(found.items()))


def _read(spec: RunSpec, name: str, text: str, read: Callable[[str], T]) -> T:
    try:
        return read(text)
    except BadInput as error:
        raise _refuse_value(spec, name, error.message, error.hint) from None


def _refuse_value(spec: RunSpec, name: str, message: str, hint: str) -> BadInput:
    key = "" if name in spec.container.flags else _KEYS.get(name, ARGUMENTS)
    return refuse(spec, message, key=key, flag=name, hint=hint)
