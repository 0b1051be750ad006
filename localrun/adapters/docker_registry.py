"""Images fetched from registries, sent there, and looked up there, by the engine.

The engine talks to the registry; what it is told goes through `engine`, so that every kind of endpoint, every time
limit and every broken connection is treated in one way. Credentials are a header of one request.
"""

from __future__ import annotations

import contextlib
import time

from localrun.adapters.docker_credentials import NOBODY, Credentials, make_header
from localrun.adapters.docker_errors import HINTS, ImageFailed, read_reason, refuse_image
from localrun.adapters.docker_names import split_name
from localrun.adapters.engine_errors import EngineRefused
from localrun.adapters.engine_http import quote
from localrun.adapters.engine_json import read_json
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from localrun.adapters.answers import Tell
    from localrun.adapters.engine import Engine

PUSH_DELAYS_S = (1.0, 3.0, 9.0)
"""A push that a registry's failure ended is begun again after these times; layers that arrived are not sent again."""
PUSH_PATIENCE_S = 120
"""No push is begun again so long after the first one began."""
SILENCE_S = 300
"""An engine that tells nothing of a transfer for so long is lost."""
LOOK_UP_S = 30
"""A registry has so long to answer what it holds."""
TELL_EVERY_S = 0.1
_PASSING = {"registry_unreachable", "registry_limit"}


@value
class RemoteImage:
    """What a registry holds under a name.

    Attributes:
        digest: `sha256:…`, of the manifest.
        platforms: Such as `linux/amd64`.
    """

    digest: str
    platforms: tuple[str, ...] = ()


def look_up(engine: Engine, reference: str, *, credentials: Credentials = NOBODY) -> RemoteImage | None:
    """Ask a registry for what it holds under a name, without fetching it.

    Returns:
        None when it holds no such image, as far as this account may know.

    Raises:
        ImageFailed: the registry cannot be asked, or wants to know who asks.
        BadInput: the reference is none.
    """
    name = split_name(reference)
    headers = {"X-Registry-Auth": make_header(credentials, name.registry)}
    try:
        found = engine.ask("GET", f"/distribution/{quote(name.text, '/:@')}/json", headers=headers, timeout_s=LOOK_UP_S)
    except EngineRefused as error:
        if read_reason(error.reason) == "image_not_found":
            return None
        raise _refuse(
            f"{name.registry} cannot be asked for {reference}", error.reason, name.registry, credentials
        ) from None
    places = [item for item in found.get("Platforms") or () if isinstance(item, dict)]
    return RemoteImage(
        digest=str(found["Descriptor"]["digest"]),
        platforms=tuple(f"{item.get('os', '')}/{item.get('architecture', '')}" for item in places),
    )


def pull_image(
    engine: Engine, reference: str, *, platform: str = "", credentials: Credentials = NOBODY, report: Tell | None = None
) -> None:
    """Fetch an image into the engine.

    Args:
        engine: The engine.
        reference: Its name; no tag means `latest`.
        platform: Such as `linux/arm64`; empty for the engine's own.
        credentials: Who we are to the registry.
        report: Told how it goes on: stage `pull`, with bytes.

    Raises:
        ImageFailed: it cannot be had; `code` says why.
        EngineLost: the engine has gone.
        BadInput: the reference is none.
    """
    name = split_name(reference)
    query = {"fromImage": name.place, "tag": name.digest or name.tag}
    if platform:
        query["platform"] = platform
    headers = {"X-Registry-Auth": make_header(credentials, name.registry)}
    progress = LayerProgress("pull", f"pulling {name.text}", report)
    try:
        for event in _transfer(engine, "/images/create", query, headers):
            progress.take(event)
    except (EngineRefused, StreamFailed) as error:
        raise _refuse(f"{reference} cannot be pulled", error.reason, name.registry, credentials) from None
    if platform:
        _refuse_other_platform(engine, name.place + (f"@{name.digest}" if name.digest else f":{name.tag}"), platform)


def _refuse_other_platform(engine: Engine, reference: str, platform: str) -> None:
    """Refuse an image for another platform: an engine takes the only one that a name has, whatever was asked for.

    Raises:
        ImageFailed: it is for another.
    """
    found = engine.ask("GET", f"/images/{quote(reference, '/:@')}/json")
    theirs = f"{found.get('Os', '')}/{found.get('Architecture', '')}"
    if "/".join(platform.split("/")[:2]) != theirs:
        message = f"{reference} is an image for {theirs}, not for {platform}"
        raise ImageFailed(message, hint=HINTS["image_platform"], code="image_platform")


