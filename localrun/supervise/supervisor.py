"""The supervisor process: forked for one run, in a session of its own, alive until everything of the run has ended.

It owns the ranks, their logs and the record. The front end only watches: when it goes away, however it does, the
control pipe ends and the supervisor ends the run, unless it was started detached.
"""

from __future__ import annotations

import os
import time

from localrun.adapters import processes, signals, spawn
from localrun.errors import LocalrunError, StoreFailed
from localrun.supervise.course import LAST_WAIT_S, Course
from localrun.supervise.local_hands import LocalHands
from localrun.supervise.loop import Supervisor
from localrun.supervise.room import free_room
from localrun.workspace import active
from localrun.workspace.mlflow_store import has_runs
from localrun.workspace.place import remove_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from localrun.supervise.charge import Charge
    from localrun.supervise.hands import Hands
    from localrun.supervise.outcome import Outcome
    from localrun.workspace.input_hashes import InputHashing

CLOSE_WAITS_S = (0.1, 0.4, 0.5)
"""Between the attempts to store the last state of a record on a disk that is full."""


def fork_supervisor(charge: Charge) -> tuple[int, int]:
    """Fork the supervisor of a run and let go of what it owns.

    Signals that ask for the run's end are held from here on, until `localrun.supervise.front` can pass them on.

    Returns:
        The control pipe (its end ends the run, unless it is detached) and the wake pipe (a byte whenever a log has
        grown, its end when the record is closed).

    Raises:
        LocalrunError: the system does not start another process.
    """
    signals.hold_asks()
    try:
        control_reader, control = os.pipe()
        wake, wake_writer = os.pipe()
        os.set_blocking(wake_writer, False)
        pid = os.fork()
    except OSError as error:
        signals.let_asks_through()
        hint = "end other programs, or raise the limits that ulimit -a shows"
        message = f"the run cannot be started, the system refuses another process: {error.strerror}"
        raise LocalrunError(message, hint=hint, code="no_process") from error
    if pid == 0:
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
    record: dict[str, Any] = {}
    hands = charge.hands or LocalHands()
    try:
        os.setsid()
        _redirect(charge.identity.folder)
        spawn.close_inherited()
        _note_supervisor(charge)
        spawn.become_subreaper()
        supervisor = Supervisor(
            charge.processes, charge.bootstraps, _plan_course(charge, hands), wake, hands, **_plan_notes(charge)
        )
        supervisor.start()
        launched = time.time() - charge.identity.started_at
        _note_ranks(charge, supervisor.pids)
        hashing = _start_hashing(charge)

        def store_start() -> None:
            record.update(_describe_start(charge, supervisor.pids, launched))
            _store_start(charge, record)

        if charge.identity.detached:
            store_start()
            os.write(wake, b".")
        # who watches waits for the first line, not for the record: its first state is stored when the ranks are quiet
        later = None if charge.identity.detached else store_start
        outcome = supervisor.run(
            control,
            lambda node, code: _note_bootstrap(charge, node, code),
            later,
            lambda held: _store_held(charge, record or _describe_start(charge, supervisor.pids, launched), held),
        )
        from localrun.supervise.describe import describe_end

        record = record or _describe_start(charge, supervisor.pids, launched)
        record = describe_end(record, outcome, charge.identity.started_at + launched)
        record["inputs"] = hashing.finish() if hashing else {}
    except BaseException as error:  # noqa: BLE001 - whatever it is, the ranks must not outlive it
        record = _give_up(charge, hands, record, error)
    _fetch(hands, record)
    closed = _close(charge, record)
    os.close(wake)  # who watches need not wait for what follows
    ended = hands.close() and closed
    _drop_source(charge)
    if ended:
        active.release(charge.home, charge.identity.run_id, charge.entry)
    os._exit(0)  # an entry that was not released shows the next command that there is something to repair


def _start_hashing(charge: Charge) -> InputHashing | None:
    """Begin to hash what the run reads from elsewhere, while its ranks run; nothing when there is no such thing."""
    paths = {item.name: item.path for item in charge.plan.inputs}
    if os.path.isabs(charge.plan.bootstrap):
        paths["bootstrap script"] = charge.plan.bootstrap
    if not paths:
        return None
    from localrun.workspace.input_hashes import InputHashing

    hashing = InputHashing(paths)
    hashing.start()
    return hashing


