"""Containers and networks of runs, on an engine: made, started, looked at, removed. Thin; on the warm path of a run."""

from __future__ import annotations

import time

from localrun.adapters.engine_connections import open_connection
from localrun.adapters.engine_errors import CLASH, GONE, EngineLost, EngineRefused
from localrun.adapters.engine_http import Body, ProtocolBroken, make_head, make_target, split_head
from localrun.adapters.engine_json import read_json, write_json
from localrun.adapters.engine_stream import PIECE
from localrun.errors import LocalrunError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from localrun.adapters.engine import Engine
    from localrun.adapters.engine_http import Head

RUN_LABEL, NODE_LABEL, OWNER_LABEL = "localrun.run", "localrun.node", "localrun.owner"
"""On every container and network of a run: its id, the node's index, and the workspace that it belongs to."""
REMOVING_S = 10
"""So long is the removal of a container awaited that somebody else has asked for."""


class Pending:
    """A request that has been sent, on a connection of its own; the answer is taken when its descriptor can be read."""

    def __init__(
        self,
        engine: Engine,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | bool] | None = None,
        body: Any = None,
    ) -> None:
        """Send the request.

        Args:
            engine: Where to; what is known of it (the version that it speaks) is used.
            method: Such as POST.
            path: Behind the version.
            query: Names and values.
            body: What to send as JSON; None for nothing.

        Raises:
            EngineUnavailable: it cannot be reached.
            EngineLost: it hung up.
        """
        self._engine = engine
        self._request = (method, path, query, body)
        self._head: Head | None = None
        self._body: Body | None = None
        self._data = b""
        data = b"" if body is None else write_json(body)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(data)), "Connection": "close"}
        target = make_target(path, query or {})
        self._connection = open_connection(engine.endpoint, 10)
        try:
            self._connection.sendall(make_head(method, f"/v{engine.version}{target}", "docker", headers) + data)
        except OSError as error:
            self.close()
            raise self._lose(error) from None

    def fileno(self) -> int:
        """Give the descriptor that can be read when the answer comes in."""
        return self._connection.fileno()

    def is_complete(self) -> bool:
        """Tell, without waiting, whether `take` would not wait either: the whole answer is here, or none will come."""
        try:
            self._connection.settimeout(0)
            while not self._ended:
                self._receive()
        except BlockingIOError:
            return False
        except (OSError, ProtocolBroken):
            return True  # `take` meets the same
        return True

    def take(self, timeout_s: float = 60) -> Any:
        """Wait for the answer and give its decoded JSON; None for an empty one.

        Raises:
            EngineRefused: the engine answered with an error.
            EngineLost: it has gone, or did not answer in time.
        """
        method, path, query, body = self._request
        deadline = time.monotonic() + timeout_s
        try:
            while not self._ended:
                self._connection.settimeout(max(deadline - time.monotonic(), 0.001))
                self._receive()
        except (OSError, ProtocolBroken) as error:
            raise self._lose(error) from None
        finally:
            self.close()
        head, found = self._head, _decode(self._data)
        assert head is not None  # noqa: S101 - an answer that has ended had a head
        if not head.refuses:
            return found
        reason = str(found.get("message") if isinstance(found, dict) else found or f"status {head.status}").strip()
        if "API version" in reason:  # the engine wants another one: find out which, and ask again
            return self._engine.ask(method, path, query=query, body=body, timeout_s=timeout_s)
        raise EngineRefused(f"the Docker engine refused {method} {path}: {reason}", status=head.status, reason=reason)

    @property
    def _ended(self) -> bool:
        return self._body is not None and self._body.ended

    def _receive(self) -> None:
        """Take in the next bytes of the answer."""
        piece = self._connection.recv(PIECE)
        if self._body is not None:
            if piece:
                self._data += self._body.feed(piece)
            else:
                self._body.end()
            return
        if not piece:
            raise ProtocolBroken("the connection ended without an answer")
        self._data += piece
        if found := split_head(self._data):
            self._head, rest = found
            self._body = Body(self._head, method=self._request[0])
            self._data = self._body.feed(rest)

    def settle(self, timeout_s: float = 60) -> None:
        """Wait until the engine has answered, whatever it says."""
        from contextlib import suppress

        with suppress(LocalrunError, OSError):
            self.take(timeout_s)

    def close(self) -> None:
        """Give up on the answer."""
        self._connection.close()

    def _lose(self, error: Exception) -> EngineLost:
        reason = getattr(error, "strerror", None) or str(error) or "no answer in time"
        message = f"the connection to the Docker engine at {self._engine.endpoint.place} is lost: {reason}"
        return EngineLost(message, hint="see whether it still runs: docker info")


def _decode(data: bytes) -> Any:
    if not data.strip():
        return None
    try:
        return read_json(data)
    except ValueError:
        return data.decode(errors="replace")


