"""The process that works on a submitted run: it makes the environment and starts the run as `localrun run -d` does.

It is detached from the Python that submitted the run; like a local run of Azure ML it goes on when the caller's session
ends. What cannot be started leaves a record with the status `failed`, one that was canceled meanwhile `canceled`.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from contextlib import nullcontext, suppress

from localrun.errors import LocalrunError
from localrun.values import unpack
from localrun.workspace import submitted
from localrun.workspace.home import failed, folder_of, tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from localrun.plan import Artifact, Plan
    from localrun.resolve.facts import HostFacts
    from localrun.spec import RunSpec


def serve() -> None:
    """Read a submission from standard input and detach to work on it."""
    import marshal

    from localrun.adapters.background import detach

    home, run_id, spec, facts, known = marshal.loads(sys.stdin.buffer.read())  # noqa: S302 - from our own process
    descriptor = os.open(submitted.path_of(home, run_id), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    detach(lambda: _work(home, run_id, _unpack(spec), _unpack(facts), known))


def _unpack(packed: Any) -> Any:
    from localrun import spec
    from localrun.resolve.facts import HostFacts

    classes = {name: item for name, item in vars(spec).items() if isinstance(item, type)}
    return unpack(packed, classes | {"HostFacts": HostFacts})


def _work(home: str, run_id: str, spec: RunSpec, facts: HostFacts, known: tuple[str, ...]) -> None:
    """Make the environment and start the run; whatever goes wrong is recorded."""
    from localrun import runner
    from localrun.adapters.docker_credentials import Credentials
    from localrun.environments.settings import BuildSettings, say_once
    from localrun.workspace import active

    def give_up(*_: object) -> None:
        """End the making; a run that there is already is ended as every run is, by its supervisor."""
        if not (active.is_live(home, run_id) or os.path.exists(folder_of(home, run_id))):
            _hear(signal.SIG_IGN)
            raise KeyboardInterrupt

    account = Credentials(username=known[0], password=known[1]) if known else None
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    host = runner.Host(home=home, environ=os.environ, detached=True, run_id=run_id, say=tell)
    _hear(give_up)
    try:
        _note_process(home, run_id)  # from here on others can ask for the end
        settings = BuildSettings(run_id=run_id, account=account)
        runner.run(spec, facts, host, settings, lambda: nullcontext(say_once(tell)), _forget)
    except LocalrunError as error:
        _record(home, run_id, spec, "failed", 125, error.code, error.message)
        tell(f"error: {error.message}")
        for line in (*error.detail.splitlines(), error.hint):
            tell(line)
    except KeyboardInterrupt:
        _record(home, run_id, spec, "canceled", 130, "", "canceled before it had started")
    except Exception as error:  # the end of this process: whatever it is, the run must not stay without a record
        _record(home, run_id, spec, "failed", 125, "internal", f"{type(error).__name__}: {error}")
        raise
    finally:
        submitted.remove_source(home, run_id)
        with suppress(FileNotFoundError):
            os.unlink(submitted.process_of(home, run_id))


def _hear(handler: Callable[..., object] | signal.Handlers) -> None:
    """Have what cancels the run handled in this way."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _note_process(home: str, run_id: str) -> None:
    from localrun.adapters.processes import identify

    me = identify(os.getpid())
    path = submitted.process_of(home, run_id)
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()} {me.start if me else 0}")
    except OSError as error:
        raise failed(error, path) from error


def _forget(plan: Plan, artifact: Artifact) -> None:
    """Keep nothing: a warm run is found by a command line."""
    del plan, artifact


def _record(home: str, run_id: str, spec: RunSpec, status: str, exit_code: int, kind: str, note: str) -> None:
    """Leave the record of a run that has not started."""
    _hear(signal.SIG_IGN)  # who cancels the run may ask more than once
    from localrun.workspace import records

    now = time.time()
    began = float(submitted.read_details(home, run_id).get("submitted_at") or now)
    folder = folder_of(home, run_id)
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
