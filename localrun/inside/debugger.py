"""A debugger for one rank: debugpy of its environment, or added beside it without touching it."""

from __future__ import annotations

import os

from localrun.adapters.children import Child, run_child
from localrun.errors import EnvironmentFailed
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localrun.plan import Plan
    from localrun.supervise.process import Process

STARTER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "debugging")
"""Goes in front of the rank's PYTHONPATH: its Python then waits for the debugger before it runs anything."""


def add_debugger(
    plan: Plan, processes: tuple[Process, ...], python: str, *, home: str, port: int, environ: Mapping[str, str]
) -> tuple[Process, ...]:
    """Have one rank wait for a debugger.

    Args:
        plan: The plan; it says which rank.
        processes: One a rank.
        python: The rank's interpreter.
        home: The workspace, where debugpy is kept for environments that have none.
        port: Where the rank waits, on the loopback interface.
        environ: The caller's environment, for uv.

    Raises:
        EnvironmentFailed: the environment has no debugpy, and it cannot be fetched.
    """
    rank = plan.debug_rank
    process = processes[rank]
    variables = dict(process.variables)
    folders = [STARTER]
    if not has_debugpy(python, variables, process.directory):
        folders.append(fetch_debugpy(python, home, environ))
    if variables.get("PYTHONPATH"):
        folders.append(variables["PYTHONPATH"])
    variables |= {"PYTHONPATH": os.pathsep.join(folders), "LOCALRUN_DEBUG_PORT": str(port)}
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


def fetch_debugpy(python: str, home: str, environ: Mapping[str, str]) -> str:
    """Give a folder with debugpy for an interpreter; it is kept for the next time.

    Raises:
        EnvironmentFailed: it cannot be fetched.
    """
    import hashlib

    from localrun.adapters.uv import PipRequest, explain, run_uv

    key = hashlib.sha256(os.fsencode(os.path.realpath(python))).hexdigest()[:16]
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
        arguments = ("pip", "install", "--python", python, "--target", staging, "--requirements", "-")
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
