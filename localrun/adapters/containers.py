"""Images and the containers that they are made in, on an engine: looked up, filled, committed, tagged, removed.

Containers of runs are `engine_containers`; this is for builds, so nothing here is on the warm path but `find_image`.
"""

from __future__ import annotations

from localrun.adapters.engine_connections import close_quietly, open_connection
from localrun.adapters.engine_errors import CLASH, GONE, EngineLost, EngineRefused
from localrun.adapters.engine_http import make_head, make_target, quote, split_frames
from localrun.adapters.engine_json import write_json
from localrun.errors import LocalrunError
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from localrun.adapters.engine import Engine
    from localrun.adapters.engine_stream import Channel

SILENCE_S = 3600
"""A build step may say nothing for so long."""
_LONGEST_LINE = 1 << 20
_CONNECT_S = 10


@value
class ImageFacts:
    """What an engine knows of an image.

    Attributes:
        id: `sha256:…`.
        platform: Such as `linux/amd64`.
        labels: By name.
        variables: Of its configuration, by name.
        command: What it executes when nothing else is said.
        entrypoint: What stands in front of that.
        user: Whom it runs as; empty for root.
        digests: `repository@sha256:…`, for each registry that it is known to be in.
        names: `repository:tag`, each.
        layers: The ids of its layers, the lowest first.
        size_bytes: Of all layers together.
        created: When it was made, as the engine writes it.
    """

    id: str
    platform: str
    labels: dict[str, str]
    variables: dict[str, str]
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    user: str = ""
    digests: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    size_bytes: int = 0
    created: str = ""


def find_image(engine: Engine, name: str, *, timeout_s: float = 10) -> ImageFacts | None:
    """Give what an engine knows of an image by its name or id; None when it has none.

    Raises:
        LocalrunError: the engine does not answer.
    """
    try:
        found = engine.ask("GET", f"/images/{quote_name(name)}/json", timeout_s=timeout_s)
    except EngineRefused as error:
        if error.status == GONE:
            return None
        raise
    settings = found.get("Config") or {}
    variables = dict(pair.split("=", 1) for pair in settings.get("Env") or () if "=" in pair)
    variant = f"/{found['Variant']}" if found.get("Variant") else ""
    return ImageFacts(
        id=found["Id"],
        platform=f"{found.get('Os', '')}/{found.get('Architecture', '')}{variant}",
        labels=dict(settings.get("Labels") or {}),
        variables=variables,
        command=tuple(settings.get("Cmd") or ()),
        entrypoint=tuple(settings.get("Entrypoint") or ()),
        user=settings.get("User") or "",
        digests=tuple(found.get("RepoDigests") or ()),
        names=tuple(found.get("RepoTags") or ()),
        layers=tuple((found.get("RootFS") or {}).get("Layers") or ()),
        size_bytes=int(found.get("Size") or 0),
        created=found.get("Created") or "",
    )


def quote_name(name: str) -> str:
    """Write an image's name so that it can stand in a path."""
    return "/".join(quote(part).replace("%3A", ":").replace("%40", "@") for part in name.split("/"))


def list_images(engine: Engine, **filters: str) -> list[dict[str, Any]]:
    """List images by the engine's filters, such as `label="localrun.layer"`, `dangling="true"`."""
    wanted = write_json({name: [text] for name, text in filters.items()}).decode()
    return list(engine.ask("GET", "/images/json", query={"filters": wanted}) or ())


def list_layer_sizes(engine: Engine, image: str) -> tuple[int, ...]:
    """Give the bytes that each step of making an image has added, the first step first; nothing for none.

    Raises:
        LocalrunError: the engine does not answer.
    """
    try:
        steps = engine.ask("GET", f"/images/{quote_name(image)}/history")
    except EngineRefused as error:
        if error.status == GONE:
            return ()
        raise
    return tuple([int(step.get("Size") or 0) for step in reversed(steps or ())])


def tag_image(engine: Engine, image: str, name: str) -> None:
    """Let a name stand for an image; from here on it is there for everybody.

    Raises:
        LocalrunError: the engine does not answer, or refuses.
    """
    repository, _, tag = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "latest")
    engine.ask("POST", f"/images/{quote_name(image)}/tag", query={"repo": repository, "tag": tag or "latest"})


def remove_image(engine: Engine, name: str) -> bool:
    """Remove a name, and the image when it has no other and nobody uses it; tell whether that could be done.

    Raises:
        LocalrunError: the engine does not answer, or cannot.
    """
    try:
        return _remove(engine, f"/images/{quote_name(name)}")
    except EngineRefused:
        # Somebody else removed it meanwhile: an engine calls that a fault of its own.
        if find_image(engine, name) is None:
            return False
        raise


def remove_volume(engine: Engine, name: str) -> bool:
    """Remove a volume that nobody uses; tell whether that could be done.

    Raises:
        LocalrunError: the engine does not answer.
    """
    return _remove(engine, f"/volumes/{quote(name)}")


def _remove(engine: Engine, path: str, **query: bool) -> bool:
    """Remove something; tell whether that could be done: false when it is in use, has gone or is just going."""
    try:
        engine.ask("DELETE", path, query=query)
    except EngineRefused as error:
        if error.status not in {GONE, CLASH}:
            raise
        return False
    return True


