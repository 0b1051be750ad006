"""Values of `docker run`'s options, read as docker reads them.

Source: the reference of `docker run` and, for sizes, docker's own library of units: 1k is 1024 bytes.
"""

from __future__ import annotations

import os
import re
from decimal import Decimal, InvalidOperation

from localrun.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(?:([kmgtp])i?)?b?", re.IGNORECASE | re.ASCII)
_VOLUME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_PORT = re.compile(
    r"(?:(?P<address>\[[0-9A-Fa-f:]+\]|\d+(?:\.\d+){3}):)?(?:(?P<host>[\d-]*):)?(?P<inside>[\d-]+)(?:/(tcp|udp|sctp))?"
)
_PORTS = re.compile(r"[0-9]{1,5}(-[0-9]{1,5})?")
_MODES = (
    *("ro", "rw", "z", "Z", "nocopy", "cached", "delegated", "consistent"),
    *("shared", "slave", "private", "rshared", "rslave", "rprivate"),
)
LARGEST_BYTES = 1 << 60
LARGEST_PORT = 65_535
LEAST_CPUS, MOST_CPUS = Decimal("0.01"), 10_000
"""The engine's own least, and more than any machine has."""
LONGEST_NUMBER = 20
"""Characters; no size or count has more."""


def read_size(text: str) -> int:
    """Give the bytes that a size stands for: `2g`, `512m`, `1.5GiB`, `2048`.

    Raises:
        BadInput: it is no size.
    """
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise BadInput(f"{text!r} is not a size", hint="write a number and b, k, m or g, such as 2g")
    unit = "bkmgtp".index((found[2] or "b").lower())
    count = int(Decimal(found[1]) * 1024**unit) if len(found[1]) <= LONGEST_NUMBER else LARGEST_BYTES + 1
    if count > LARGEST_BYTES:
        raise BadInput(f"{text} is more than any machine has", hint="give a smaller size, such as 2g")
    return count


def read_cpus(text: str) -> int:
    """Give the billionths of a processor that a number of processors is.

    Raises:
        BadInput: it is no number above 0.
    """
    hint = "give a number such as 2 or 0.5"
    try:
        count = Decimal(text) if len(text) <= LONGEST_NUMBER else Decimal("NaN")
    except InvalidOperation:
        count = Decimal("NaN")
    if not count.is_finite() or not LEAST_CPUS <= count <= MOST_CPUS:
        raise BadInput(f"{text!r} is not a number of processors", hint=hint)
    return int(count * 10**9)


def read_mount(text: str, directory: str) -> str:
    """Give a mount of `-v` with the host's side absolute: `/host:/inside[:modes]`, `volume:/inside`, or `/inside`.

    Args:
        text: As after `-v`.
        directory: Where a relative path on the host starts from; it begins with `.` or `~`.

    Raises:
        BadInput: it is no mount.
    """
    if ":" not in text:
        return _inside(text, text)
    host, inside, modes = split_mount(text)
    if not host or not inside or text.endswith(":"):
        hint = "write -v /host/folder:/inside, with :ro behind it to protect it"
        raise BadInput(f"{text!r} is not a mount", hint=hint)
    for mode in modes.split(",") if modes else ():
        if mode not in _MODES:
            raise BadInput(f"{mode!r} is no mode of the mount {text}", hint="the usual ones are ro and rw")
    if host.startswith(("/", ".", "~")):
        host = os.path.normpath(os.path.join(directory, os.path.expanduser(host)))
    elif not _VOLUME.fullmatch(host):
        message = f"{host!r} names neither a folder of this machine nor a volume of docker"
        raise BadInput(message, hint=f"write -v ./{host}:{inside} for a folder of this machine")
    return ":".join((host, _inside(inside, text), *([modes] if modes else [])))


def split_mount(mount: str) -> tuple[str, str, str]:
    """Give the host's side, the place inside and the modes of a mount; what is not given is empty.

    The host's side may hold colons, which docker's own `-v` cannot take.
    """
    host, _, inside = mount.rpartition(":")
    modes = ""
    if host and not inside.startswith("/"):
        modes = inside
        host, _, inside = host.rpartition(":")
    return host, inside, modes


def _inside(path: str, mount: str) -> str:
    if not path.startswith("/") or os.path.normpath(path) == "/":
        hint = "the part behind the colon is an absolute path, and not / itself"
        raise BadInput(f"{path!r} is no place for a mount in a container: {mount}", hint=hint)
    return path


def read_port(text: str) -> str:
    """Give a published port of `-p` as it is: `8080:80`, `127.0.0.1:8080:80/udp`, `80`.

    Raises:
        BadInput: it is none.
    """
    found = _PORT.fullmatch(text)
    ranges = [part for part in (found["host"], found["inside"]) if part] if found else []
    counts = [_count_ports(part) for part in ranges]
    if not found or 0 in counts or (len(counts) > 1 and counts[1] > 1 and counts[0] != counts[1]):
        hint = "write -p 8080:80, or -p 127.0.0.1:8080:80 for this machine alone"
        raise BadInput(f"{text!r} is not a port to publish", hint=hint)
    return text


def _count_ports(text: str) -> int:
    """Count the ports of `80` or `80-85`; 0 when it is neither."""
    if not _PORTS.fullmatch(text):
        return 0
    first, _, last = text.partition("-")
    low, high = int(first), int(last or first)
    return high - low + 1 if 0 < low <= high <= LARGEST_PORT else 0


def read_gpus(text: str) -> dict[str, Any]:
    """Give the DeviceRequest of the Engine API that `--gpus` asks for: `all`, `2`, `device=0,1`, or a list of fields.

    Raises:
        BadInput: it asks for nothing that docker knows.
    """
    request: dict[str, Any] = {"Driver": "", "Count": 0, "DeviceIDs": [], "Capabilities": [["gpu"]], "Options": {}}
    inner = text.strip().strip("\"'")
    last = ""
    for part in inner.split(","):
        name, equals, given = part.strip("\"' ").partition("=")
        if not equals and last in {"device", "capabilities"} and name:
            _add_to_request(request, last, name)
        elif not equals and (name == "all" or (name.isdecimal() and int(name[:9]) > 0)) and not last:
            request["Count"] = -1 if name == "all" else int(name[:9])
        elif equals and given and name in {"device", "capabilities", "driver", "count"}:
            last = name
            if name == "capabilities":
                request["Capabilities"] = [["gpu"]]
            _add_to_request(request, name, given)
        else:
            raise BadInput(f"{text!r} names no graphics processors", hint="write --gpus all, 2, or device=0,1")
    if not request["Count"] and not request["DeviceIDs"]:
        request["Count"] = -1
    if request["DeviceIDs"]:
        request["Count"] = 0
    return request


def _add_to_request(request: dict[str, Any], name: str, given: str) -> None:
    if name == "device":
        request["DeviceIDs"].append(given)
    elif name == "capabilities" and given != "gpu":
        request["Capabilities"][0].append(given)
    elif name == "driver":
        request["Driver"] = given
    elif name == "count":
        if given != "all" and not given.isdecimal():
            raise BadInput(f"{given!r} is no number of graphics processors", hint="write --gpus all, or --gpus 2")
        request["Count"] = -1 if given == "all" else int(given[:9])
