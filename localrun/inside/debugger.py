"""A debugger for one rank: debugpy of its environment, or added beside it without touching it."""

from __future__ import annotations

import os
import sys

from localrun.adapters.children import Child, run_child
from localrun.errors import EnvironmentFailed
from localrun.targets.overlay import find_version
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localrun.plan import Artifact, Plan
    from localrun.supervise.process import Process
    from localrun.targets.docker_looking import Debugging

STARTER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "debugging")
"""Goes in front of the rank's PYTHONPATH: its Python then waits for the debugger before it runs anything."""


def add_debugger(
    plan: Plan,
    processes: tuple[Process, ...],
    python: str,
    debugging: Debugging,
    *,
    home: str,
    environ: Mapping[str, str],
) -> tuple[Process, ...]:
    """Have one rank of this machine wait for a debugger.

    Args:
        plan: The plan; it says which rank.
        processes: One a rank.
        python: The rank's interpreter.
        debugging: The debugger.
        home: The workspace, where debugpy is kept for environments that have none.
        environ: The caller's environment, for uv.

    Raises:
        EnvironmentFailed: the environment has no debugpy, and it cannot be fetched.
    """
    rank = plan.debug_rank
    process = processes[rank]
    variables = dict(process.variables)
    folders = [debugging.starter]
    if not has_debugpy(python, variables, process.directory):
        folders.append(fetch_debugpy(python, home, environ))
    if variables.get("PYTHONPATH"):
        folders.append(variables["PYTHONPATH"])
    variables |= {"PYTHONPATH": os.pathsep.join(folders), "LOCALRUN_DEBUG_PORT": str(debugging.port)}
    changed = replace(process, variables=tuple(variables.items()))
    return (*processes[:rank], changed, *processes[rank + 1 :])


def has_debugpy(python: str, variables: Mapping[str, str], directory: str) -> bool:
    """Tell whether an interpreter can import debugpy."""
    asked = ("-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('debugpy') is None)")
    try:
        ending = run_child(
            Child(argv=(python, *asked), environment=variables, directory=directory), on_line=lambda _: None
        )
    except OSError:
        return False
    return ending.code == 0


def prepare_debugger(
    plan: Plan, artifact: Artifact, home: str, environ: Mapping[str, str]
) -> tuple[Debugging, tuple[int, ...]]:
    """Give the debugger for a rank, and the descriptors that hold its port.

    Raises:
        EnvironmentFailed: debugpy cannot be fetched, and the image has none.
        BadInput: no debugger reaches the container.
    """
    from localrun.adapters.ports import reserve_ports
    from localrun.targets.docker_looking import Debugging, check_network

    if plan.container is not None:
        check_network(plan.container.network)
    port, holds = reserve_ports(home)
    debugpy = _find_debugpy(artifact, home, environ) if plan.target == "docker" else ""
    return Debugging(port=port, starter=STARTER, debugpy=debugpy), holds


def _find_debugpy(artifact: Artifact, home: str, environ: Mapping[str, str]) -> str:
    """Give a folder with debugpy for an image; empty when the image has it, and it cannot be fetched.

    Nobody knows what the image has before it runs, so debugpy is brought beside it, to be used when the image has none.
    Any build of it works with any Python: what is compiled is passed over by a Python of another kind.
    """
    version = find_version(artifact) if artifact.site_packages else ""
    try:
        return fetch_debugpy(sys.executable, home, environ, version=version if "." in version else "")
    except EnvironmentFailed:
        if not has_package(artifact, "debugpy", environ):
            raise
        return ""


def has_package(artifact: Artifact, name: str, environ: Mapping[str, str]) -> bool:
    """Tell whether an image has a package where its Python looks for packages.

    Raises:
        LocalrunError: the engine does not answer.
    """
    from localrun.adapters.containers import create_container, discard_container, has_path
    from localrun.inside.containers import open_engine

    if not artifact.site_packages:
        return False
    engine = open_engine(environ)
    container = create_container(engine, {"Image": artifact.image}, name=f"localrun-look-{os.urandom(6).hex()}")
    try:
        return any(has_path(engine, container, f"{path}/{name}") for path in artifact.site_packages)
    finally:
        discard_container(engine, container)


def fetch_debugpy(python: str, home: str, environ: Mapping[str, str], *, version: str = "") -> str:
    """Give a folder with debugpy for an interpreter; it is kept for the next time.

    Args:
        python: The interpreter.
        home: The workspace.
        environ: The caller's environment.
        version: Major and minor version of another Python that it is for; empty for this interpreter.

    Raises:
        EnvironmentFailed: it cannot be fetched.
    """
    import hashlib

    from localrun.adapters.uv import PipRequest, explain, run_uv

    key = hashlib.sha256(os.fsencode(f"{os.path.realpath(python)}{version}")).hexdigest()[:16]
    folder = os.path.join(home, "debuggers", key)
    if os.path.isdir(folder):
        return folder
    cache = os.path.join(home, "cache", "uv")
    for needed in (cache, os.path.dirname(folder)):
        os.makedirs(needed, mode=0o700, exist_ok=True)
    staging = f"{folder}.{os.getpid()}.new"
    null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    request = PipRequest(
        python=python,
        requirements=("debugpy",),
        directory=os.path.dirname(folder),
        cache=cache,
        log=null,
    )
    try:
        other = ("--python-version", version, "--only-binary", ":all:") if version else ()
        arguments = ("pip", "install", "--python", python, *other, "--target", staging, "--requirements", "-")
        code, lines = run_uv(request, arguments, environ, lambda _: None)
    finally:
        os.close(null)
    if code:
        error = explain(lines, request, code)
        hint = "add debugpy to the environment, or let this machine reach a package index once"
        message = f"the environment has no debugpy, and it cannot be added beside it: {error.message}"
        raise EnvironmentFailed(message, hint=hint, detail=error.detail, code=error.code) from None
    _put_in_place(staging, folder)
    return folder


def _put_in_place(staging: str, folder: str) -> None:
    import shutil

    try:
        os.rename(staging, folder)
    except OSError:  # another run was faster
        shutil.rmtree(staging, ignore_errors=True)


def tell_debugger(plan: Plan, process: Process, port: int, say: Callable[[str], None]) -> None:
    """Say where a rank waits for a debugger, and what VS Code has to know to get there."""
    import json

    say(f"rank {process.rank} waits for a debugger on 127.0.0.1:{port}; for .vscode/launch.json:")
    entry = {
        "name": f"localrun: rank {process.rank}",
        "type": "debugpy",
        "request": "attach",
        "connect": {"host": "127.0.0.1", "port": port},
        "pathMappings": [{"localRoot": plan.source.directory or "${workspaceFolder}", "remoteRoot": process.directory}],
        "justMyCode": False,
    }
    say(json.dumps(entry))
