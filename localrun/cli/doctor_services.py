"""Checks of what runs ask: the Docker engine, proxies, certificates, channels, package index, clock."""

from __future__ import annotations

import os

from localrun.cli.doctor_findings import FAILED, OK, WARNING, Finding
from localrun.errors import LocalrunError
from localrun.resolve.credentials import hide_credentials

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from localrun.adapters.reach import Answer

INDEX = "https://pypi.org/simple/"
"""The package index where no setting names another one."""
TIMEOUT_S = 10.0
LARGEST_SKEW_S = 60.0
"""Servers of tokens refuse a clock that is further off by some minutes, TLS by more."""
REFUSED = (401, 403, 407)
LITTLE_DISK = 5 * 1024**3
"""An image with a framework takes some gigabytes."""
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
LOOPBACK = ("localhost", "127.0.0.1")


def check_engine(environ: Mapping[str, str]) -> list[Finding]:
    """Look for the Docker engine, its storage and its GPU runtime."""
    from localrun.adapters.engine import connect, find_endpoint

    hint = "runs of the local target need none; start docker for --target docker"
    try:
        endpoint = find_endpoint(environ, os.path.expanduser("~"))
        engine = connect(endpoint)
        version: dict[str, Any] = engine.ask("GET", "/version")
        facts: dict[str, Any] = engine.ask("GET", "/info")
    except LocalrunError as error:
        return [
            Finding(name="engine", status=WARNING, says=error.message, hint=error.hint or hint),
            *_list_contexts(environ),
        ]
    says = f"{version.get('Version')} at {endpoint.place}, {facts.get('Driver')}, {facts.get('OSType')}"
    found = [Finding(name="engine", status=OK, says=says), *_list_contexts(environ)]
    if "nvidia" in (facts.get("Runtimes") or {}):
        found.append(Finding(name="engine gpu", status=OK, says="the engine has NVIDIA's runtime: --gpus works"))
    found += judge_room(str(facts.get("DockerRootDir") or "")) if endpoint.place.startswith("unix:") else []
    warnings = [str(text) for text in facts.get("Warnings") or () if "No swap" not in text]
    return [*found, *(Finding(name="engine", status=WARNING, says=text, hint=LACKING) for text in warnings)]


LACKING = "limits of a run that need it have no effect there; docker info says more"


def judge_room(folder: str) -> list[Finding]:
    """Judge the disk that an engine keeps its images on; nothing when that is not to be seen from here."""
    from localrun.cli.disk import size_text

    try:
        facts = os.statvfs(folder)
    except OSError:
        return []
    free = facts.f_bavail * facts.f_frsize
    says = f"{size_text(free)} free in {folder}"
    if free < LITTLE_DISK:
        hint = "localrun prune --images removes layers without an image; docker system df says what else is there"
        return [Finding(name="engine disk", status=WARNING, says=says, hint=hint)]
    return [Finding(name="engine disk", status=OK, says=says)]


def _list_contexts(environ: Mapping[str, str]) -> list[Finding]:
    from localrun.adapters.engine_endpoints import list_contexts, read_settings

    folder = environ.get("DOCKER_CONFIG") or os.path.join(os.path.expanduser("~"), ".docker")
    try:
        names = list_contexts(folder)
        chosen = environ.get("DOCKER_CONTEXT") or read_settings(folder).get("currentContext") or "default"
    except LocalrunError as error:
        return [Finding(name="contexts", status=WARNING, says=error.message, hint=error.hint)]
    if environ.get("DOCKER_HOST"):
        chosen = "none: DOCKER_HOST is set"
    others = f"; there are {', '.join(names)}" if names else ""
    return [Finding(name="contexts", status=OK, says=f"used: {chosen}{others}")]


def check_proxies(environ: Mapping[str, str]) -> list[Finding]:
    """Look at the proxies of the environment."""
    known = {name: environ.get(name) or environ.get(name.lower()) or "" for name in PROXIES}
    shown = [f"{name}={hide_credentials(text)}" for name, text in known.items() if text]
    if not shown:
        return [Finding(name="proxies", status=OK, says="none")]
    left_out = known["NO_PROXY"]
    if left_out != "*" and not any(host in left_out for host in LOOPBACK):
        hint = "add localhost,127.0.0.1 to NO_PROXY: ranks of a run talk to one another on this machine"
        return [Finding(name="proxies", status=WARNING, says=" ".join(shown), hint=hint)]
    return [Finding(name="proxies", status=OK, says=" ".join(shown))]