def begin_create(engine: Engine, name: str, request: Mapping[str, Any]) -> Pending:
    """Ask for a container; its `Id` stands in the answer. A name that is taken is refused with status 409."""
    return Pending(engine, "POST", "/containers/create", query={"name": name}, body=request)


def begin_start(engine: Engine, container: str) -> Pending:
    """Ask for a container's start; the answer comes when its process runs, or cannot."""
    return Pending(engine, "POST", f"/containers/{container}/start")


def begin_wait(engine: Engine, container: str) -> Pending:
    """Ask for the next end of a container; the answer, with `StatusCode`, comes then."""
    return Pending(engine, "POST", f"/containers/{container}/wait", query={"condition": "next-exit"})


def begin_remove(engine: Engine, container: str) -> Pending:
    """Ask for a container's end and removal; what it declared as volumes goes with it."""
    return Pending(engine, "DELETE", f"/containers/{container}", query={"force": True, "v": True})


def begin_inspect_image(engine: Engine, image: str) -> Pending:
    """Ask what the engine knows of an image."""
    return Pending(engine, "GET", f"/images/{image}/json")


def inspect_container(engine: Engine, container: str, *, timeout_s: float = 10) -> dict[str, Any] | None:
    """Give what the engine knows of a container; None when there is none.

    Raises:
        LocalrunError: the engine does not answer, or with another error.
    """
    return _ask_or_none(engine, f"/containers/{container}/json", timeout_s)


def inspect_image(engine: Engine, image: str, *, timeout_s: float = 10) -> dict[str, Any] | None:
    """Give what the engine knows of an image; None when there is none.

    Raises:
        LocalrunError: the engine does not answer, or with another error.
    """
    return _ask_or_none(engine, f"/images/{image}/json", timeout_s)


def _ask_or_none(engine: Engine, path: str, timeout_s: float) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = engine.ask("GET", path, timeout_s=timeout_s)
    except EngineRefused as error:
        if error.status == GONE:
            return None
        raise
    return found


def create_network(engine: Engine, name: str, labels: Mapping[str, str]) -> str:
    """Make a bridge network and give its id.

    Raises:
        EngineRefused: the engine has no addresses left for one, or the name is taken.
        LocalrunError: the engine does not answer.
    """
    body = {"Name": name, "CheckDuplicate": True, "Driver": "bridge", "Labels": dict(labels)}
    return str(engine.ask("POST", "/networks/create", body=body)["Id"])


def remove_network(engine: Engine, network: str) -> None:
    """Remove a network; one that is gone is passed over.

    Raises:
        LocalrunError: containers still use it, or the engine does not answer.
    """
    _remove(engine, f"/networks/{network}")


def _remove(engine: Engine, path: str) -> None:
    try:
        engine.ask("DELETE", path)
    except EngineRefused as error:
        if error.status != GONE:
            raise


def remove_container(engine: Engine, container: str) -> None:
    """End and remove a container; one that is gone is passed over, one that is being removed is waited for.

    Raises:
        LocalrunError: the engine does not answer, or cannot.
    """
    try:
        engine.ask("DELETE", f"/containers/{container}", query={"force": True, "v": True})
    except EngineRefused as error:
        if error.status not in {GONE, CLASH}:
            raise
        deadline = time.monotonic() + REMOVING_S
        while error.status == CLASH and time.monotonic() < deadline and inspect_container(engine, container):
            time.sleep(0.05)


def create_volume(engine: Engine, name: str, labels: Mapping[str, str]) -> None:
    """Make a volume.

    Raises:
        LocalrunError: the engine does not answer, or has no room.
    """
    engine.ask("POST", "/volumes/create", body={"Name": name, "Labels": dict(labels)})


def remove_run(engine: Engine, run_id: str) -> int:
    """End and remove all containers, networks and volumes of a run, by their label; give how many containers it had.

    Raises:
        LocalrunError: the engine does not answer, or cannot.
    """
    mine = write_json({"label": [f"{RUN_LABEL}={run_id}"]}).decode()
    containers = engine.ask("GET", "/containers/json", query={"all": True, "filters": mine}) or []
    for container in containers:
        remove_container(engine, str(container["Id"]))
    for network in engine.ask("GET", "/networks", query={"filters": mine}) or []:
        remove_network(engine, str(network["Id"]))
    for volume in (engine.ask("GET", "/volumes", query={"filters": mine}) or {}).get("Volumes") or []:
        _remove(engine, f"/volumes/{volume['Name']}")
    return len(containers)


def find_publisher(engine: Engine, port: int) -> str:
    """Give the name of the running container that publishes a port of the engine's machine; empty for none known.

    Raises:
        LocalrunError: the engine does not answer.
    """
    for container in engine.ask("GET", "/containers/json") or []:
        if any(item.get("PublicPort") == port for item in container.get("Ports") or ()):
            return str((container.get("Names") or [container["Id"]])[0]).lstrip("/")
    return ""
