"""Every option of `docker run`: what it becomes here, or what to use instead.

Source: `docker run --help` of docker 28, the options that it hides, and HostConfig of the Engine API 1.41.
"""

from __future__ import annotations

import re

from localrun.errors import BadInput
from localrun.formats.docker_values import read_cpus, read_gpus, read_port, read_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Reader: TypeAlias = Callable[[str], Any]

SHORT = {
    "a": "--attach", "c": "--cpu-shares", "d": "--detach", "e": "--env", "h": "--hostname", "i": "--interactive",
    "l": "--label", "m": "--memory", "P": "--publish-all", "p": "--publish", "q": "--quiet", "t": "--tty",
    "u": "--user", "v": "--volume", "w": "--workdir",
}  # fmt: skip
OTHER_NAMES = {"--net": "--network", "--net-alias": "--network-alias", "--dns-opt": "--dns-option"}

VARIABLES = ("--env", "--env-file")
"""What becomes variables of the run: a container's own configuration shows them to everybody."""


def _text(given: str) -> str:
    if not given:
        raise BadInput("the value is empty", hint="give it a value, or leave the option out")
    return given


def _whole(low: int, high: int) -> Reader:
    def read(given: str) -> int:
        if not re.fullmatch(r"-?\d{1,18}", given) or not low <= int(given) <= high:
            raise BadInput(f"{given!r} is not a whole number from {low} to {high}", hint="give such a number")
        return int(given)

    return read


def _one_of(*words: str) -> Reader:
    def read(given: str) -> str:
        if given not in words:
            raise BadInput(f"{given!r} is not known", hint=f"give one of {', '.join(words)}")
        return given

    return read


def _swap(given: str) -> int:
    return -1 if given == "-1" else read_size(given)


def _duration(given: str) -> int:
    """Give microseconds of a number of them, or of a duration such as `10ms`."""
    found = re.fullmatch(r"(\d{1,12})(us|ms|s)?", given)
    if not found:
        raise BadInput(f"{given!r} is not a duration", hint="give microseconds, or a number with ms or s")
    return int(found[1]) * {"us": 1, "ms": 1000, "s": 10**6}[found[2] or "us"]


def _pair(given: str, sign: str = "=") -> tuple[str, str]:
    name, found, text = given.partition(sign)
    if not name or not found:
        raise BadInput(f"{given!r} is no pair", hint=f"write NAME{sign}VALUE")
    return name, text


def _host(given: str) -> str:
    sign = "=" if "=" in given.partition(":")[0] else ":"
    return ":".join(_pair(given, sign))


def _device(given: str) -> dict[str, str]:
    host, *rest = given.split(":")
    permissions = rest.pop() if rest and re.fullmatch(r"[rwm]{1,3}", rest[-1]) else "rwm"
    inside = rest[0] if rest else host
    if len(rest) > 1 or not host.startswith("/") or not inside.startswith("/"):
        raise BadInput(f"{given!r} is not a device", hint="write --device /dev/NAME, or /dev/NAME:/dev/INSIDE:rwm")
    return {"PathOnHost": host, "PathInContainer": inside, "CgroupPermissions": permissions}


def _rate(of: Reader, key: str) -> Reader:
    def read(given: str) -> dict[str, Any]:
        path, rate = _pair(given, ":")
        return {"Path": path, key: of(rate)}

    return read


def _limit(given: str) -> dict[str, Any]:
    found = re.fullmatch(r"([a-z]+)=(-1|\d{1,18})(?::(-1|\d{1,18}))?", given)
    if not found:
        raise BadInput(f"{given!r} is no limit", hint="write --ulimit nofile=1024:2048")
    return {"Name": found[1], "Soft": int(found[2]), "Hard": int(found[3] or found[2])}


