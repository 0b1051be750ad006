"""A Dockerfile, built by the engine's own builder."""

from __future__ import annotations

import re

from localrun.adapters.docker_errors import HINTS, read_reason
from localrun.adapters.docker_registry import StreamFailed, read_events
from localrun.adapters.engine_errors import EngineRefused
from localrun.adapters.engine_json import write_json
from localrun.errors import BadInput, EnvironmentFailed
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from localrun.adapters.docker_credentials import Credentials
    from localrun.adapters.engine import Engine

SILENCE_S = 3600
"""A step may say nothing for so long."""
LAST_LINES = 20
_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)")
_BUILT = re.compile(r"Successfully built ([0-9a-f]+)")


@value
class DockerfileBuild:
    """What to build, and how.

    Attributes:
        dockerfile: Its path in the context.
        labels: For the image.
        platform: Such as `linux/amd64`; empty for the engine's own.
        arguments: Build arguments: those of proxies, which leave no trace in the image (Dockerfile reference,
            "Predefined ARGs").
        host_network: Steps see the network of the engine's machine.
        accounts: Who we are to each registry.
        fresh: Do every step anew.
        keep: The container of a failing step stays.
    """

    dockerfile: str
    labels: dict[str, str]
    platform: str = ""
    arguments: dict[str, str]
    host_network: bool = False
    accounts: dict[str, Credentials]
    fresh: bool = False
    keep: bool = False


def build_dockerfile(
    engine: Engine, context: Iterable[bytes], build: DockerfileBuild, on_line: Callable[[str], None]
) -> str:
    """Build a Dockerfile and give the id of the image, which has no name yet.

    Args:
        engine: The engine.
        context: A tar archive of the build context, the Dockerfile in it.
        build: What to build.
        on_line: Told each line of the log.

    Raises:
        BadInput: the Dockerfile cannot be read.
        EnvironmentFailed: a step failed; `detail` has its last lines.
        EngineLost: the engine has gone.
    """
    query: dict[str, str | int | bool] = {
        "dockerfile": build.dockerfile,
        "labels": write_json(build.labels).decode(),
        "buildargs": write_json(build.arguments).decode(),
        "nocache": build.fresh,
        "rm": True,
        "forcerm": not build.keep,
        "version": "1",
    }
    query |= {"platform": build.platform} if build.platform else {}
    query |= {"networkmode": "host"} if build.host_network else {}
    log = _Log(on_line)
    headers = {"Content-Type": "application/x-tar", "X-Registry-Config": _encode(build.accounts)}
    pieces = engine.stream(
        "POST", "/build", query=query, upload=context, headers=headers, timeout_s=SILENCE_S, silence_s=SILENCE_S
    )
    try:
        for event in read_events(pieces):
            log.take(str(event.get("stream") or event.get("status") or ""))
            aux = event.get("aux")
            log.image = str(aux["ID"]) if isinstance(aux, dict) and aux.get("ID") else log.image
    except EngineRefused as error:
        raise _explain(error.reason, log) from None
    except StreamFailed as error:
        raise _explain(error.reason, log) from None
    finally:
        pieces.close()
    if not log.image:
        raise EnvironmentFailed("the engine built the Dockerfile and told no image", detail="\n".join(log.lines))
    return log.image


class _Log:
    """The log of a build, line by line.

    Attributes:
        lines: Of the present step.
        step: Its number, how many there are, and its instruction.
        image: The id of what was built.
        container: Where the present step is done.
    """

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = ""
        self.lines: list[str] = []
        self.step = ("", "", "")
        self.image = ""
        self.container = ""

    def take(self, text: str) -> None:
        *lines, self._rest = (self._rest + text.replace("\r", "\n")).split("\n")
        for line in lines:
            self._take_line(line)

    def _take_line(self, line: str) -> None:
        if not line.strip():
            return
        self._on_line(line)
        if found := _STEP.fullmatch(line.strip()):
            self.lines = []
            self.step = (found[1], found[2], found[3])
            self.container = ""
        elif found := re.match(r" ---> Running in ([0-9a-f]+)", line):
            self.container = found[1]
        elif found := _BUILT.match(line):
            self.image = self.image or found[1]
        elif not line.startswith((" --->", "Removing intermediate container")):
            self.lines.append(line)


def _explain(reason: str, log: _Log) -> BadInput | EnvironmentFailed:
    reason = reason.strip()
    if "parse error" in reason or "unknown instruction" in reason.lower() or "failed to process" in reason:
        found = re.search(r"line (\d+): (.*)", reason, re.DOTALL)
        text = found[2] if found else reason
        return BadInput(text, file="Dockerfile", line=int(found[1]) if found else 0, hint="correct that line")
    number, count, instruction = log.step
    where = f"step {number}/{count} of the Dockerfile failed: {instruction}" if number else "the Dockerfile failed"
    detail = "\n".join(log.lines[-LAST_LINES:])
    code = read_reason(reason)
    if "returned a non-zero code" in reason:
        ended = reason.rpartition(":")[2].strip()
        hint = "its last lines are below; try the step in a container of its base image: docker run -it IMAGE sh"
        return EnvironmentFailed(f"{where} (exit code {ended})", hint=hint, detail=detail, code="build_failed")
    if code == "store_full":
        return EnvironmentFailed(f"{where}: {reason}", hint=HINTS[code], detail=detail, code=code)
    if instruction.upper().startswith("FROM") and code in HINTS:
        return EnvironmentFailed(f"{where}: {reason}", hint=HINTS[code], detail=detail, code=code)
    hint = "see the files that it names: paths start from the build context, and .dockerignore leaves some out"
    return EnvironmentFailed(f"{where}: {reason}", hint=hint, detail=detail, code="build_failed")


def _encode(accounts: Mapping[str, Credentials]) -> str:
    """Give the value of `X-Registry-Config` (Engine API reference, "Build an image")."""
    import base64
    import json

    entries = {
        address: {"identitytoken": known.identity_token}
        if known.identity_token
        else {"username": known.username, "password": known.password}
        for address, known in accounts.items()
        if known.account
    }
    return base64.urlsafe_b64encode(json.dumps(entries).encode()).decode()
