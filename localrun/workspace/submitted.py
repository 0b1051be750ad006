"""What is kept of a run that was submitted in the background, from `Experiment.submit` until its supervisor has it.

<home>/submitted/<run_id>.json    what was submitted; locked for as long as somebody works on the run
<home>/submitted/<run_id>.json.pid     who does
<home>/submitted/<run_id>.json.source  the source folder as it was then, until the run has its snapshot
<home>/submitted/<run_id>.log     what was said until the run had started
"""

from __future__ import annotations

import os
import time

from localrun.workspace.home import failed, make_folder
from localrun.workspace.locks import is_locked
from localrun.workspace.run_files import write_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LEFT_OVER_S = 3600
"""So old is a copy of a source folder that nobody works on before it is taken for left over."""


def path_of(home: str, run_id: str) -> str:
    """Give the absolute path of the file that says what was submitted."""
    return os.path.join(home, "submitted", f"{run_id}.json")


def log_of(home: str, run_id: str) -> str:
    """Give the absolute path of the log of a submission."""
    return os.path.join(home, "submitted", f"{run_id}.log")


def source_of(home: str, run_id: str) -> str:
    """Give the absolute path of the copy of a source folder."""
    return f"{path_of(home, run_id)}.source"


def process_of(home: str, run_id: str) -> str:
    """Give the absolute path of the file that names the process that works on a submission."""
    return f"{path_of(home, run_id)}.pid"


def write_details(home: str, run_id: str, details: dict[str, Any]) -> None:
    """Keep what was submitted, as JSON, with its `run_id` and `submitted_at` (Unix seconds).

    Raises:
        StoreFailed: the system refuses.
    """
    make_folder(os.path.join(home, "submitted"))
    write_json(path_of(home, run_id), details | {"run_id": run_id, "submitted_at": time.time()})


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


def remove(home: str, run_id: str) -> None:
    """Delete what was submitted and what was said before it started.

    Raises:
        StoreFailed: the system refuses.
    """
    for path in (path_of(home, run_id), log_of(home, run_id)):
        try:
            os.unlink(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise failed(error, path) from error


def remove_source(home: str, run_id: str) -> None:
    """Remove the copy of a source folder."""
    import shutil

    shutil.rmtree(source_of(home, run_id), ignore_errors=True)


def sweep_sources(home: str) -> None:
    """Remove the copies that killed processes have left; one that was just begun may not be locked yet."""
    folder = os.path.join(home, "submitted")
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