def _security(given: str) -> str:
    name, _, text = given.replace(":", "=", 1).partition("=") if "=" not in given else given.partition("=")
    if name == "seccomp" and text not in {"unconfined", "builtin"}:
        hint = "use seccomp=unconfined, or give the profile to the engine's own settings"
        raise BadInput(f"the profile {text} cannot be read here", hint=hint)
    return given


def _tmpfs(given: str) -> tuple[str, str]:
    path, _, options = given.partition(":")
    if not path.startswith("/"):
        raise BadInput(f"{given!r} is no place in a container", hint="write --tmpfs /inside, or /inside:size=64m")
    return path, options


_ANY = _whole(0, 10**15)
FIELDS: dict[str, tuple[str, Reader]] = {
    "--volume": ("volumes", _text),
    "--mount": ("volumes", _text),
    "--publish": ("ports", read_port),
    "--workdir": ("working_directory", _text),
    "--gpus": ("gpus", read_gpus),
    "--shm-size": ("shm_size", read_size),
    "--memory": ("memory", read_size),
    "--cpus": ("cpus", read_cpus),
    "--network": ("network", _text),
    "--user": ("user", _text),
    "--pull": ("pull", _one_of("missing", "always", "never")),
    "--platform": ("platform", _text),
}
"""Options that are fields of ContainerSpec (`--platform` apart), with what tells whether a value can be right."""
ONE: dict[str, tuple[str, Reader]] = {
    "--blkio-weight": ("BlkioWeight", _whole(0, 1000)),
    "--cgroup-parent": ("CgroupParent", _text),
    "--cgroupns": ("CgroupnsMode", _one_of("host", "private")),
    "--cpu-period": ("CpuPeriod", _ANY),
    "--cpu-quota": ("CpuQuota", _whole(-1, 10**15)),
    "--cpu-rt-period": ("CpuRealtimePeriod", _duration),
    "--cpu-rt-runtime": ("CpuRealtimeRuntime", _duration),
    "--cpu-shares": ("CpuShares", _ANY),
    "--cpuset-cpus": ("CpusetCpus", _text),
    "--cpuset-mems": ("CpusetMems", _text),
    "--ipc": ("IpcMode", _text),
    "--isolation": ("Isolation", _text),
    "--kernel-memory": ("KernelMemory", read_size),
    "--memory-reservation": ("MemoryReservation", read_size),
    "--memory-swap": ("MemorySwap", _swap),
    "--memory-swappiness": ("MemorySwappiness", _whole(-1, 100)),
    "--oom-score-adj": ("OomScoreAdj", _whole(-1000, 1000)),
    "--pid": ("PidMode", _text),
    "--pids-limit": ("PidsLimit", _whole(-1, 10**9)),
    "--runtime": ("Runtime", _text),
    "--userns": ("UsernsMode", _text),
    "--uts": ("UTSMode", _text),
    "--volume-driver": ("VolumeDriver", _text),
}
"""Options with one value, the last one given: their setting of HostConfig."""
SEVERAL: dict[str, tuple[str, Reader]] = {
    "--add-host": ("ExtraHosts", _host),
    "--blkio-weight-device": ("BlkioWeightDevice", _rate(_whole(10, 1000), "Weight")),
    "--cap-add": ("CapAdd", _text),
    "--cap-drop": ("CapDrop", _text),
    "--device": ("Devices", _device),
    "--device-cgroup-rule": ("DeviceCgroupRules", _text),
    "--device-read-bps": ("BlkioDeviceReadBps", _rate(read_size, "Rate")),
    "--device-read-iops": ("BlkioDeviceReadIOps", _rate(_ANY, "Rate")),
    "--device-write-bps": ("BlkioDeviceWriteBps", _rate(read_size, "Rate")),
    "--device-write-iops": ("BlkioDeviceWriteIOps", _rate(_ANY, "Rate")),
    "--dns": ("Dns", _text),
    "--dns-option": ("DnsOptions", _text),
    "--dns-search": ("DnsSearch", _text),
    "--group-add": ("GroupAdd", _text),
    "--security-opt": ("SecurityOpt", _security),
    "--ulimit": ("Ulimits", _limit),
    "--volumes-from": ("VolumesFrom", _text),
}
"""Options that may be given several times: their list of HostConfig."""
NAMED: dict[str, tuple[str, Reader]] = {
    "--storage-opt": ("StorageOpt", _pair),
    "--sysctl": ("Sysctls", _pair),
    "--tmpfs": ("Tmpfs", _tmpfs),
}
"""Options that are pairs: their mapping of HostConfig."""
SWITCHES = {
    "--oom-kill-disable": "OomKillDisable",
    "--privileged": "Privileged",
    "--publish-all": "PublishAllPorts",
    "--read-only": "ReadonlyRootfs",
}
"""Options without a value: their setting of HostConfig."""
AS_IT_IS = {"--init": True, "--disable-content-trust": True, "--sig-proxy": True}
"""Options without a value that say what is so anyway."""
_LEAVE = "leave it out"
_ONE_IMAGE = "leave it out: the image's own check of health is not run"
_NODES = "leave it out: localrun names the nodes of a run and joins them by a network"
_ADDRESS = "leave it out: a node's address is the engine's to give; --network joins a network of yours"
INSTEAD = {
    "--annotation": "use the tags of the run",
    "--attach": f"{_LEAVE}: the output of every rank is shown and kept; localrun attach shows a run that is going on",
    "--cidfile": "use localrun inspect, which names the containers",
    "--detach": "use localrun run -d",
    "--detach-keys": _LEAVE,
    "--domainname": _NODES,
    "--entrypoint": "use a command: the image's own entry point is not run",
    "--expose": "use -p, which exposes a port and publishes it",
    "--health-cmd": _ONE_IMAGE,
    "--health-interval": _ONE_IMAGE,
    "--health-retries": _ONE_IMAGE,
    "--health-start-interval": _ONE_IMAGE,
    "--health-start-period": _ONE_IMAGE,
    "--health-timeout": _ONE_IMAGE,
    "--help": _LEAVE,
    "--hostname": _NODES,
    "--interactive": "use localrun run -i for a terminal on one rank",
    "--ip": _ADDRESS,
    "--ip6": _ADDRESS,
    "--label": "use the tags of the run",
    "--label-file": "use the tags of the run",
    "--link": "use --network with a network that both have joined",
    "--link-local-ip": _ADDRESS,
    "--log-driver": f"{_LEAVE}: localrun keeps the output of every rank itself",
    "--log-opt": f"{_LEAVE}: localrun keeps the output of every rank itself",
    "--mac-address": _ADDRESS,
    "--name": "use localrun run --name, which names the run",
    "--network-alias": _NODES,
    "--no-healthcheck": _ONE_IMAGE,
    "--quiet": "use localrun run -q",
    "--restart": f"{_LEAVE}: a rank that ends has ended; localrun rerun starts the run again",
    "--rm": f"{_LEAVE}: containers are always removed; localrun run --keep keeps them",
    "--stop-signal": "use --stop-timeout of localrun run: ranks get SIGINT, SIGTERM and SIGKILL in turn",
    "--stop-timeout": "use --stop-timeout of localrun run",
    "--tty": "use localrun run -t for a terminal on one rank",
    "--use-api-socket": "use -v /var/run/docker.sock:/var/run/docker.sock",
}
"""Options that have no place in a run, and what to use instead."""
WITHOUT_VALUE = (
    *SWITCHES, *AS_IT_IS, "--detach", "--interactive", "--tty", "--rm", "--quiet", "--help", "--no-healthcheck",
    "--use-api-socket",
)  # fmt: skip
KNOWN = (*VARIABLES, *FIELDS, *ONE, *SEVERAL, *NAMED, *SWITCHES, *AS_IT_IS, *INSTEAD)
"""Every option by its long name."""
