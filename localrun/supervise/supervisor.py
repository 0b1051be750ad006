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
from localrun.workspace import active

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from localrun.supervise.charge import Charge
    from localrun.supervise.hands import Hands
    from localrun.supervise.outcome import Outcome
    from localrun.supervise.sampling import Sampler
    from localrun.supervise.times import Times
    from localrun.workspace.input_hashes import InputHashing
    from localrun.workspace.run_files import Record


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
    record: Record = {}
    hands = charge.hands or LocalHands()
    try:
        os.setsid()
        _redirect(charge.identity.folder)
        spawn.close_inherited()
        _note_supervisor(charge)
        spawn.become_subreaper()
        _carry(charge, hands, record, control, wake)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the ranks must not outlive it
        hands.abandon(LAST_WAIT_S)
        from localrun.supervise.closing import describe_error

        record = describe_error(charge, record, error, _log)
    from localrun.supervise.closing import close, drop_source

    closed = close(charge, hands, record, _log)
    os.close(wake)  # who watches need not wait for what follows
    ended = hands.close() and closed
    drop_source(charge)
    if ended:
        active.release(charge.home, charge.identity.run_id, charge.entry)
    os._exit(0)  # an entry that was not released shows the next command that there is something to repair


def _carry(charge: Charge, hands: Hands, record: Record, control: int, wake: int) -> None:
    """Start the ranks, carry the run to its end, and fill the record: with its start first, then with its end."""
    course, times, sampler = _plan_course(charge, hands), _open_times(charge), _open_sampler(charge)
    supervisor = Supervisor(charge.processes, charge.bootstraps, course, wake, hands, times=times, sampler=sampler)
    supervisor.start()
    launched = time.time() - charge.identity.started_at
    _note_ranks(charge, supervisor.pids)
    hashing = _start_hashing(charge)

    def begin_record() -> Record:
        if not record:
            record.update(_describe_start(charge, supervisor.pids, launched))
        return record

    def store_start() -> None:
        _store_start(charge, begin_record())

    if charge.identity.detached:
        store_start()
        os.write(wake, b".")
    outcome = supervisor.run(
        control,
        lambda node, code: _note_bootstrap(charge, node, code),
        # who watches waits for the first line, not for the record: its first state is stored when the ranks are quiet
        None if charge.identity.detached else store_start,
        lambda held: _store_held(charge, begin_record(), held),
    )
    from localrun.supervise.describe import describe_end

    record.update(describe_end(begin_record(), outcome, charge.identity.started_at + launched))
    record["inputs"] = hashing.finish() if hashing else {}


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


def _open_times(charge: Charge) -> Times | None:
    """Give where it is noted when the ranks print; None for a single rank whose times nobody asked for."""
    if not charge.plan.timestamps and len(charge.processes) == 1:
        return None
    from localrun.supervise.times import Times

    return Times(charge.identity.folder)


def _open_sampler(charge: Charge) -> Sampler | None:
    """Give who writes down what the ranks use; None when nobody asked for it."""
    if not charge.plan.sample_usage:
        return None
    from localrun.supervise.sampling import Sampler

    return Sampler(charge.identity.folder, charge.identity.run_id, charge.plan.ranks)


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


def _describe_start(charge: Charge, pids: tuple[int, ...], launched_s: float) -> Record:
    from localrun.supervise.describe import describe_start

    record = describe_start(charge.plan, charge.artifact, charge.identity, pids)
    record["timings"]["launch"] = round(launched_s, 6)
    if charge.hands is not None:
        record.update(charge.hands.describe())
    return record


def _store_start(charge: Charge, record: Record) -> None:
    """Store the first state of the record; the ranks run already, so that a full disk is no reason to end them."""
    from localrun.workspace import records

    try:
        records.insert(charge.home, record, _log)
    except StoreFailed as error:
        _log(error.message)


def _store_held(charge: Charge, record: Record, outcome: Outcome) -> None:
    """Store what is known of a run that is held: it still runs, and its first failure is known."""
    from localrun.supervise.describe import describe_end

    ended = describe_end(record, outcome, charge.identity.started_at + record["timings"]["launch"])
    names = ("status", "exit_code", "origin", "kind", "ended_at", "duration_s", "timings")
    _store_start(charge, ended | {name: record[name] for name in names} | {"held": True})


def _log(line: str) -> None:
    try:
        os.write(2, f"{line}\n".encode(errors="backslashreplace"))
    except OSError:
        return  # the disk is full
