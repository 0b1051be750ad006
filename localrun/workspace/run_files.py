"""run.json, the file in a run's folder that holds its record."""

from __future__ import annotations

import os

from localrun.errors import StoreFailed
from localrun.workspace.home import failed, folder_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Record = dict[str, Any]
    """A run record, as `records` describes it."""


def write_json(path: str, document: Any) -> None:
    """Replace a file by a JSON document, atomically, mode 0600, on disk when this returns.

    Raises:
        StoreFailed: the system refuses; the old file is as it was.
    """
    import json

    write_whole(path, json.dumps(document, indent=1).encode())  # ASCII: any text survives, lone surrogates too


def write_whole(path: str, data: bytes) -> None:
    """Replace a file atomically, mode 0600, on disk when this returns.

    Raises:
        StoreFailed: the system refuses; the old file is as it was.
    """
    import contextlib

    temporary = f"{path}.{os.getpid()}.new"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):  # it was not made, or cannot be removed for the reason that is reported
            os.unlink(temporary)
        raise failed(error, path) from error


def read_folder(folder: str) -> Record | None:
    """Give the record in a run's folder, or None when it holds none.

    Raises:
        StoreFailed: run.json cannot be read as a record.
    """
    import json

    path = os.path.join(folder, "run.json")
    try:
        with open(path, "rb") as file:
            record = json.loads(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise failed(error, path) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(record, dict) or record.get("run_id") != os.path.basename(folder):
        raise _damaged(path, "it is not the record of this run")
    return record


def _damaged(path: str, why: str) -> StoreFailed:
    hint = "localrun doctor --repair makes a record of what is left of the run; localrun rm removes all of it."
    return StoreFailed(f"the record {path} cannot be read: {why}", hint=hint, code="store_corrupt")


def read_all(home: str, run_ids: Iterable[str], say: Callable[[str], None]) -> list[Record]:
    """Give the records of the runs that have one, oldest first; one that cannot be read is told and left out."""
    found = []
    for run_id in run_ids:
        record = _read_or_tell(folder_of(home, run_id), say)
        if record is not None:
            found.append(record)
    return sorted(found, key=lambda record: str(record.get("started_at")))


def _read_or_tell(folder: str, say: Callable[[str], None]) -> Record | None:
    try:
        return read_folder(folder)
    except StoreFailed as error:
        say(error.message)
        return None
