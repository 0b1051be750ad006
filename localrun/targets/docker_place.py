"""What the ranks of a run in containers find around them, and a shell that is opened when the run has ended as well."""

from __future__ import annotations

import os

from localrun import shim
from localrun.targets.docker_request import PLACE
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from localrun.plan import Artifact, Plan

BUNDLE = "certificates.pem"
"""What the certificates that this machine's programs trust are called beside the launcher."""


@value
class Surroundings:
    """What all ranks of a run share.

    Attributes:
        plan: The plan.
        artifact: Its image.
        folder: The run's folder.
        tokens: What stands for the tokens in texts of the plan.
        reaching: Variables for programs that reach for the network, as on this machine.
        bundle: The path of the certificates that this machine's programs trust; empty for none of its own.
    """

    plan: Plan
    artifact: Artifact
    folder: str
    tokens: Mapping[str, str]
    reaching: Mapping[str, str]
    bundle: str = ""


def survey(
    plan: Plan, artifact: Artifact, folder: str, tokens: Mapping[str, str], environ: Mapping[str, str]
) -> Surroundings:
    """Find out what all ranks of a run share; `environ` is the caller's environment."""
    bundle = ""
    reaching: dict[str, str] = {}
    if plan.container is not None and plan.container.inherit_network_settings:
        from localrun.adapters.network_settings import find_bundle, gather_for_run
        from localrun.adapters.pip_settings import pip_as_uv

        bundle = find_bundle(environ, pip_as_uv(environ))
        reaching = gather_for_run(environ, f"{PLACE}/{BUNDLE}" if bundle else "")
    return Surroundings(
        plan=plan, artifact=artifact, folder=folder, tokens=tokens, reaching=reaching, bundle=bundle or ""
    )


def list_mounts(around: Surroundings) -> tuple[tuple[str, bool], ...]:
    """Give the paths of this machine that are the same in a container, and whether they are only to be read."""
    plan = around.plan
    mounts = {item.path: True for item in plan.inputs if not item.copied}
    if os.path.isabs(plan.bootstrap):
        mounts[plan.bootstrap] = True
    if plan.source.in_place:
        mounts[plan.source.directory] = False
    if plan.shim:
        mounts[shim.PATH] = True
    if around.reaching:
        from localrun.adapters.network_settings import list_package_folders

        mounts.update(dict.fromkeys(list_package_folders(around.reaching), True))
    mounts[around.folder] = False
    return tuple(mounts.items())


def write_new(path: str, data: bytes, mode: int) -> None:
    """Write a new file of a mode, whatever the umask.

    Raises:
        OSError: it is there, or there is no room.
    """
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with open(file, "wb") as stream:
        os.fchmod(file, mode)
        stream.write(data)
