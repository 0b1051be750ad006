"""The conda prefix of an image: linked on this machine as it will be in the image, and streamed there as one layer."""

from __future__ import annotations

import os

from localrun.adapters.archives import Member, list_tree
from localrun.environments.contents import bytecode_units, find_missing_files, find_python, read_conda_packages
from localrun.environments.steps import link_conda_part, start_bytecode, write_conda_lock
from localrun.errors import EnvironmentFailed
from localrun.fingerprint import layer_fingerprint
from localrun.values import replace, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from localrun.environments.image_making import Making
    from localrun.environments.installing import Answer, Solved
    from localrun.environments.making import Build


@value
class Linked:
    """A conda prefix that is ready for an image.

    Attributes:
        layer: The id of the image that holds it already; empty when it has to be added.
        key: What that image is known by, 64 hex digits.
        folder: Where the prefix is on this machine; empty when `layer` is there.
        packages: How many conda packages are in it.
        records: What was solved, one object a package.
        python: The interpreter's path in the image; empty when there is none.
    """

    layer: str = ""
    key: str = ""
    folder: str = ""
    packages: int = 0
    records: tuple[Solved, ...] = ()
    python: str = ""


def link_prefix(making: Making, base: str, layers: Mapping[str, str]) -> Linked:
    """Solve the conda part and link it, unless a layer with just these packages is there.

    Args:
        making: The making.
        base: The id of the base image.
        layers: Known layers: id by key.

    Raises:
        EnvironmentFailed, StoreFailed: as of the local environment.
    """
    prefix = making.image.prefix
    layer = {"base": base, "prefix": prefix, "known": [key for key in layers if key]}
    # The prefix is only read, once, and then removed: nothing in it can spread to the caches that its files are of.
    build = replace(making.build, layer=layer, settings=replace(making.build.settings, hard_links=True))
    answer = _link(build)
    records = tuple(answer.get("records", ()))
    python = f"{prefix}/bin/python" if any(record["name"] == "python" for record in records) else ""
    key = answer.get("layer") or layer_fingerprint(base=base, prefix=prefix, packages=())
    linked = Linked(key=key, packages=len(records), records=records, python=python)
    if key in layers:
        return replace(linked, layer=layers[key])
    _complete(making, build)
    return replace(linked, folder=build.places.prefix)


def _link(build: Build) -> Answer:
    """Solve and link, and write the lock file, unless there is that of the making whose versions count."""
    answer = link_conda_part(build)
    if not (build.lock and os.path.exists(build.places.conda_lock)):
        write_conda_lock(build)
    return answer


def _complete(making: Making, build: Build) -> None:
    """Check that a linked prefix is whole, and compile what is Python in it, where this machine can."""
    prefix = build.places.prefix
    try:
        packages = read_conda_packages(prefix)
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"the conda packages were not installed completely: {error}"
        raise EnvironmentFailed(message, hint="try again", code="installer_crashed") from error
    if missing := find_missing_files(packages):
        message = f"the environment is not complete: {missing[0]}"
        raise EnvironmentFailed(message, hint="try again", code="installer_crashed", detail="\n".join(missing))
    python, _ = find_python(prefix, packages)
    try:
        start_bytecode(build, python, bytecode_units(packages))()
    except OSError as error:  # made for another machine
        making.log(f"the interpreter does not run here: {error}")


def list_layer(folder: str, prefix: str) -> tuple[Member, ...]:
    """List the members of a prefix's layer, to be unpacked at the root of an image."""
    top = os.path.dirname(prefix).lstrip("/")
    return (Member(name=top, kind="folder", mode=0o755), *list_tree(folder, prefix.lstrip("/")))
