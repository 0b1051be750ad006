"""The supervisor process: forked for one run, in a session of its own, alive until everything of the run has ended.

It owns the ranks, their logs and the record. The front end only watches: when it goes away, however it does, the
control pipe ends and the supervisor ends the run, unless it was started detached.
"""

from __future__ import annotations

import os
import time

from localrun.adapters import processes, spawn
from localrun.supervise.course import Course
from localrun.supervise.loop import Supervisor
from localrun.workspace import active

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from localrun.supervise.charge import Charge


def fork_supervisor(charge: Charge) -> tuple[int, int]:
    """Fork the supervisor of a run and let go of what it owns.

    Returns:
        The control pipe (its end ends the run, unless it is detached) and the wake pipe (a byte whenever a log has
        grown, its end when the record is closed).
    """
    control_reader, control = os.pipe()
    wake, wake_writer = os.pipe()
    os.set_blocking(wake_writer, False)
    if os.fork() == 0:
        try:
            os.close(control)
            os.close(wake)
            _serve(charge, -1 if charge.identity.detached else control_reader, wake_writer)
        finally:
            os._exit(1)
    for descriptor in (control_reader, wake_writer, charge.entry, *charge.holds):
        os.close(descriptor)
    return control, wake


def _serve(charge: Charge, control: int, wake: int) -> NoReturn:
    os.setsid()
    _redirect(charge.identity.folder)
    spawn.become_subreaper()
    record: dict[str, Any] = {}
    try:
        supervisor = Supervisor(charge.processes, charge.bootstraps, _plan_course(charge), wake)
        supervisor.start()
        launched = time.time() - charge.identity.started_at
        _note_processes(charge, supervisor.pids)
        from localrun.supervise.describe import describe_end, describe_start

        record = describe_start(charge.plan, charge.artifact, charge.identity, supervisor.pids)
        record["timings"]["launch"] = round(launched, 6)
        _store(charge.home, record)
        if charge.identity.detached:
            os.write(wake, b".")
        outcome = supervisor.run(control, lambda node, code: _note_bootstrap(charge, node, code))
        record = describe_end(record, outcome, charge.identity.started_at + launched)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the ranks must not outlive it
        record = _give_up(charge, record, error)
    _close(charge, record)
    os._exit(0)


def _plan_course(charge: Charge) -> Course:
    plan = charge.plan
    return Course(
        [rank.node for rank in plan.ranks],
        bootstrap=bool(plan.bootstrap),
        stop_timeout_s=plan.stop_timeout_s,
        timeout_s=plan.timeout_s,
        barrier_timeout_s=plan.barrier_timeout_s,
    )


def _redirect(folder: str) -> None:
    """Give this process an empty input and a log of its own for both outputs."""
    log = os.open(os.path.join(folder, "localrun.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)


def _note_processes(charge: Charge, pids: tuple[int, ...]) -> None:
    me = processes.identify(os.getpid())
    lines = [f"boot {processes.boot_id()}", f"supervisor {os.getpid()} {me.start if me else 0}"]
    for rank, pid in enumerate(pids):
        found = processes.identify(pid)
        lines.append(f"rank {rank} {pid} {found.start if found else 0}")
    active.note(charge.entry, lines)


def _note_bootstrap(charge: Charge, node: int, code: int) -> None:
    """Write the marker of a node: it holds how the bootstrap script ended, not that it did."""
    path = os.path.join(charge.identity.folder, f"node-{node}", "bootstrap.json")
    with open(path, "w", encoding="ascii") as file:
        file.write(f'{{"run_id": "{charge.identity.run_id}", "node": {node}, "exit_code": {code}}}\n')


def _store(home: str, record: dict[str, Any]) -> None:
    from localrun.workspace import records

    records.insert(home, record, _log)


def _give_up(charge: Charge, record: dict[str, Any], error: BaseException) -> dict[str, Any]:
    """End everything at once after an error of localrun's own, and say so in the record."""
    import traceback

    from localrun.supervise.describe import describe_start

    for pid in spawn.list_descendants(os.getpid()):
        spawn.signal_process(pid, 9)
    _log(traceback.format_exc())
    code = getattr(error, "code", "internal")
    now = time.time()
    record = record or describe_start(charge.plan, charge.artifact, charge.identity, ())
    ended = {"status": "failed", "exit_code": 125, "origin": "localrun", "kind": code if isinstance(code, str) else ""}
    duration = {"duration_s": round(now - charge.identity.started_at, 3)}
    return record | ended | duration | {"notes": [*record["notes"], f"localrun itself failed: {error}"]}


def _close(charge: Charge, record: dict[str, Any]) -> None:
    from localrun.workspace import records

    if charge.plan.outputs_directory:
        record["notes"] += _hand_out(charge)
    try:
        records.update(charge.home, record, _log)
    finally:
        active.release(charge.home, charge.identity.run_id, charge.entry)


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


def _log(line: str) -> None:
    os.write(2, f"{line}\n".encode(errors="backslashreplace"))
