"""Submitting a run: what is done before `Experiment.submit` returns; `localrun.api.background_run` does the rest."""

from __future__ import annotations

import os
import sys

from localrun.values import pack, replace
from localrun.workspace import submitted
from localrun.workspace.home import make_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from localrun.adapters.docker_credentials import Credentials
    from localrun.plan import SourcePlan
    from localrun.resolve.facts import HostFacts
    from localrun.spec import RunSpec


def submit(
    home: str, spec: RunSpec, facts: HostFacts, run_id: str, details: dict[str, Any], account: Credentials | None = None
) -> None:
    """Start a run in the background.

    Args:
        home: The workspace folder.
        spec: The run configuration; it has been resolved once, so that what is wrong with it has been said.
        facts: The facts of this machine that it needs.
        run_id: The run's id.
        details: What to keep of it, as JSON: `experiment`, `environment` (name and version), `definition`.
        account: Who we are to the base image's registry, where the plan has no reference to the password; it is
            handed over in memory alone.

    Raises:
        LocalrunError: nothing could be started.
    """
    import marshal

    from localrun.adapters.background import start_background

    submitted.write_details(home, run_id, details)
    known = (account.username, account.password) if account else ()
    request = marshal.dumps((home, run_id, pack(spec), pack(facts), known))
    argv = (sys.executable, "-m", "localrun.api.background_run")
    try:
        start_background(argv, request=request, log=submitted.log_of(home, run_id))
    except BaseException:
        submitted.remove_source(home, run_id)
        os.unlink(submitted.path_of(home, run_id))
        raise


def take_source(home: str, spec: RunSpec, source: SourcePlan, run_id: str) -> RunSpec:
    """Copy the source folder, so that the run gets what it is now however long its environment takes.

    Returns:
        The run configuration with the copy as its source folder.

    Raises:
        BadInput: what a snapshot refuses.
        StoreFailed: there is no room for it.
    """
    from localrun.workspace.snapshot import copy_entries, list_source

    if source.in_place or not source.directory:
        return spec
    entries = list_source(source, home=home)
    submitted.sweep_sources(home)
    copy = submitted.source_of(home, run_id)
    make_folder(copy)
    try:
        copy_entries(os.path.realpath(source.directory), entries, copy)
    except BaseException:
        submitted.remove_source(home, run_id)
        raise

    def moved(path: str) -> str:
        inside = path.startswith(source.directory.rstrip("/") + "/")
        return os.path.join(copy, os.path.relpath(path, source.directory)) if inside else path

    return replace(
        spec,
        source_directory=copy,
        source_file=moved(spec.source_file),
        script=moved(spec.script),
        bootstrap=moved(spec.bootstrap),
    )


def cancel(home: str, run_id: str) -> bool:
    """End a submitted run that has not started yet; false when there is nothing to end."""
    import signal

    from localrun.adapters.processes import Process, send

    try:
        with open(submitted.process_of(home, run_id), encoding="ascii") as file:
            pid, start = file.read().split()
    except (OSError, ValueError):
        return False
    return submitted.is_worked_on(home, run_id) and send(Process(pid=int(pid), start=start), signal.SIGTERM)
