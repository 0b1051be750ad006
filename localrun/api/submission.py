"""A submitted run, from `submit` until its supervisor has it.

    <home>/submitted/<run_id>.json    what was submitted; locked for as long as somebody works on the run
    <home>/submitted/<run_id>.log     what was said until the run had started
    <home>/submitted/<run_id>.json.source  the source folder as it was then, until the run has its snapshot

`submit` answers at once. A process of its own, detached from the caller's Python, makes the environment and starts the
run as `localrun run -d` does; like a local run of Azure ML it goes on when the caller's session ends. What cannot be
started leaves a record with the status `failed`, one that was canceled meanwhile `canceled`.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time

from localrun.errors import LocalrunError
from localrun.values import pack, unpack
from localrun.workspace.home import failed, make_folder, tell
from localrun.workspace.locks import is_locked
from localrun.workspace.run_files import write_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from localrun.adapters.docker_credentials import Credentials
    from localrun.environments.settings import Progress
    from localrun.plan import Artifact, Plan, SourcePlan
    from localrun.resolve.facts import HostFacts
    from localrun.spec import RunSpec


LEFT_OVER_S = 3600
"""So old is a copy of a source folder that nobody works on before it is taken for left over."""


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

    make_folder(os.path.join(home, "submitted"))
    write_json(path_of(home, run_id), details | {"run_id": run_id, "submitted_at": time.time()})
    known = (account.username, account.password) if account else ()
    request = marshal.dumps((home, run_id, pack(spec), pack(facts), known))
    try:
        start_background((sys.executable, "-m", "localrun.api.submission"), request=request, log=log_of(home, run_id))
    except BaseException:
        remove_source(home, run_id)
        os.unlink(path_of(home, run_id))
        raise


def take_source(home: str, spec: RunSpec, source: SourcePlan, run_id: str) -> RunSpec:
    """Copy the source folder, so that the run gets what it is now however long its environment takes.

    Returns:
        The run configuration with the copy as its source folder.

    Raises:
        BadInput: what a snapshot refuses.
        StoreFailed: there is no room for it.
    """
    from localrun.values import replace
    from localrun.workspace.snapshot import copy_entries, list_source

    if source.in_place or not source.directory:
        return spec
    entries = list_source(source, home=home)
    _sweep(os.path.join(home, "submitted"), home)
    copy = f"{path_of(home, run_id)}.source"
    make_folder(copy)
    try:
        copy_entries(os.path.realpath(source.directory), entries, copy)
    except BaseException:
        remove_source(home, run_id)
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


def _sweep(folder: str, home: str) -> None:
    """Remove the copies that killed processes have left; one that was just begun may not be locked yet."""
    make_folder(folder)
    for name in os.listdir(folder):
        run_id = name.removesuffix(".json.source")
        if run_id != name and not is_worked_on(home, run_id):
            try:
                age_s = time.time() - os.stat(os.path.join(folder, name)).st_mtime
            except FileNotFoundError:
                continue
            if age_s > LEFT_OVER_S:
                remove_source(home, run_id)


def remove_source(home: str, run_id: str) -> None:
    """Remove the copy of a source folder."""
    import shutil

    shutil.rmtree(f"{path_of(home, run_id)}.source", ignore_errors=True)


def path_of(home: str, run_id: str) -> str:
    """Give the absolute path of the file that says what was submitted."""
    return os.path.join(home, "submitted", f"{run_id}.json")


def log_of(home: str, run_id: str) -> str:
    """Give the absolute path of the log of a submission."""
    return os.path.join(home, "submitted", f"{run_id}.log")


def read_details(home: str, run_id: str) -> dict[str, Any]:
    """Give what was submitted; empty for a run that was started in another way."""
    import json

    try:
        with open(path_of(home, run_id), "rb") as file:
            found = json.loads(file.read())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def is_worked_on(home: str, run_id: str) -> bool:
    """Tell whether a process is making the environment of a submitted run, or supervises it."""
    return is_locked(path_of(home, run_id))


def cancel(home: str, run_id: str) -> bool:
    """End a submitted run that has not started yet; false when there is nothing to end."""
    import signal

    from localrun.adapters.processes import Process, send

    try:
        with open(f"{path_of(home, run_id)}.pid", encoding="ascii") as file:
            pid, start = file.read().split()
    except (OSError, ValueError):
        return False
    return is_worked_on(home, run_id) and send(Process(pid=int(pid), start=start), signal.SIGTERM)


def serve() -> None:
    """Read a submission from standard input and detach to work on it."""
    import marshal

    from localrun.adapters.background import detach

    home, run_id, spec, facts, known = marshal.loads(sys.stdin.buffer.read())  # noqa: S302 - from our own process
    descriptor = os.open(path_of(home, run_id), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    detach(lambda: _work(home, run_id, _unpack(spec), _unpack(facts), known))


def _unpack(packed: Any) -> Any:
    from localrun import spec
    from localrun.resolve.facts import HostFacts

    classes = {name: item for name, item in vars(spec).items() if isinstance(item, type)}
    return unpack(packed, classes | {"HostFacts": HostFacts})


def _work(home: str, run_id: str, spec: RunSpec, facts: HostFacts, known: tuple[str, ...]) -> None:
    """Make the environment and start the run; whatever goes wrong is recorded."""
    import signal

    from localrun import runner
    from localrun.adapters.docker_credentials import Credentials
    from localrun.environments.settings import BuildSettings
    from localrun.workspace import active

    account = Credentials(username=known[0], password=known[1]) if known else None

    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _note_process(home, run_id)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    host = runner.Host(home=home, environ=os.environ, detached=True, run_id=run_id, say=tell)
    try:
        runner.run(spec, facts, host, BuildSettings(run_id=run_id, account=account), _report, _forget)
    except LocalrunError as error:
        tell(f"error: {error.message}")
        for line in (*error.detail.splitlines(), error.hint):
            tell(line)
        _record(home, run_id, spec, "failed", 125, error.code, error.message)
    except KeyboardInterrupt:
        if not active.is_live(home, run_id):  # its supervisor hears of it by itself
            _record(home, run_id, spec, "canceled", 130, "", "canceled before it had started")
    except Exception as error:  # the end of this process: whatever it is, the run must not stay without a record
        _record(home, run_id, spec, "failed", 125, "internal", f"{type(error).__name__}: {error}")
        raise
    finally:
        remove_source(home, run_id)
        os.unlink(f"{path_of(home, run_id)}.pid")


def _note_process(home: str, run_id: str) -> None:
    from localrun.adapters.processes import identify

    me = identify(os.getpid())
    path = f"{path_of(home, run_id)}.pid"
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()} {me.start if me else 0}")
    except OSError as error:
        raise failed(error, path) from error


def _forget(plan: Plan, artifact: Artifact) -> None:
    """Keep nothing: a warm run is found by a command line."""
    del plan, artifact


def _report(progress: Progress) -> None:
    if not progress.done or progress.done == progress.total:
        tell(progress.text)


def _record(  # the fields of a record
    home: str, run_id: str, spec: RunSpec, status: str, exit_code: int, kind: str, note: str
) -> None:
    """Leave the record of a run that has not started."""
    from localrun.workspace import records

    now = time.time()
    began = float(read_details(home, run_id).get("submitted_at") or now)
    folder = records.folder_of(home, run_id)
    record = {
        "schema": records.SCHEMA, "run_id": run_id, "status": status, "exit_code": exit_code, "origin": "localrun",
        "kind": kind, "name": spec.name, "experiment": spec.experiment_name, "display_name": spec.display_name,
        "description": spec.description, "tags": dict(spec.tags), "target": spec.target or "local",
        "started_at": records.timestamp(began), "ended_at": records.timestamp(now),
        "duration_s": round(now - began, 3), "detached": True, "command": [], "plan": {}, "artifact": None,
        "versions": "", "ranks": [], "first_failure": None, "timings": {}, "notes": [note],
        "host": os.uname().nodename, "folder": folder, "outputs": os.path.join(folder, "outputs"),
    }  # fmt: skip
    records.insert(home, record)


if __name__ == "__main__":
    serve()
