"""A run in containers of an engine on another machine: files are copied there and back instead of mounted.

The run's folder is a volume of the run's own, mounted in all its containers at the path that the folder has here. A
container that is never started stands beside them: through it the volume is filled, and what the ranks wrote is got.
Everything else that would be mounted is copied into each container. `docker_relay` moves output, news and signals.
"""

from __future__ import annotations

import os
import time

from localrun.adapters.engine_containers import create_volume, remove_run
from localrun.adapters.engine_errors import GONE, EngineRefused
from localrun.errors import LocalrunError
from localrun.targets.docker_hands import DockerHands
from localrun.targets.docker_relay import RECEIVE, fork_relay, open_control
from localrun.targets.docker_request import PLACE, label
from localrun.workspace import contained

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from localrun.adapters.archives import Member
    from localrun.adapters.engine import Engine
    from localrun.plan import ContainerPlan, Plan
    from localrun.supervise.hands import Begun
    from localrun.supervise.process import Process
    from localrun.targets.docker_request import Container

FETCHED = ("wd/outputs", "wd/logs", "named-outputs", "journal", "mlruns", "user_logs")
"""What comes back of a run's folder; the last one holds the logs of the ranks, which are here already."""
RELAY_ENDS_S = 5.0


def check_remote(plan: Plan, container: ContainerPlan, place: str) -> None:
    """Refuse what cannot be had of an engine on another machine.

    Raises:
        LocalrunError: the run wants such a thing.
    """
    hint = "use an engine of this machine (unset DOCKER_HOST, docker context use default), or leave that out"
    wanted = ""
    if plan.source.in_place:
        wanted = "a source that is used in place (--in-place)"
    elif plan.distribution == "mpi":
        wanted = "nodes that mpirun joins (--distribution mpi)"
    elif plan.terminal_rank >= 0:
        wanted = "a rank with this terminal or standard input (-i, -t)"
    elif plan.debug_rank >= 0:
        wanted = "a rank that waits for a debugger of this machine (--debug)"
    elif container.network_delay or container.network_loss or container.network_rate:
        wanted = "a slower network between the nodes"
    elif any(name == "PidMode" and text.strip('"') not in {"", "private"} for name, text in container.options):
        wanted = "a container that sees other processes (--pid)"
    if wanted:
        message = f"the engine at {place} is not on this machine, and cannot give a run {wanted}"
        raise LocalrunError(message, hint=hint, code="remote_engine")


def adapt_request(request: dict[str, Any], run_id: str, folder: str) -> dict[str, Any]:
    """Give the request for a node's container with copies in the place of mounts.

    Args:
        request: As `describe_container` gives it.
        run_id: The run.
        folder: The run's folder.
    """
    place = {"Type": "tmpfs", "Target": PLACE, "TmpfsOptions": {"Mode": 0o1777}}
    kept = [mount for mount in request["HostConfig"]["Mounts"] if mount["Source"] != mount["Target"]]
    others = [mount for mount in kept if mount["Target"] != PLACE]
    host = request["HostConfig"] | {"Mounts": [place, _mount_volume(run_id, folder), *others]}
    words = request["Entrypoint"]
    return request | {
        "Entrypoint": ["/bin/sh", "-c", RECEIVE, *words[words.index(PLACE) :]],
        "HostConfig": host,
        "AttachStdin": True,
        "AttachStdout": True,
        "OpenStdin": True,
        "StdinOnce": True,
    }


def _mount_volume(run_id: str, folder: str) -> dict[str, Any]:
    return {"Type": "volume", "Source": _name_volume(run_id), "Target": folder, "VolumeOptions": {"NoCopy": True}}


def _name_volume(run_id: str) -> str:
    return f"localrun-{run_id}"


def make_volume(engine: Engine, run_id: str, home: str) -> None:
    """Make the volume that is the run's folder.

    Raises:
        LocalrunError: the engine refuses.
    """
    create_volume(engine, _name_volume(run_id), label(run_id, home))


def send_files(
    engine: Engine,
    containers: Sequence[Container],
    *,
    image: str,
    run_id: str,
    home: str,
    folder: str,
    paths: Sequence[str],
) -> str:
    """Copy the run's folder and what is used beside it to the engine; give the id of the container for files.

    Args:
        engine: The engine.
        containers: The run's containers, which have not been started.
        image: The image's id.
        run_id: The run.
        home: The workspace.
        folder: The run's folder.
        paths: Files and folders that the ranks find at the same paths.

    Raises:
        StoreFailed: something cannot be read.
        LocalrunError: the engine refuses, or has no room.
    """
    from localrun.adapters.archives import write_archive
    from localrun.adapters.containers import create_container, put_files

    settings = {
        "Image": image,
        "Entrypoint": ["/bin/sh"],
        "Cmd": [],
        "Labels": label(run_id, home),
        "HostConfig": {"Mounts": [_mount_volume(run_id, folder)], "NetworkMode": "none"},
    }
    files = create_container(engine, settings, name=f"localrun-{run_id}-files")
    put_files(engine, files, "/", write_archive(_list_members(folder, (os.geteuid(), os.getegid()))))
    for container in containers if paths else ():
        members = (member for path in paths for member in _list_members(path, (0, 0)))
        put_files(engine, container.id, "/", write_archive(members))
    return files


