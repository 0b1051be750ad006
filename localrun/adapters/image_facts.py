"""What resolve has to know about an engine and its images, probed once, and only for the docker target."""

from __future__ import annotations

import os

from localrun.adapters.build_context import hash_context, list_context
from localrun.adapters.containers import find_image
from localrun.adapters.engine import connect, find_endpoint
from localrun.resolve.image import list_bases_of
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from localrun.adapters.engine import Engine
    from localrun.adapters.files import Reading
    from localrun.resolve.facts import HostFacts
    from localrun.spec import EnvironmentSpec, RunSpec

CHANGES_UNSEEN = (0, 0, 0)
"""Of a folder whose content counts: evidence that never holds, so that it is looked through every time."""


def open_engine(environ: Mapping[str, str]) -> Engine:
    """Connect to the engine that the docker command line would use.

    Raises:
        EngineUnavailable: none answers.
    """
    return connect(find_endpoint(environ, environ.get("HOME") or os.path.expanduser("~")))


class EngineFacts:
    """What is asked of one engine for many run configurations, each question once."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._platform = ""
        self._ids: dict[str, str] = {}

    def get_platform(self) -> str:
        """Give the engine's platform, such as `linux/amd64`."""
        self._platform = self._platform or ask_platform(self.engine)
        return self._platform

    def get_id(self, name: str) -> str:
        """Give the id of the image that a name stands for; empty when the engine has none."""
        if name not in self._ids:
            found = find_image(self.engine, name)
            self._ids[name] = found.id if found else ""
        return self._ids[name]


def probe_images(
    spec: RunSpec, facts: HostFacts, environ: Mapping[str, str], reading: Reading, known: EngineFacts | None = None
) -> HostFacts:
    """Give the facts of the host with those of the engine: its platform, the base images, the build context.

    Args:
        spec: The run configuration.
        facts: The facts of the host.
        environ: The caller's environment variables; they say which engine.
        reading: Takes note of what is looked at.
        known: An engine that has been asked before; None for the one that `environ` names.

    Raises:
        EngineUnavailable: no engine answers.
        BadInput: the build context cannot be read.
    """
    asked = spec.environment
    if asked is None:
        return facts
    engine = known or EngineFacts(open_engine(environ))
    try:
        return replace(
            facts,
            engine_platform=engine.get_platform(),
            images=tuple((name, engine.get_id(name)) for name in list_bases_of(asked)),
            contexts=_hash_context(asked, reading),
            paths=facts.paths + (() if engine.engine.endpoint.remote else _look_at_mounts(spec, reading)),
        )
    finally:
        if known is None:
            engine.engine.close()


def _look_at_mounts(spec: RunSpec, reading: Reading) -> tuple[tuple[str, str], ...]:
    from localrun.resolve.container import list_mounted

    return tuple((path, reading.look(path)) for path in list_mounted(spec))


def ask_platform(engine: Engine) -> str:
    """Give the platform of an engine, such as `linux/amd64`."""
    found = engine.ask("GET", "/version")
    return f"{found.get('Os', 'linux')}/{found.get('Arch', 'amd64')}"


def _hash_context(asked: EnvironmentSpec, reading: Reading) -> tuple[tuple[str, str], ...]:
    build = asked.build
    if build is None or not build.context or not build.dockerfile:
        return ()
    reading.evidence[build.context] = CHANGES_UNSEEN
    return ((build.context, hash_context(list_context(build.context, build.dockerfile_path))),)
