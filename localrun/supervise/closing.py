"""The end of a run: its record is completed and stored, and what nobody needs any more goes."""

from __future__ import annotations

import os
import time

from localrun.errors import LocalrunError, StoreFailed
from localrun.supervise.describe import describe_start
from localrun.supervise.room import free_room
from localrun.workspace import active, records
from localrun.workspace.home import failed
from localrun.workspace.mlflow_store import has_runs
from localrun.workspace.place import remove_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.supervise.charge import Charge
    from localrun.supervise.hands import Hands
    from localrun.workspace.run_files import Record

CLOSE_WAITS_S = (0.1, 0.4, 0.5)
"""Between the attempts to store the last state of a record on a disk that is full."""


def describe_error(charge: Charge, record: Record, error: BaseException, log: Callable[[str], None]) -> Record:
    """Give the record of a run that an error of localrun's own has ended; `record` may be empty yet."""
    import traceback

    log(_mask(charge, "".join(traceback.format_exception(error))))
    pids = (0,) * len(charge.processes)
    record = record or describe_start(charge.plan, charge.artifact, charge.identity, pids)
    error = _translate(error, charge.identity.folder)
    kind = (
        error.code if isinstance(error, LocalrunError) else "no_process" if isinstance(error, OSError) else "internal"
    )
    now = time.time()
    return record | {
        "status": "failed",
        "exit_code": 125,
        "origin": "localrun",
        "kind": kind,
        "ended_at": records.timestamp(now),
        "duration_s": round(now - charge.identity.started_at, 3),
        "ranks": [rank | {"status": "stopped"} for rank in record["ranks"]],
        "notes": [*record["notes"], _explain(error)],
    }


def close(charge: Charge, hands: Hands, record: Record, log: Callable[[str], None]) -> bool:
    """Complete the record and store its last state; false when it cannot be stored."""
    _fetch(hands, record)
    if charge.plan.outputs_directory:
        record["notes"] += _hand_out(charge)
    record.update(_describe_logged(charge, record, log))
    if charge.processes and charge.processes[0].needles:
        from localrun.secrets.scan import note_secrets

        record["notes"] += note_secrets(charge.identity.folder, charge.processes[0].needles)
    free_room(charge.identity.folder)
    if charge.artifact.versions:
        record["versions"] = _keep_versions(charge, log)
    remove_place(charge.identity.folder)
    for wait_s in CLOSE_WAITS_S:
        try:
            records.update(charge.home, record, log)
        except StoreFailed as error:
            log(error.message)
            time.sleep(wait_s)
        else:
            return True
    ended = [str(record[key]) for key in ("status", "exit_code", "origin", "kind")]
    try:
        active.note(charge.entry, [" ".join(["ended", *ended])])  # its block is on the disk already
    except StoreFailed as error:
        log(error.message)
    return False


def drop_source(charge: Charge) -> None:
    """Free the room that the working directories take for what the store has too."""
    if charge.plan.source.in_place or (charge.plan.container and charge.plan.container.keep):
        return
    from localrun.workspace.working_copy import drop_unchanged

    drop_unchanged(charge.home, charge.identity.folder, charge.plan.nodes)


def _translate(error: BaseException, folder: str) -> BaseException:
    """Give an error of the system as the one that says what to do, where it is known what it means."""
    if not isinstance(error, OSError):
        return error
    known = failed(error, error.filename or folder)
    return error if known.code == "store_corrupt" else known


def _explain(error: BaseException) -> str:
    """Give the note of a record that an error ended: what is wrong, and what to do."""
    if not isinstance(error, LocalrunError):
        return f"localrun itself failed: {type(error).__name__}: {error}"
    return f"{error.message}; {error.hint}" if error.hint else error.message


def _fetch(hands: Hands, record: Record) -> None:
    """Bring home what the ranks wrote; a run without its outputs has not been completed."""
    try:
        record["notes"] = [*record["notes"], *hands.fetch()]
    except LocalrunError as error:
        record["notes"] = [*record["notes"], _explain(error)]
        if record["status"] == "completed":
            record.update(status="failed", exit_code=125, origin="localrun", kind=error.code)


def _describe_logged(charge: Charge, record: Record, log: Callable[[str], None]) -> Record:
    """Give what the script has logged, for the record."""
    folder = charge.identity.folder
    if not os.path.isdir(os.path.join(folder, "journal")) and not has_runs(folder):
        return {}
    from localrun.workspace.metrics import describe_logged

    try:
        logged = describe_logged(folder, charge.identity.run_id)
    except (OSError, ValueError, TypeError) as error:  # it is the script's, and no reason to lose the record
        log(_mask(charge, f"what was logged cannot be read: {error}"))
        return {}
    logged["tags"] = record["tags"] | logged.get("tags", {})
    if charge.processes and charge.processes[0].needles:
        import json

        return dict(json.loads(_mask(charge, json.dumps(logged))))
    return logged


def _mask(charge: Charge, text: str) -> str:
    """Give a text without the values of the run's secrets."""
    needles = charge.processes[0].needles if charge.processes else ()
    if not needles:
        return text
    from localrun.secrets.masks import hide
    from localrun.secrets.search import Search

    return hide(text.encode(errors="backslashreplace"), Search(needles)).decode(errors="replace")


def _keep_versions(charge: Charge, log: Callable[[str], None]) -> str:
    """Keep what the environment was made of with the record, which outlives it; give the path, empty without room."""
    kept = os.path.join(charge.identity.folder, "versions.json")
    lock = os.path.join(charge.home, "environments", f"{charge.plan.environment.name}.conda-lock.yml")
    try:
        _copy(charge.artifact.versions, kept)
        if os.path.exists(lock):
            _copy(lock, os.path.join(charge.identity.folder, "conda-lock.yml"))
    except OSError as error:
        log(f"the versions cannot be kept: {error.strerror}")
        return ""
    return kept


def _copy(path: str, new: str) -> None:
    with open(path, "rb") as old, open(new, "wb") as file:
        file.write(old.read())


def _hand_out(charge: Charge) -> list[str]:
    """Copy the outputs to where the user wants them as well; give a note when that fails."""
    from localrun.workspace.outputs import copy_outputs

    try:
        copy_outputs(charge.identity.folder, charge.plan.outputs_directory)
    except OSError as error:
        return [
            f"the outputs could not be copied to {charge.plan.outputs_directory}: {error.strerror}: {error.filename}"
        ]
    return []