def _plan_course(charge: Charge, hands: Hands) -> Course:
    plan = charge.plan
    silence = None
    if plan.rank_timeout_s:
        from localrun.supervise.silence import Silence

        silence = Silence(range(len(plan.ranks)), plan.rank_timeout_s, hands.measure)
    return Course(
        [rank.node for rank in plan.ranks],
        bootstrap=bool(plan.bootstrap),
        stop_timeout_s=plan.stop_timeout_s,
        timeout_s=plan.timeout_s,
        barrier_timeout_s=plan.barrier_timeout_s,
        on_failure=plan.on_failure,
        silence=silence,
    )


def _plan_notes(charge: Charge) -> dict[str, Any]:
    """Give who notes beside the logs when the ranks print, and what they use."""
    notes: dict[str, Any] = {}
    if charge.plan.timestamps or len(charge.processes) > 1:
        from localrun.supervise.times import Times

        notes["times"] = Times(charge.identity.folder)
    if charge.plan.sample_usage:
        from localrun.supervise.sampling import Sampler

        notes["sampler"] = Sampler(charge.identity.folder, charge.identity.run_id, charge.plan.ranks)
    return notes


def _redirect(folder: str) -> None:
    """Give this process an empty input and a log of its own for both outputs."""
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    try:
        log = os.open(os.path.join(folder, "localrun.log"), flags, 0o600)
    except OSError:
        log = null  # the disk is full
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)


def _note_supervisor(charge: Charge) -> None:
    me = processes.identify(os.getpid())
    active.note(charge.entry, [f"boot {processes.boot_id()}", f"supervisor {os.getpid()} {me.start if me else 0}"])


def _note_ranks(charge: Charge, pids: tuple[int, ...]) -> None:
    started = [processes.identify(pid) if pid else None for pid in pids]
    lines = [f"rank {rank} {found.pid} {found.start}" for rank, found in enumerate(started) if found]
    if not lines:
        return
    try:
        active.note(charge.entry, lines)
    except StoreFailed as error:  # what is left of the run is found by its environment variables too
        _log(error.message)


def _note_bootstrap(charge: Charge, node: int, code: int) -> None:
    """Write the marker of a node: it holds how the bootstrap script ended, not that it did."""
    path = os.path.join(charge.identity.folder, f"node-{node}", "bootstrap.json")
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(f'{{"run_id": "{charge.identity.run_id}", "node": {node}, "exit_code": {code}}}\n')
    except OSError as error:  # it is for people to read; the gate is what releases the ranks
        _log(f"{path} cannot be written: {error.strerror}")


def _describe_start(charge: Charge, pids: tuple[int, ...], launched_s: float) -> dict[str, Any]:
    from localrun.supervise.describe import describe_start

    record = describe_start(charge.plan, charge.artifact, charge.identity, pids)
    record["timings"]["launch"] = round(launched_s, 6)
    if charge.hands is not None:
        record.update(charge.hands.describe())
    return record


def _store_start(charge: Charge, record: dict[str, Any]) -> None:
    """Store the first state of the record; the ranks run already, so that a full disk is no reason to end them."""
    from localrun.workspace import records

    try:
        records.insert(charge.home, record, _log)
    except StoreFailed as error:
        _log(error.message)


def _store_held(charge: Charge, record: dict[str, Any], outcome: Outcome) -> None:
    """Store what is known of a run that is held: it still runs, and its first failure is known."""
    from localrun.supervise.describe import describe_end

    ended = describe_end(record, outcome, charge.identity.started_at + record["timings"]["launch"])
    names = ("status", "exit_code", "origin", "kind", "ended_at", "duration_s", "timings")
    _store_start(charge, ended | {name: record[name] for name in names} | {"held": True})


