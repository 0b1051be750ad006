"""What the ranks of a run in containers find around them: what is mounted, and what they are started with.

A shell that is opened when the run has ended finds the same.
"""

from __future__ import annotations

import os

from localrun import shim
from localrun.targets.docker_request import PLACE
from localrun.targets.docker_script import Start
from localrun.targets.working import fill_tokens
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


def describe_start(around: Surroundings, node: int, directory: str, environ: Mapping[str, str]) -> Start:
    """Give how the plan's command is started on a node, without what is a rank's own.

    Args:
        around: What the ranks share.
        node: The node; its packages and its home are made if they are not there.
        directory: The working directory.
        environ: The caller's environment, with the values of secrets.
    """
    plan, artifact = around.plan, around.artifact
    path, python = artifact.path, artifact.python
    variables = {"HOME": _make_home(around.folder, node)} if plan.container and plan.container.user else {}
    variables.update(around.reaching)
    variables.update(artifact.variables)
    if artifact.prefix:
        variables["AZUREML_CONDA_ENVIRONMENT_PATH"] = artifact.prefix
    if plan.overlay and python and artifact.site_packages:
        programs = _lay_over(artifact, os.path.join(around.folder, f"node-{node}", "python"))
        path, python = (programs, *path), os.path.join(programs, "python")
        variables["VIRTUAL_ENV"] = os.path.dirname(programs)
    variables.update((name, fill_tokens(text, around.tokens)) for name, text in plan.variables)
    variables.update((name, environ[name]) for name in plan.inherited if name in environ)
    leading = (("PYTHONPATH", shim.PATH),) if plan.shim else ()
    variables["PWD"] = variables["AZUREML_CR_EXECUTION_WORKING_DIR_PATH"] = directory
    argv = tuple(fill_tokens(part, around.tokens) for part in plan.argv)
    own_python = argv[0] == "python" and not python
    if argv[0] == "python" and python:
        argv = (python, *argv[1:])
    user = environ.get("USER") or "localrun"
    fallbacks = dict(plan.fallbacks) | {"USER": user, "LOGNAME": user}
    return Start(
        argv=argv,
        variables=tuple(variables.items()),
        fallbacks=tuple(fallbacks.items()),
        leading=(*leading, *((("PATH", ":".join(path)),) if path else ())),
        directory=directory,
        own_python=own_python,
    )


def _lay_over(artifact: Artifact, folder: str) -> str:
    """Give the programs of a node's own packages, which are made unless they are there."""
    if os.path.isdir(folder):
        return os.path.join(folder, "bin")
    from localrun.targets.overlay import make_overlay

    return make_overlay(artifact, folder)


def _make_home(folder: str, node: int) -> str:
    home = os.path.join(folder, f"node-{node}", "home")
    os.makedirs(home, exist_ok=True)
    return home
