"""The records of runs, looked at by `localrun doctor` and made whole by `localrun doctor --repair`."""

from __future__ import annotations

from localrun.cli.doctor_findings import FAILED, OK, WARNING, Finding
from localrun.errors import LocalrunError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localrun.workspace.repair import Repair

NAME = "records"


def check_records(environ: Mapping[str, str]) -> list[Finding]:
    """Look whether the database of runs is whole, and every record can be read."""
    from localrun.workspace.database import REPAIR
    from localrun.workspace.home import open_home
    from localrun.workspace.repair import examine

    try:
        found = examine(open_home(environ))
    except LocalrunError as error:
        return [Finding(name=NAME, status=FAILED, says=error.message, hint=error.hint)]
    wrong = [f"the database of runs cannot be used: {found.damage}"] if found.damage else []
    wrong += [f"{_count(len(found.recovered))} not in the database as recorded"] if found.recovered else []
    wrong += [why for _, why in found.partly]
    return [Finding(name=NAME, status=WARNING, says=text, hint=REPAIR) for text in wrong] or [
        Finding(name=NAME, status=OK, says="the database of runs is whole")
    ]


def repair_records(environ: Mapping[str, str], say: Callable[[str], None]) -> list[Finding]:
    """Make the database of runs whole, and tell what came back and what did not; `failed` is what is lost."""
    from localrun.workspace.home import open_home
    from localrun.workspace.repair import repair

    try:
        return describe_repair(repair(open_home(environ), say))
    except LocalrunError as error:
        return [Finding(name=NAME, status=FAILED, says=error.message, hint=error.hint)]


def describe_repair(done: Repair) -> list[Finding]:
    """Give what a repair did, one finding each."""
    kept = f"; what it was is kept as {done.kept}" if done.kept else ""
    found = []
    if done.damage:
        says = f"the database of runs was made again ({done.damage}){kept}"
        found.append(Finding(name=NAME, status=OK, says=says))
    if done.recovered:
        found.append(Finding(name=NAME, status=OK, says=f"{_count(len(done.recovered))} read again from their folders"))
    for run_id, known in done.partly:
        says, hint = f"the record of run {run_id} is lost: {known}", f"localrun inspect {run_id}"
        found.append(Finding(name=NAME, status=WARNING, says=says, hint=hint))
    for run_id, said in done.lost:
        found.append(Finding(name=NAME, status=FAILED, says=f"run {run_id} ({said}) is gone: it has no folder"))
    return found or [Finding(name=NAME, status=OK, says="the database of runs is whole; there was nothing to repair")]


def _count(number: int) -> str:
    return f"{number} run" if number == 1 else f"{number} runs"
