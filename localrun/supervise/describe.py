"""The record of a run: what it says at the start, and what its end adds."""

from __future__ import annotations

import os

from localrun.supervise.outcome import exit_code_of
from localrun.values import plain
from localrun.workspace.records import SCHEMA, timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from localrun.plan import Artifact, Plan
    from localrun.supervise.charge import Identity
    from localrun.supervise.outcome import Outcome
    from localrun.workspace.run_files import Record

LAST_LINES = 20
"""So many lines of a failing rank's log stand in the record and are shown again."""


def describe_start(plan: Plan, artifact: Artifact, identity: Identity, pids: tuple[int, ...]) -> Record:
    """Give the record of a run that has just started; the keys are described in `localrun.workspace.records`."""
    return {
        "schema": SCHEMA,
        "run_id": identity.run_id,
        "status": "running",
        "exit_code": None,
        "origin": "script",
        "kind": "",
        "name": plan.name,
        "experiment": plan.experiment,
        "display_name": plan.display_name,
        "description": plan.description,
        "tags": dict(plan.tags),
        "target": plan.target,
        "started_at": timestamp(identity.started_at),
        "ended_at": None,
        "duration_s": None,
        "detached": identity.detached,
        "command": list(plan.argv),
        "plan": describe_plan(plan),
        "artifact": plain(artifact),
        "versions": artifact.versions,
        "ranks": [_start_of_rank(plan, rank, pid) for rank, pid in enumerate(pids)],
        "first_failure": None,
        "timings": {name: round(seconds, 6) for name, seconds in identity.timings},
        "notes": [*plan.notes, *identity.notes],
        "host": os.uname().nodename,
        "machine": describe_machine(),
        "master_port": identity.port or None,
        "folder": identity.folder,
        "outputs": os.path.join(identity.folder, "outputs"),
    }


def describe_machine() -> dict[str, object]:
    """Give what of this machine may matter to a run."""
    from localrun import __version__

    system = os.uname()
    return {
        "system": f"{system.sysname} {system.release}",
        "architecture": system.machine,
        "processors": os.cpu_count(),
        "localrun": __version__,
    }


def describe_plan(plan: Plan) -> dict[str, Any]:
    """Give a plan as `localrun plan --format json` prints it and as the record keeps it: variables as mappings."""
    described: dict[str, Any] = plain(plan)
    for key in ("variables", "fallbacks", "tags"):
        described[key] = dict(getattr(plan, key))
    for rank, planned in zip(described["ranks"], plan.ranks, strict=True):
        rank["variables"] = dict(planned.variables)
    described["environment"]["variables"] = dict(plan.environment.variables)
    if plan.container and plan.container.options:
        import json

        described["container"]["options"] = {name: json.loads(text) for name, text in plan.container.options}
    return described


def describe_end(record: Record, outcome: Outcome, started_at: float) -> Record:
    """Give a run's record with its outcome in it."""
    cause = outcome.cause
    ended = {item.rank: item for item in outcome.ranks}
    ranks = []
    for rank in record["ranks"]:
        item = ended.get(rank["rank"])
        if item is None:
            ranks.append(rank)
            continue
        code = item.code
        ranks.append(
            rank
            | {
                "status": item.status,
                "exit_code": None if code is None else exit_code_of(code),
                "signal": -code if code is not None and code < 0 else None,
                "started_at": timestamp(started_at + item.started_at),
                "ended_at": None if item.status == "running" else timestamp(started_at + item.ended_at),
                "peak_memory_bytes": item.peak_memory_bytes,
                "cpu_s": round(item.cpu_s, 3),
                "dropped_bytes": item.dropped_bytes,
            }
        )
    return record | {
        "status": outcome.status,
        "exit_code": outcome.exit_code,
        "origin": outcome.origin,
        "kind": outcome.kind,
        "ended_at": timestamp(started_at + outcome.duration_s),
        "duration_s": round(outcome.duration_s, 3),
        "ranks": ranks,
        "cause": None if cause is None else cause.reason,
        "first_failure": _describe_failure(record, outcome, started_at),
        "timings": record["timings"] | {"run": round(outcome.duration_s, 6)},
        "notes": record["notes"] + list(outcome.notes),
    }


def _start_of_rank(plan: Plan, rank: int, pid: int) -> dict[str, object]:
    planned = plan.ranks[rank]
    return {
        "rank": rank,
        "local_rank": planned.local_rank,
        "node": planned.node,
        "pid": pid,
        "status": "running",
        "exit_code": None,
        "signal": None,
        "log": f"user_logs/{planned.log}",
    }


def _describe_failure(record: Record, outcome: Outcome, started_at: float) -> dict[str, object] | None:
    cause = outcome.cause
    if cause is None or cause.rank < 0:
        return None
    rank = record["ranks"][cause.rank]
    return {
        "rank": cause.rank,
        "node": rank["node"],
        "exit_code": exit_code_of(cause.code) if cause.code else None,
        "signal": -cause.code if cause.code < 0 else None,
        "at": timestamp(started_at + cause.at),
        "after_s": round(cause.at, 3),
        "reason": "out_of_memory" if cause.out_of_memory else cause.reason,
        "log": rank["log"],
        "last_lines": read_last_lines(os.path.join(record["folder"], rank["log"])),
    }


def read_last_lines(path: str, count: int = LAST_LINES) -> list[str]:
    """Read the last lines of a log, at most `count` and 16 KiB; invalid UTF-8 stands escaped."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) - 16_384))
            return file.read().decode(errors="backslashreplace").splitlines()[-count:]
    except OSError:
        return []