def _transfer(engine: Engine, path: str, query: dict[str, str], headers: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Have an engine fetch or send an image, and give what it tells.

    Raises:
        EngineRefused: it does not begin.
        StreamFailed: it failed in the middle.
    """
    pieces = engine.stream("POST", path, query=query, headers=headers, timeout_s=SILENCE_S, silence_s=SILENCE_S)
    with contextlib.closing(pieces):
        yield from read_events(pieces)


def push_image(
    engine: Engine,
    reference: str,
    *,
    credentials: Credentials = NOBODY,
    report: Tell | None = None,
    delays_s: tuple[float, ...] = PUSH_DELAYS_S,
) -> str:
    """Send an image to the registry that its name begins with.

    A registry that cannot be reached, or goes away meanwhile, is tried again. The image stays in the engine.

    Args:
        engine: The engine.
        reference: Its name there, which it has here as well.
        credentials: Who we are to the registry.
        report: Told how it goes on: stage `push`, with bytes.
        delays_s: How long to wait before each further try.

    Returns:
        The digest that the registry knows it by.

    Raises:
        ImageFailed: it did not get there; `code` says why.
        EngineLost: the engine has gone.
        BadInput: the reference is none.
    """
    name = split_name(reference)
    began = time.monotonic()
    for delay_s in (*delays_s, None):
        try:
            return _push_once(engine, reference, credentials, report)
        except (EngineRefused, StreamFailed) as error:
            what = f"{reference} could not be pushed; it is still in the engine"
            failed = _refuse(what, error.reason, name.registry, credentials)
            if delay_s is None or failed.code not in _PASSING or time.monotonic() - began > PUSH_PATIENCE_S:
                raise failed from None
            if report:
                report("push", f"{name.registry} does not answer; trying again in {delay_s:g} s")
            time.sleep(delay_s)
    raise AssertionError("the last try returns or raises")


def _push_once(engine: Engine, reference: str, credentials: Credentials, report: Tell | None) -> str:
    name = split_name(reference)
    headers = {"X-Registry-Auth": make_header(credentials, name.registry)}
    progress = LayerProgress("push", f"pushing {name.text}", report)
    path = f"/images/{quote(name.place, '/:')}/push"
    digest = ""
    for event in _transfer(engine, path, {"tag": name.tag}, headers):
        progress.take(event)
        aux = event.get("aux")
        digest = str(aux.get("Digest") or digest) if isinstance(aux, dict) else digest
    if not digest:
        raise StreamFailed("the engine told no digest at the end: unexpected EOF")
    return digest


def _refuse(what: str, reason: str, registry: str, credentials: Credentials) -> ImageFailed:
    return refuse_image(what, reason, registry=registry, given=credentials.account, trouble=credentials.trouble)


class StreamFailed(Exception):
    """An engine told in mid-stream that it failed.

    Attributes:
        reason: In its words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_events(pieces: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Give the JSON objects that an engine tells one a line while it pulls, pushes or builds.

    Raises:
        StreamFailed: one of them says that it failed; or a line is no such object.
    """
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from filter(None, map(_read_event, lines))
    if found := _read_event(rest):
        yield found


def _read_event(line: bytes) -> dict[str, Any] | None:
    if not line.strip():
        return None
    try:
        event = read_json(line)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise StreamFailed(f"the engine told what is no event: {line[:200].decode(errors='replace')}")
    detail = event.get("errorDetail")
    if reason := (detail.get("message") if isinstance(detail, dict) else None) or event.get("error"):
        raise StreamFailed(str(reason))
    return event


class LayerProgress:
    """Adds up the bytes of all layers, and tells them a few times a second."""

    def __init__(self, stage: str, text: str, report: Tell | None) -> None:
        self._stage = stage
        self._text = text
        self._report = report
        self._layers: dict[str, tuple[int, int]] = {}
        self._told_at = 0.0

    def take(self, event: dict[str, Any]) -> None:
        """Take note of what an engine tells."""
        detail = event.get("progressDetail")
        layer = str(event.get("id") or "")
        if event.get("status") in {"Downloading", "Pushing"} and isinstance(detail, dict) and layer:
            total = int(detail.get("total") or 0)
            done = int(detail.get("current") or 0)
            self._layers[layer] = (min(done, total) if total else done, total or done)
        if self._report and time.monotonic() - self._told_at >= TELL_EVERY_S:
            self._told_at = time.monotonic()
            done, total = (sum(column) for column in zip((0, 0), *self._layers.values(), strict=True))
            self._report(self._stage, self._text, done, total, "bytes")