def check_certificates(environ: Mapping[str, str]) -> list[Finding]:
    """Look whether the bundle of certificate authorities that the environment names is there."""
    from localrun.adapters.reach import find_bundle

    name, path = find_bundle(environ)
    if not name:
        return [Finding(name="certificates", status=OK, says="the system's")]
    if not os.path.isfile(path):
        hint = f"correct {name}, or unset it"
        return [Finding(name="certificates", status=FAILED, says=f"{name} names {path}, which is no file", hint=hint)]
    if not _holds_certificate(path):
        hint = f"{name} has to name a file of certificates in PEM form"
        return [Finding(name="certificates", status=FAILED, says=f"{path} holds no certificate", hint=hint)]
    return [Finding(name="certificates", status=OK, says=f"{path} ({name})")]


def _holds_certificate(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return b"-----BEGIN " in file.read(1 << 20)
    except OSError:
        return False


def check_channels(environ: Mapping[str, str]) -> list[Finding]:
    """Ask the conda channels of the user's settings."""
    from localrun.adapters.condarc import find_channels, read_condarc

    try:
        settings = read_condarc(environ, os.path.expanduser("~"))
        channels = find_channels((), settings, os.getcwd())
    except LocalrunError as error:
        return [Finding(name="channels", status=FAILED, says=error.message, hint=error.hint)]
    hint = "environments with conda packages need it; name another in ~/.condarc, or run --offline with what is cached"
    return [_ask("channel", f"{item.url.rstrip('/')}/noarch/repodata.json", environ, hint)[0] for item in channels]


def check_index(environ: Mapping[str, str]) -> list[Finding]:
    """Ask the package index of pip's and uv's settings, and compare the clocks."""
    from localrun.adapters.pip_settings import pip_as_uv

    known = {**pip_as_uv(environ), **environ}
    url = known.get("UV_DEFAULT_INDEX") or known.get("UV_INDEX_URL") or INDEX
    hint = "pip requirements need it; name another with PIP_INDEX_URL"
    finding, answer = _ask("package index", url, environ, hint)
    clock = [] if answer is None or answer.ahead_s is None else [judge_clock(answer.ahead_s)]
    return [finding, *clock]


def _ask(name: str, url: str, environ: Mapping[str, str], hint: str) -> tuple[Finding, Answer | None]:
    from localrun.adapters.reach import ask_server

    shown = hide_credentials(url)
    if url.startswith("file://"):
        path = url.removeprefix("file://")
        if not os.path.exists(path):
            return Finding(name=name, status=WARNING, says=f"{path} is not there", hint=hint), None
        return Finding(name=name, status=OK, says=path), None
    try:
        answer = ask_server(url, environ, TIMEOUT_S)
    except LocalrunError as error:
        return Finding(name=name, status=WARNING, says=f"{shown} cannot be reached: {error.message}", hint=hint), None
    if answer.status in REFUSED:
        says = f"{shown} wants credentials (HTTP {answer.status})"
        return Finding(name=name, status=WARNING, says=says, hint="give them in its settings or in ~/.netrc"), answer
    return Finding(name=name, status=OK, says=f"{shown} answers in {answer.seconds * 1000:.0f} ms"), answer


def judge_clock(ahead_s: float) -> Finding:
    """Judge how far the clock of this machine is ahead of a server's."""
    says = f"{abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} the package index"
    if abs(ahead_s) > LARGEST_SKEW_S:
        hint = "set the clock: times of records, tokens and certificates depend on it"
        return Finding(name="clock", status=WARNING, says=says, hint=hint)
    return Finding(name="clock", status=OK, says=says)


CHECKS: list[Callable[[Mapping[str, str]], list[Finding]]] = [check_engine, check_proxies, check_certificates]
REMOTE_CHECKS: list[Callable[[Mapping[str, str]], list[Finding]]] = [check_channels, check_index]
