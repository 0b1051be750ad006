"""The options of `run` and `plan` that say how containers are made, as `docker run` has them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from localrun.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from localrun.spec import ContainerSpec

OPTIONS = (
    click.option(
        *("-v", "--volume", "volumes"),
        multiple=True,
        metavar="HOST:INSIDE",
        help="Mount a folder into the containers; with :ro behind it they cannot change it.",
    ),
    click.option(
        *("-p", "--publish", "ports"), multiple=True, metavar="PORT:INSIDE", help="Publish a port of the first node."
    ),
    click.option(
        *("-w", "--workdir", "working_directory"),
        default="",
        metavar="DIR",
        help="Where ranks start [default: the snapshot].",
    ),
    click.option("--gpus", default="", metavar="GPUS", help="all, a number, or device=0,1."),
    click.option("--shm-size", default="", metavar="SIZE", help="The size of /dev/shm of each node [default: 2g]."),
    click.option("-m", "--memory", default="", metavar="SIZE", help="How much memory each node may use, such as 4g."),
    click.option("--cpus", default="", metavar="N", help="How many processors each node may use, such as 1.5."),
    click.option(
        "--network",
        default="",
        metavar="NAME",
        help="host, none, or one of yours [default: a network of the run's own].",
    ),
    click.option("--network-rate", default="", metavar="RATE", help="How fast each node may send, such as 100mbit."),
    click.option("--network-delay", default="", metavar="TIME", help="How late what it sends arrives, such as 50ms."),
    click.option("--network-loss", default="", metavar="SHARE", help="How much of what it sends is lost, such as 1%."),
    click.option("-u", "--user", default="", metavar="USER", help="User and group in the containers [default: yours]."),
    click.option(
        "--pull",
        type=click.Choice(["missing", "always", "never"]),
        metavar="WHEN",
        help="Fetch base images: missing, always or never [default: missing].",
    ),
    click.option("--keep", is_flag=True, help="Keep the containers after the run, to be looked at."),
    click.option(
        "--inherit-network-settings/--no-inherit-network-settings",
        "inherit_network_settings",
        default=None,
        help="Whether containers and builds see proxies, CA bundle and pip settings of this machine "
        "[default: only builds do].",
    ),
)
"""Options for the docker target; defaults stand in brackets."""
NAMES = {
    "volumes": "--volume",
    "ports": "--publish",
    "working_directory": "--workdir",
    "gpus": "--gpus",
    "shm_size": "--shm-size",
    "memory": "--memory",
    "cpus": "--cpus",
    "network": "--network",
    "network_rate": "--network-rate",
    "network_delay": "--network-delay",
    "network_loss": "--network-loss",
    "user": "--user",
    "pull": "--pull",
    "keep": "--keep",
    "inherit_network_settings": "--inherit-network-settings",
}
"""For each field of ContainerSpec its option."""


def split_container(given: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[tuple[str, Any], ...]]:
    """Give the options that are not for containers, and for each that is and is given its field and what it gets."""
    others = {name: item for name, item in given.items() if name not in NAMES}
    pairs = ((name, given[name]) for name in NAMES if name in given)
    return others, tuple((name, item) for name, item in pairs if _is_given(name, item))


def _is_given(name: str, item: Any) -> bool:
    return item not in ("", (), None) and (item or name != "keep")


def lay_container(asked: ContainerSpec, given: Iterable[tuple[str, Any]]) -> ContainerSpec:
    """Lay the options that are given over what a file asks of containers; relative folders of mounts are of here."""
    laid = dict(given)
    if "volumes" in laid:
        laid["volumes"] = tuple(map(_place, laid["volumes"]))
    return replace(asked, flags=tuple(NAMES[name] for name in laid), **laid) if laid else asked


def _place(volume: str) -> str:
    host, colon, rest = volume.partition(":")
    if colon and host.startswith((".", "~")):
        host = os.path.abspath(os.path.expanduser(host))
    return host + colon + rest