def create_container(engine: Engine, settings: Mapping[str, Any], *, name: str, platform: str = "") -> str:
    """Make a container without starting it, and give its id.

    Raises:
        EngineRefused: the engine will not.
    """
    query = {"name": name} | ({"platform": platform} if platform else {})
    return str(engine.ask("POST", "/containers/create", query=query, body=settings)["Id"])


def remove_container(engine: Engine, container: str) -> None:
    """End and remove a container; one that has gone is passed over.

    Raises:
        LocalrunError: the engine does not answer, or cannot.
    """
    _remove(engine, f"/containers/{container}", force=True, v=True)


def discard_container(engine: Engine, container: str) -> None:
    """Have a container removed without waiting for it: the engine goes on when who has asked is gone.

    One that stays nevertheless is removed by the next builder, by its name.

    Raises:
        LocalrunError: the engine does not answer.
    """
    if engine.endpoint.remote:  # what carries the request might end before it is there
        remove_container(engine, container)
        return
    target = make_target(f"/containers/{container}", {"force": True, "v": True})
    head = make_head("DELETE", f"/v{engine.version}{target}", "docker", {"Content-Length": "0"})
    connection = open_connection(engine.endpoint, _CONNECT_S)
    try:
        connection.sendall(head)
    except OSError:
        pass
    finally:
        close_quietly(connection)


def rename_container(engine: Engine, container: str, name: str) -> None:
    """Give a container another name."""
    engine.ask("POST", f"/containers/{container}/rename", query={"name": name})


def list_containers(engine: Engine, prefix: str) -> list[tuple[str, str]]:
    """Give id and name of all containers, running or not, whose names begin so."""
    wanted = write_json({"name": [f"^/{prefix}"]}).decode()
    found = engine.ask("GET", "/containers/json", query={"all": True, "filters": wanted}) or []
    return [(str(one["Id"]), str((one.get("Names") or ["/"])[0]).lstrip("/")) for one in found]


def has_path(engine: Engine, container: str, path: str) -> bool:
    """Tell whether something stands at a path in a container, which need not run."""
    try:
        engine.ask("HEAD", f"/containers/{container}/archive", query={"path": path})
    except EngineRefused as error:
        if error.status == GONE:
            return False
        raise
    return True


def put_files(engine: Engine, container: str, folder: str, archive: Iterable[bytes]) -> None:
    """Unpack a tar archive into a folder of a container, which need not run.

    Raises:
        LocalrunError: the engine does not answer, or has no room.
    """
    engine.send("PUT", f"/containers/{container}/archive", query={"path": folder}, body=archive)


def commit_container(engine: Engine, container: str, settings: Mapping[str, Any], *, comment: str) -> str:
    """Make an image without a name of a container's files and give its id.

    Args:
        engine: The engine.
        container: The container.
        settings: The configuration; what is left out is taken from the container, so name everything that it was only
            made with, such as command and entrypoint.
        comment: For the image's history.

    Raises:
        LocalrunError: the engine does not answer, has no room, or does not do as it is told.
    """
    query: dict[str, str | int | bool] = {"container": container, "comment": comment, "pause": True}
    made = str(engine.ask("POST", "/commit", query=query, body=settings, timeout_s=3600)["Id"])
    if made.startswith("sha256:"):
        return made
    found = find_image(engine, made)
    if found is not None and found.labels.items() >= dict(settings.get("Labels") or {}).items():
        return found.id
    remove_image(engine, made)
    message = f"the engine at {engine.endpoint.place} gives the images that it makes other settings than it is told"
    hint = "Podman does so from release 5 on; make the image with Docker, or run one that there is (-E image:NAME)"
    raise LocalrunError(message, hint=hint, code="docker_too_old")


def run_script(engine: Engine, container: str, script: bytes, on_line: Callable[[bytes], None]) -> int:
    """Start a container whose process reads standard input, hand it a script, and wait for its end.

    The script is nowhere but in that connection: not in the container's configuration, and on no disk.

    Args:
        engine: The engine.
        container: Made with `OpenStdin` and `StdinOnce`, without a terminal.
        script: Its standard input.
        on_line: Told each line of what it prints, standard output and error alike.

    Returns:
        The exit code.

    Raises:
        EngineRefused: it cannot be started.
        EngineLost: the engine has gone.
    """
    attached: dict[str, str | int | bool] = {"stream": True, "stdin": True, "stdout": True, "stderr": True}
    channel = engine.hijack("POST", f"/containers/{container}/attach", query=attached)
    try:
        engine.ask("POST", f"/containers/{container}/start")
        channel.settimeout(SILENCE_S)
        try:
            channel.sendall(script)
            channel.close_write()
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has ended already; its exit code says how
        _read_lines(channel, on_line)
    except OSError as error:
        message = f"the connection to the Docker engine is lost in the middle of a build: {error}"
        raise EngineLost(message, hint="see whether it still runs: docker info") from None
    finally:
        channel.close()
    return int(engine.ask("POST", f"/containers/{container}/wait", timeout_s=SILENCE_S)["StatusCode"])


def _read_lines(channel: Channel, on_line: Callable[[bytes], None]) -> None:
    rest = b""
    texts = {1: b"", 2: b""}
    while piece := channel.recv():
        frames, rest = split_frames(rest + piece)
        for stream, data in frames:
            *lines, texts[stream] = (texts.get(stream, b"") + data).split(b"\n")
            for line in lines:
                on_line(line)
            if len(texts[stream]) > _LONGEST_LINE:
                on_line(texts[stream])
                texts[stream] = b""
    for text in texts.values():
        if text:
            on_line(text)
