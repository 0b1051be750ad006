"""The steps of making a conda environment that other programs do: link, lock, bytecode."""

from __future__ import annotations

import json
import os

from localrun.adapters.children import Child, end_child, start_child
from localrun.adapters.condarc import find_channels, find_spec_channel, read_condarc
from localrun.adapters.installer import NO_ANSWER
from localrun.environments.commit import replace_file
from localrun.environments.installing import last_lines, raise_refusal, run_installer
from localrun.environments.removal import remove_tree
from localrun.environments.settings import Progress, wants_hard_links
from localrun.errors import BadInput, EnvironmentFailed, StoreFailed
from localrun.formats.lock_names import is_locked
from localrun.values import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from localrun.adapters.children import ChildEnding
    from localrun.environments.installing import Answer
    from localrun.environments.making import Build

_ATTEMPTS = 2
_BYTECODE_S = 3600


def _nothing() -> None:
    pass


def link_conda_part(build: Build, on_solved: Callable[[], None] = _nothing) -> Answer:
    """Solve and link, in a child; once more in a fresh one when the child is ended by a signal.

    Args:
        build: The making.
        on_solved: Called once, when `solved.json` is there and linking begins.

    Returns:
        The child's answer; empty when there is nothing to link.

    Raises:
        EnvironmentFailed, StoreFailed: as the child says, or because it crashed or showed no sign of life.
    """
    settings = read_condarc(os.environ, os.path.expanduser("~"))
    request = _describe_request(build, settings)
    if not request["specs"]:
        os.makedirs(os.path.join(build.places.prefix, "conda-meta"))
        return {}
    last = {"text": ""}

    def take(progress: Progress) -> None:
        last["text"] = progress.text
        build.report(progress)
        if progress.stage == "link" and "solved" not in last:
            last["solved"] = ""
            on_solved()

    for _ in range(_ATTEMPTS):
        ending, answer = run_installer(
            request,
            settings,
            take,
            folder=build.places.work,
            log=build.log,
            no_progress_s=build.settings.no_progress_s,
            keep=build.keep,
        )
        if answer is not None:
            raise_refusal(answer, build.lock)
            return answer
        _refuse_unanswered(build, ending, last["text"])
        build.report(Progress(stage="clean", text=f"the installer was ended by signal {-ending.code}, trying again"))
        remove_tree(build.places.prefix)
    raise _crashed(build, f"by signal {-ending.code}, twice", last["text"])


def _refuse_unanswered(build: Build, ending: ChildEnding, doing: str) -> None:
    """Raise why there is no answer, unless a signal has ended the child, which may do better once more."""
    if ending.stalled:
        message = f"no sign of life for {build.settings.no_progress_s:g} s while {doing}"
        raise EnvironmentFailed(message, hint="try again later, or use another channel or mirror", code="channel")
    if ending.code == NO_ANSWER or _is_full(build.places.home):
        raise StoreFailed("the disk is full", code="store_full", detail=last_lines(build.places.log))
    if ending.code >= 0:
        raise _crashed(build, f"with exit code {ending.code}", doing)


def _crashed(build: Build, how: str, doing: str) -> EnvironmentFailed:
    message = f"the installer ended {how}, while {doing or 'starting'}"
    log = build.places.log
    return EnvironmentFailed(message, hint=f"see {log}", code="installer_crashed", detail=last_lines(log))


def _describe_request(build: Build, settings: Mapping[str, object]) -> dict[str, object]:
    """Give the request for the installer child."""
    plan, places = build.plan, build.places
    channels = find_channels(plan.channels, settings, plan.directory)
    return {
        "task": "conda",
        "home": places.home,
        "prefix": places.prefix,
        "platform": plan.platform,
        "channels": [fields(channel) for channel in channels],
        "specs": [find_spec_channel(spec, settings, plan.directory) for spec in plan.conda],
        "offline": build.settings.offline or settings.get("offline") is True,
        "hard_links": wants_hard_links(build.settings, os.environ),
        "solved": os.path.join(places.work, "solved.json"),
        "locked": [] if is_locked(plan.conda) else build.lock.get("conda", []),
        "layer": build.layer,
        "as_of": plan.as_of,
        "solve_only": build.solve_only,
        "vendored": build.settings.vendored,
    }


def _is_full(home: str) -> bool:
    # A full disk cannot take the child's words either: neither its answer nor its log.
    return os.statvfs(home).f_bavail == 0


def write_conda_lock(build: Build) -> None:
    """Write what was solved as a lock file; what is from a lock is in one.

    An environment without a lock file is usable, so a failure is only logged.
    """
    solved = os.path.join(build.places.work, "solved.json")
    if is_locked(build.plan.conda) or not os.path.exists(solved):
        return
    from localrun.formats.lock_text import describe_locks

    try:
        with open(solved, encoding="utf-8") as file:
            found = json.load(file)
        part = {"platform": build.plan.platform, "fingerprint": build.plan.fingerprint, "records": found["records"]}
        if text := describe_locks([part], found["channels"]):
            replace_file(build.places.conda_lock, text.encode())
    except (OSError, BadInput) as error:
        os.write(build.log, f"no lock file: {error}\n".encode(errors="backslashreplace"))


def start_bytecode(build: Build, python: str, units: Sequence[tuple[Any, ...]]) -> Callable[[], None]:
    """Begin to byte-compile every package that has no bytecode, so that no run ever writes into the prefix.

    Returns:
        What waits for its end. Bytecode is a matter of speed: what cannot be compiled is left out.
    """
    from localrun.adapters import compile_bytecode as script

    if not python or not units:
        return _nothing
    count = sum(len(unit[2]) for unit in units)
    build.report(Progress(stage="bytecode", text=f"compiling {count} files"))
    request = {
        "cache": os.path.join(build.places.home, "cache", "bytecode"),
        "units": units,
        "processes": os.cpu_count() or 1,
        "share": wants_hard_links(build.settings, os.environ),
    }
    path = os.path.join(build.places.work, "bytecode.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps(request))  # `dump` would do it in Python, piece by piece
    child = Child(
        argv=(python, "-I", "-S", "-B", script.__file__), environment={}, directory=build.places.work, keep=build.keep
    )
    with open(path, "rb") as stream:
        process = start_child(child, request=stream, output=build.log)
    return lambda: end_child(process, within_s=_BYTECODE_S)
