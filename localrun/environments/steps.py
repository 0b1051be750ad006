"""The steps of making a conda environment that other programs do: link, lock, bytecode."""

from __future__ import annotations

import json
import os

from localrun.adapters.children import Child, ChildEnding, end_child, run_child, start_child
from localrun.adapters.condarc import find_channels, find_spec_channel, read_condarc
from localrun.adapters.installer import NO_ANSWER, child_argv
from localrun.environments.removal import remove_tree
from localrun.environments.settings import Progress, wants_hard_links
from localrun.errors import EnvironmentFailed, StoreFailed
from localrun.formats.lock_names import is_locked
from localrun.values import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from localrun.environments.making import Build

_ATTEMPTS = 2
_LOCK_S = 60
_BYTECODE_S = 3600
_LAST_LINES = 20


def link_conda_part(build: Build, on_solved: Callable[[], None]) -> dict[str, Any]:
    """Solve and link, in a child; once more in a fresh one when the child is ended by a signal.

    Args:
        build: The making.
        on_solved: Called once, when `solved.json` is there and linking begins.

    Returns:
        The child's answer; empty when there is nothing to link.

    Raises:
        EnvironmentFailed, StoreFailed: as the child says, or because it crashed or showed no sign of life.
    """
    request = describe_request(build)
    if not request["specs"]:
        os.makedirs(os.path.join(build.places.prefix, "conda-meta"))
        return {}
    last = {"text": ""}
    for _ in range(_ATTEMPTS):
        ending = _run_installer(build, request, last, on_solved)
        answer = read_answer(request["answer"])
        if answer is not None:
            raise_refusal(answer, build.lock)
            return answer
        if ending.stalled:
            seconds = build.settings.no_progress_s
            message = f"no sign of life for {seconds:g} s while {last['text']}"
            raise EnvironmentFailed(message, hint="try again later, or use another channel or mirror", code="channel")
        if ending.code == NO_ANSWER or _is_full(build.places.home):
            raise StoreFailed("the disk is full", code="store_full", detail=last_lines(build.places.log))
        if ending.code >= 0:
            break
        build.report(Progress(stage="clean", text=f"the installer was ended by signal {-ending.code}, trying again"))
        remove_tree(build.places.prefix)
    how = f"by signal {-ending.code}, twice" if ending.code < 0 else f"with exit code {ending.code}"
    message = f"the installer ended {how}, while {last['text'] or 'starting'}"
    raise EnvironmentFailed(
        message, hint=f"see {build.places.log}", code="installer_crashed", detail=last_lines(build.places.log)
    )


def describe_request(build: Build) -> dict[str, Any]:
    """Give the request for the installer child."""
    plan, places = build.plan, build.places
    settings = read_condarc(os.environ, os.path.expanduser("~"))
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
        "settings": settings,
        "solved": os.path.join(places.work, "solved.json"),
        "answer": os.path.join(places.work, "answer.json"),
        "lock": places.conda_lock,
        "fingerprint": plan.fingerprint,
        "locked": [] if is_locked(plan.conda) else build.lock.get("conda", []),
        "layer": build.layer,
        "as_of": plan.as_of,
        "solve_only": build.solve_only,
        "vendored": build.settings.vendored,
    }


def _run_installer(
    build: Build, request: dict[str, Any], last: dict[str, str], on_solved: Callable[[], None]
) -> ChildEnding:
    def take(line: str) -> None:
        told = json.loads(line)
        last["text"] = told["text"]
        build.report(Progress(**told))
        if told["stage"] == "link" and "solved" not in last:
            last["solved"] = ""
            on_solved()

    return run_child(
        Child(
            argv=child_argv(),
            environment=installer_variables(request["settings"]),
            directory=build.places.work,
            keep=build.keep,
        ),
        request=json.dumps(request).encode(),
        on_line=take,
        log=build.log,
        no_progress_s=build.settings.no_progress_s,
    )


def installer_variables(settings: dict[str, Any]) -> dict[str, str]:
    """Give the environment variables of the installer child, with the certificates that condarc names."""
    variables = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    named = settings.get("ssl_verify")
    bundles = [named if isinstance(named, str) else "", variables.get("REQUESTS_CA_BUNDLE", "")]
    bundles = [path for path in bundles if os.path.isfile(path)]
    if bundles:
        variables.setdefault("SSL_CERT_FILE", bundles[0])
    return variables


def read_answer(path: str) -> dict[str, Any] | None:
    """Give what the installer child answered; None when it did not."""
    try:
        with open(path, encoding="utf-8") as file:
            answer: dict[str, Any] = json.load(file)
    except (OSError, ValueError):
        return None
    return answer


def raise_refusal(answer: dict[str, Any], lock: dict[str, Any]) -> None:
    """Raise what the installer child refused.

    Args:
        answer: Its answer.
        lock: What an earlier making resolved to, which it was held to; empty for nothing.

    Raises:
        EnvironmentFailed, StoreFailed: it refused.
    """
    error = answer.get("error")
    if error and lock and error["code"] == "solve":
        message = "the versions that this environment was first made with cannot be had any more"
        hint = "localrun environment build --rebuild takes those that there are now"
        raise EnvironmentFailed(message, hint=hint, code="solve", detail=f"{error['message']}\n{error['detail']}")
    if error:
        kind = StoreFailed if error["code"].startswith("store_") else EnvironmentFailed
        raise kind(error["message"], hint=error["hint"], code=error["code"], detail=error["detail"])


def _is_full(home: str) -> bool:
    # A full disk cannot take the child's words either: neither its answer nor its log.
    return os.statvfs(home).f_bavail == 0


def last_lines(path: str) -> str:
    """Give the last lines of a log, fit for a message; empty when it cannot be read."""
    from localrun.adapters.rattler_errors import clean

    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return clean("".join(file.readlines()[-_LAST_LINES:]))
    except OSError:
        return ""


def write_conda_lock(build: Build) -> Callable[[], None]:
    """Begin to write what was solved as a conda-lock file, beside the other steps; what is from a lock is in one.

    Returns:
        What waits for its end. An environment without a lock file is usable, so a failure is only logged.
    """
    if is_locked(build.plan.conda):
        return _nothing
    with open(os.path.join(build.places.work, "solved.json"), "rb") as file:
        process = start_child(Child(argv=child_argv(), keep=build.keep), request=file, output=build.log)
    return lambda: end_child(process, within_s=_LOCK_S)


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


def _nothing() -> None:
    pass