def _list_members(path: str, owner: tuple[int, int]) -> Iterator[Member]:
    """List a file or folder for the same path in a container; folders above it are made by the engine."""
    from localrun.adapters.archives import Member, list_tree
    from localrun.values import replace

    if os.path.isdir(path):
        for member in list_tree(path, path.strip("/")):
            yield replace(member, owner=owner)
    else:
        yield Member(name=path.strip("/"), mode=0o755, source=os.path.realpath(path), owner=owner)


class RemoteHands(DockerHands):
    """The containers of one run on another machine."""

    def __init__(  # noqa: PLR0913 - what DockerHands is told, and where the files are
        self,
        engine: Engine,
        containers: tuple[Container, ...],
        *,
        run_id: str,
        folder: str,
        files: str,
        network: str = "",
        keep: bool = False,
        memory_bytes: int = 0,
    ) -> None:
        """Take over containers that have been made and filled.

        Args:
            engine: Where they are.
            containers: One a node, ordered by node.
            run_id: The run.
            folder: Its folder.
            files: The container for files.
            network: As `DockerHands` takes it.
            keep: As there.
            memory_bytes: As there.
        """
        super().__init__(engine, containers, network=network, keep=keep, memory_bytes=memory_bytes)
        self._run_id = run_id
        self._folder = folder
        self._files = files
        self._relays: list[int] = []
        self._unfetched = False

    def begin(self, processes: Sequence[Process], bootstraps: Sequence[Process]) -> Sequence[Begun]:
        """Have a relay for every container, and ask the engine to start them."""
        self._engine.close()
        writers = [open_control(container.folder) for container in self._containers]
        try:
            for container in self._containers:
                self._relays.append(fork_relay(self._engine, container.id, container.folder))
            return super().begin(processes, bootstraps)
        finally:
            for writer in writers:
                os.close(writer)

    def measure(self, rank: int) -> float | None:  # noqa: ARG002 - as the other hands
        """Give nothing: the processes are on another machine."""
        return None

    def fetch(self) -> list[str]:
        """Bring what the ranks wrote into the run's folder; give notes.

        Raises:
            LocalrunError: it cannot be had; it stays on the engine until the run is removed.
        """
        from localrun.adapters.unpack import unpack_archive

        left: list[str] = []
        try:
            for path in FETCHED:
                goal = os.path.dirname(os.path.join(self._folder, path))
                left += unpack_archive(self._get(path), goal, keep=path == "user_logs")
        except (LocalrunError, OSError) as error:
            self._unfetched = True
            contained.note_kept(self._folder, self._engine.endpoint)
            reason = error.message if isinstance(error, LocalrunError) else f"{error.strerror}: {error.filename}"
            message = f"what the ranks wrote could not be fetched: {reason}"
            where = f"docker cp localrun-{self._run_id}-files:{self._folder} .  (localrun rm removes it)"
            raise LocalrunError(message, hint=where, code="outputs_not_fetched") from None
        if not left:
            return []
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""  # noqa: PLR2004 - three examples are enough
        return [f"not fetched, being special files or leading elsewhere: {', '.join(left[:3])}{more}"]

    def _get(self, path: str) -> Iterator[bytes]:
        query = {"path": os.path.join(self._folder, path)}
        try:
            yield from self._engine.stream("GET", f"/containers/{self._files}/archive", query=query, silence_s=60)
        except EngineRefused as error:
            if error.status != GONE:
                raise
            yield bytes(1024)  # an archive of nothing

    def close(self) -> bool:
        """Remove containers, network and volume, unless they are to stay."""
        closed = super().close()
        self._end_relays()
        if self._keep or self._unfetched:
            return closed
        try:
            remove_run(self._engine, self._run_id)
        except LocalrunError:
            return False
        return closed

    def _end_relays(self) -> None:
        """Wait for the relays, which end with their containers."""
        deadline = time.monotonic() + RELAY_ENDS_S
        for pid in self._relays:
            while os.waitpid(pid, os.WNOHANG)[0] == 0:
                if time.monotonic() > deadline:
                    os.kill(pid, 9)
                time.sleep(0.01)
        self._relays.clear()