def _give_up(charge: Charge, hands: Hands, record: dict[str, Any], error: BaseException) -> dict[str, Any]:
    """End everything at once after an error of localrun's own, and say so in the record."""
    hands.abandon(LAST_WAIT_S)
    import traceback

    from localrun.supervise.describe import describe_start

    _log(_mask(charge, "".join(traceback.format_exception(error))))
    pids = (0,) * len(charge.processes)
    record = record or describe_start(charge.plan, charge.artifact, charge.identity, pids)
    kind = (
        error.code if isinstance(error, LocalrunError) else "no_process" if isinstance(error, OSError) else "internal"
    )
    from localrun.workspace.records import timestamp

    now = time.time()
    return record | {
        "status": "failed",
        "exit_code": 125,
        "origin": "localrun",
        "kind": kind,
        "ended_at": timestamp(now),
        "duration_s": round(now - charge.identity.started_at, 3),
        "ranks": [rank | {"status": "stopped"} for rank in record["ranks"]],
        "notes": [*record["notes"], _explain(error)],
    }


def _explain(error: BaseException) -> str:
    """Give the note of a record that an error ended: what is wrong, and what to do."""
    if not isinstance(error, LocalrunError):
        return f"localrun itself failed: {type(error).__name__}: {error}"
    return f"{error.message}; {error.hint}" if error.hint else error.message


def _fetch(hands: Hands, record: dict[str, Any]) -> None:
    """Bring home what the ranks wrote; a run without its outputs has not been completed."""
    try:
        record["notes"] = [*record["notes"], *hands.fetch()]
    except LocalrunError as error:
        record["notes"] = [*record["notes"], _explain(error)]
        if record["status"] == "completed":
            record.update(status="failed", exit_code=125, origin="localrun", kind=error.code)


def _close(charge: Charge, record: dict[str, Any]) -> bool:
    """Store the last state of the record; false when it cannot be stored."""
    from localrun.workspace import records

    if charge.plan.outputs_directory:
        record["notes"] += _hand_out(charge)
    record.update(_describe_logged(charge, record))
    if charge.processes and charge.processes[0].needles:
        from localrun.secrets.scan import note_secrets

        record["notes"] += note_secrets(charge.identity.folder, charge.processes[0].needles)
    free_room(charge.identity.folder)
    if charge.artifact.versions:
        record["versions"] = _keep_versions(charge)
    remove_place(charge.identity.folder)
    for wait_s in CLOSE_WAITS_S:
        try:
            records.update(charge.home, record, _log)
        except StoreFailed as error:
            _log(error.message)
            time.sleep(wait_s)
        else:
            return True
    ended = [str(record[key]) for key in ("status", "exit_code", "origin", "kind")]
    try:
        active.note(charge.entry, [" ".join(["ended", *ended])])  # its block is on the disk already
    except StoreFailed as error:
        _log(error.message)
    return False


def _describe_logged(charge: Charge, record: dict[str, Any]) -> dict[str, Any]:
    """Give what the script has logged, for the record."""
    folder = charge.identity.folder
    if not os.path.isdir(os.path.join(folder, "journal")) and not has_runs(folder):
        return {}
    from localrun.workspace.metrics import describe_logged

    try:
        logged = describe_logged(folder, charge.identity.run_id)
    except (OSError, ValueError, TypeError) as error:  # it is the script's, and no reason to lose the record
        _log(_mask(charge, f"what was logged cannot be read: {error}"))
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


def _keep_versions(charge: Charge) -> str:
    """Keep what the environment was made of with the record, which outlives it; give the path, empty without room."""
    kept = os.path.join(charge.identity.folder, "versions.json")
    lock = os.path.join(charge.home, "environments", f"{charge.plan.environment.name}.conda-lock.yml")
    try:
        _copy(charge.artifact.versions, kept)
        if os.path.exists(lock):
            _copy(lock, os.path.join(charge.identity.folder, "conda-lock.yml"))
    except OSError as error:
        _log(f"the versions cannot be kept: {error.strerror}")
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


def _drop_source(charge: Charge) -> None:
    """Free the room that the working directories take for what the store has too."""
    if charge.plan.source.in_place or (charge.plan.container and charge.plan.container.keep):
        return
    from localrun.workspace.working_copy import drop_unchanged

    drop_unchanged(charge.home, charge.identity.folder, charge.plan.nodes)


def _log(line: str) -> None:
    try:
        os.write(2, f"{line}\n".encode(errors="backslashreplace"))
    except OSError:
        return  # the disk is full
