"""Run records: `<home>/runs/<run_id>/run.json`, the truth, and a row in the database that finds it fast.

A record is a JSON object with these keys (a reader must not mind others, nor missing ones of runs that ended early):

    schema          1
    run_id          `<experiment>_<unix seconds>_<8 hex>`
    status          `running`, `completed`, `failed`, `canceled`, `lost` (its supervisor died: its end is unknown)
    exit_code       of the run; null while it runs
    origin          whose exit code that is: `script` or `localrun`
    kind            the kind of localrun's own failure (`errors`), `lost` for a lost run; else empty
    experiment, display_name, description, tags {name: text}, target
    started_at, ended_at    UTC, ISO 8601 with milliseconds and Z; a lost run ends when it is found
    duration_s      null while it runs and for a lost run
    detached        whether it was started with `-d`
    command         the argv of every rank
    plan, artifact  as `localrun plan` prints them
    versions        path of the resolved versions, kept in the folder of the run with their `conda-lock.yml`, or empty
    ranks           [{rank, local_rank, node, pid, status, exit_code, signal, started_at, ended_at, peak_memory_bytes,
                    cpu_s, log}], ordered by rank; the peak of a rank that ended at once in a container is null
    first_failure   {rank, node, exit_code, signal, at, reason, last_lines} or null
    timings         {stage: seconds}
    metrics, params, properties, tables, models, children, files, artifacts, reported
                    what the script logged, see `metrics.describe_logged`; missing when there is none
    notes           [text]
    host            the machine's name
    machine         {system, architecture, processors, localrun}: what it is, and the version of localrun
    inputs          {name: {state, bytes, sha256}}: what they held (`input_hashes`); sha256 is null of one that was not
                    hashed before the run ended
    folder          the run's folder
    outputs         where its outputs are

The folder of a run:

    run.json  localrun.log  snapshot.json (`snapshot_store`)  user_logs/  named-outputs/<name>
    wd/ (node 0) and node-<k>/wd (node k): working directories; outputs -> wd/outputs, logs -> wd/logs;
    of a source that is not small, what a script left as it was is dropped at the end (`working_copy`)

Every change replaces run.json by a new file and then the row in one transaction: a reader sees the old state or the
new one. A row is rebuilt from its run.json when the database is lost.
"""

from __future__ import annotations

import os

from localrun.errors import RunNotFound, StoreFailed
from localrun.workspace import database
from localrun.workspace.home import failed, folder_of, make_folder, tell
from localrun.workspace.run_files import read_all, read_folder, write_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.workspace.run_files import Record

SCHEMA = 1
"""The `schema` of the records that this version writes."""
NEAR_AMONG = 200
"""A misspelt name is compared with those of so many runs."""
DEPTH = 200
"""Folders nested deeper than this are not left to shutil, which calls itself for each level (before Python 3.13)."""


