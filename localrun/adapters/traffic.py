"""A slow or lossy network between the nodes of a run, set from outside in the network namespace of each container.

Source of the words: the manual pages tc(8), tc-tbf(8) and tc-netem(8). The image needs nothing for it.
"""

from __future__ import annotations

import os

from localrun.errors import LocalrunError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from localrun.plan import ContainerPlan

BURST = ("burst", "256kb", "latency", "400ms")
"""Of a rate: large enough for 100 Mbit/s at 250 clock ticks a second and more, and how long a packet may wait."""
WAIT_S = 10


def list_disciplines(plan: ContainerPlan) -> tuple[tuple[str, ...], ...]:
    """Give what `tc qdisc add dev DEVICE` is to be told, outermost discipline first; empty for an ordinary network."""
    late = ("delay", plan.network_delay) if plan.network_delay else ()
    lossy = ("loss", plan.network_loss) if plan.network_loss else ()
    found = [("netem", *late, *lossy)] if late or lossy else []
    found += [("tbf", "rate", plan.network_rate, *BURST)] if plan.network_rate else []
    places = (("root", "handle", "1:"), ("parent", "1:1", "handle", "10:"))
    return tuple((*place, *words) for place, words in zip(places, found, strict=False))


def check_disciplines(plan: ContainerPlan) -> None:
    """Try the disciplines in a network namespace of their own, which is gone afterwards.

    Raises:
        LocalrunError: this user may not, a program is missing, or the kernel does not have a discipline.
    """
    disciplines = list_disciplines(plan)
    if not disciplines:
        return
    import shutil

    missing = [name for name in ("tc", "nsenter", "unshare") if shutil.which(name, path=_path()) is None]
    if missing:
        hint = "install iproute2 and util-linux, or leave the --network-… options out"
        raise LocalrunError(f"a slower network needs {' and '.join(missing)}", hint=hint, code="network")
    if os.geteuid() != 0:
        hint = "run localrun as root, or leave the --network-… options out"
        raise LocalrunError("only root can make the network between containers slower", hint=hint, code="network")
    for words in disciplines:
        kind = "netem" if "netem" in words else "tbf"
        alone = ("root", *words[words.index(kind) :])
        done = _run(("unshare", "--net", "tc", "qdisc", "add", "dev", "lo", *alone))
        if "kind is unknown" in done or "not found" in done:
            option = "--network-delay and --network-loss" if kind == "netem" else "--network-rate"
            hint = f"load it (modprobe sch_{kind}), take a kernel that has it, or leave {option} out"
            raise LocalrunError(f"this kernel has no {kind}, which {option} need", hint=hint, code="network")
        if done:
            raise LocalrunError(f"tc cannot make the network so: {done}", hint="check the values", code="network")


def shape(pid: int, disciplines: Sequence[tuple[str, ...]]) -> str:
    """Set the disciplines on every network device of a container; give what went wrong, empty when nothing did.

    Args:
        pid: A process in the container, as this machine knows it.
        disciplines: As `list_disciplines` gives them.
    """
    try:
        devices = _list_devices(pid)
    except OSError as error:
        return f"its network cannot be found: {error.strerror}"
    for device in devices:
        for words in disciplines:
            inside = ("nsenter", "--net", "--target", str(pid), "tc", "qdisc", "replace", "dev", device, *words)
            if said := _run(inside):
                return said
    return ""


def _list_devices(pid: int) -> list[str]:
    with open(f"/proc/{pid}/net/dev", encoding="ascii", errors="replace") as file:
        names = [line.partition(":")[0].strip() for line in file if ":" in line]
    return [name for name in names if name.startswith("eth")]


def _path() -> str:
    return f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def _run(command: Sequence[str]) -> str:
    """Run a command; give its last line when it fails, else nothing."""
    import subprocess  # every run in a container imports this module, and few need it

    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=WAIT_S,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PATH": _path(), "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return "" if done.returncode == 0 else (said[0] if said else f"{command[0]} ended with {done.returncode}")