def timestamp(epoch_s: float) -> str:
    """Give a time as records have it: UTC, ISO 8601, milliseconds, `Z`."""
    import time

    whole, part = divmod(round(epoch_s * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{part:03d}Z"


def insert(home: str, record: Record, say: Callable[[str], None] = tell) -> None:
    """Store the record of a new run; its folder is made when it is not there.

    Raises:
        StoreFailed: the disk is full, read-only or broken.
    """
    make_folder(folder_of(home, record["run_id"]))
    update(home, record, say)


def update(home: str, record: Record, say: Callable[[str], None] = tell) -> None:
    """Store the new state of a run's record, whole.

    Raises:
        StoreFailed: the disk is full, read-only or broken.
    """
    write_json(os.path.join(folder_of(home, record["run_id"]), "run.json"), record)
    database.put(home, record, say)


def read(home: str, run_id: str, say: Callable[[str], None] = tell) -> Record:
    """Give the record of a run. Of a run whose folder was deleted by hand the row is given, with status `missing`.

    Raises:
        RunNotFound: there is neither folder nor row.
        StoreFailed: run.json cannot be read as a record.
    """
    record = read_folder(folder_of(home, run_id))
    if record is None:
        record = database.row(home, run_id, say)
    if record is None:
        raise RunNotFound(f"there is no run {run_id}", hint="localrun ps -a lists the runs.")
    return record


def read_supported(home: str, run_id: str, say: Callable[[str], None] = tell) -> Record:
    """Give the record of a run for those who act on what it says.

    Raises:
        RunNotFound: there is neither folder nor row.
        StoreFailed: it cannot be read, or a newer localrun wrote it.
    """
    record = read(home, run_id, say)
    schema = record.get("schema", SCHEMA)
    if not isinstance(schema, int) or schema > SCHEMA:
        message = f"the record of run {run_id} is of a newer localrun: its schema is {schema}, not {SCHEMA}"
        hint = f"install a newer localrun: pip install -U localrun; the files are in {folder_of(home, run_id)}"
        raise StoreFailed(message, hint=hint, code="newer_record")
    return record


def rows(
    home: str, *, limit: int | None = None, live_only: bool = False, say: Callable[[str], None] = tell
) -> list[database.Row]:
    """Give the rows of the runs, newest first.

    A run whose folder was deleted by hand has the status `missing`; a folder that has no row gets one when all rows are
    asked for.

    Args:
        home: The workspace folder.
        limit: How many at most; None for all.
        live_only: Only those whose status is `running`.
        say: Told when the database had to be made again.
    """
    found = database.rows(home, limit=limit, live_only=live_only, say=say)
    try:
        folders = set(os.listdir(os.path.join(home, "runs")))
    except FileNotFoundError:
        folders = set()
    known = {row[0] for row in found}
    if known == folders:
        return found
    if limit is None and not live_only and folders - known:
        database.add_missing(home, read_all(home, sorted(folders - known), say), say)
        found = database.rows(home, limit=limit, live_only=live_only, say=say)
    return [row if row[0] in folders else (row[0], "missing", *row[2:]) for row in found]


def find(home: str, text: str, say: Callable[[str], None] = tell) -> str:
    """Give the id of the run that a user means.

    Args:
        home: The workspace folder.
        text: A run id, `latest`, a display name (the newest run that has it), or the beginning of one run id only.
        say: Told when the database had to be rebuilt.

    Raises:
        RunNotFound: no run is meant, or several.
    """
    if text and "/" not in text and os.path.isdir(folder_of(home, text)) and not text.startswith("."):
        return text
    found = database.find(home, text, say)
    if not found:
        near = _find_near(home, text, say)
        hint = f"did you mean {near}?" if near else "localrun ps -a lists the runs."
        raise RunNotFound(f"no run is called {text}" if text != "latest" else "there is no run yet", hint=hint)
    if len(found) > 1:
        raise RunNotFound(
            f"{text} is the beginning of several run ids: {', '.join(found)}", hint="Give more of the run id."
        )
    return found[0]


def _find_near(home: str, text: str, say: Callable[[str], None]) -> str:
    """Give the name or id that is most like `text` among those of the newest runs; empty when none is."""
    import difflib

    names: dict[str, None] = {}
    for run_id, display_name in database.newest_names(home, NEAR_AMONG, say):
        names |= dict.fromkeys((display_name, run_id, run_id.rpartition("_")[0]))
    names.pop("", None)
    near = difflib.get_close_matches(text, names, n=1)
    return near[0] if near else ""


def remove(home: str, run_id: str, say: Callable[[str], None] = tell) -> None:
    """Remove a run's folder and row. The run must not be live.

    The folder leaves `runs/` in one step before anything of it is deleted: a removal that is cut short is finished by
    `finish_removals`.

    Raises:
        StoreFailed: the system refuses.
        LocalrunError: it has kept its containers, and their engine does not answer.
    """
    from localrun.workspace import contained

    contained.remove_kept(folder_of(home, run_id), run_id)
    trash = os.path.join(home, "trash")
    make_folder(trash)
    try:
        os.rename(folder_of(home, run_id), os.path.join(trash, f"{run_id}.{os.getpid()}"))
    except FileNotFoundError:
        pass  # deleted by hand; the row is left
    except OSError as error:
        raise failed(error, folder_of(home, run_id)) from error
    database.delete(home, run_id, say)
    finish_removals(home)


def finish_removals(home: str) -> None:
    """Delete what `remove` has put aside, here or in a process that was killed.

    Raises:
        StoreFailed: the system refuses.
    """
    trash = os.path.join(home, "trash")
    try:
        names = os.listdir(trash)
    except FileNotFoundError:
        return
    for name in names:
        _delete(os.path.join(trash, name))


def _delete(path: str) -> None:
    import shutil

    try:
        if os.path.islink(path) or not os.path.isdir(path):
            os.unlink(path)
            return
        try:
            shutil.rmtree(path)
        except PermissionError:
            _unlock_folders(path)
            shutil.rmtree(path)
        except RecursionError:
            _flatten(path)
            shutil.rmtree(path)
    except FileNotFoundError:
        pass  # another process deletes it too
    except OSError as error:
        raise failed(error, path) from error


def _flatten(path: str) -> None:
    """Bring folders that are nested too deep for shutil to the top, some hundred levels at a time."""
    waiting = [(path, 0)]
    moved = 0
    while waiting:
        folder, depth = waiting.pop()
        if depth == DEPTH:
            moved += 1
            nearer = os.path.join(path, f"localrun-moved-{moved}")
            os.rename(folder, nearer)
            folder, depth = nearer, 1
        with os.scandir(folder) as found:
            waiting += [(entry.path, depth + 1) for entry in found if entry.is_dir(follow_symlinks=False)]


def _unlock_folders(path: str) -> None:
    """Let the owner into every folder: a script may leave folders that nobody may write."""
    waiting = [path]
    while waiting:
        folder = waiting.pop()
        os.chmod(folder, 0o700)
        with os.scandir(folder) as found:
            waiting += [entry.path for entry in found if entry.is_dir(follow_symlinks=False)]
