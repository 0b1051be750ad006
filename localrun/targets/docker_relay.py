"""What moves bytes between the pipes of a node and its container on another machine.

A process for each container, forked by the run's supervisor, so that the supervisor sees the same pipes as of a
container of this machine: what it writes into `control` goes to the launcher's input, what the launcher prints comes
out of `status`, and what `cat` reads from a rank's pipe in there comes out of the rank's pipe here. When the supervisor
has gone the launcher's input ends, and the container with it; when the engine has gone, the pipes here end.
"""

from __future__ import annotations

import os
import stat
import threading
import time

from localrun.adapters.engine import Engine
from localrun.adapters.engine_http import split_frames
from localrun.errors import LocalrunError
from localrun.targets.docker_request import PLACE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from localrun.adapters.engine import Channel

QUIET_S = 5.0
"""News of an end wait for the output that came before it: as long as some comes in, and so long after that."""
DRAIN_S = 30.0
"""The streams of a container that has ended end within this time."""
RECEIVE = """(
    umask 077
    ln -s /dev/fd/0 "$0/control" && ln -s /dev/fd/1 "$0/status" || exit 126
    while read -r what name size; do
        case $what in
            file) dd bs=1 count="$size" of="$0/$name" 2>/dev/null || exit 126 ;;
            pipe) mkfifo "$0/$name" || exit 126 ;;
            *) exit 0 ;;
        esac
    done
    exit 126
) && exec /bin/sh "$0/launcher.sh" "$0" "$@"
"""
"""Stands in front of `launcher.sh`, which comes in first, with what it reads; all of that stays in memory."""


READ = 'echo && exec cat "$0"'
"""Hands out a pipe, behind an empty line that is not the pipe's."""


def open_control(folder: str) -> int:
    """Open a node's control pipe for both directions, so that nobody sees its end."""
    return os.open(os.path.join(folder, "control"), os.O_RDWR | os.O_CLOEXEC)


def fork_relay(engine: Engine, container: str, folder: str) -> int:
    """Fork the relay of a container that need not run yet, and give its process id.

    Args:
        engine: Where the container is.
        container: The container's id.
        folder: The folder with the node's pipes and what the launcher reads; `open_control` has been called.

    Raises:
        OSError: the system does not start another process.
    """
    pid = os.fork()
    if pid == 0:
        try:
            control = os.open(os.path.join(folder, "control"), os.O_RDONLY | os.O_CLOEXEC)
            _close_others(control)
            _Relay(engine, container, folder).serve(control)
        except (LocalrunError, OSError) as error:
            os.write(2, f"the relay of {container[:12]} ends: {error}\n".encode(errors="backslashreplace"))
        finally:
            os._exit(0)
    return pid


def _close_others(control: int) -> None:
    """Close what belongs to the supervisor: its pipes, and the lock that says that it lives."""
    for name in os.listdir("/dev/fd"):
        if int(name) not in {0, 1, 2, control}:
            try:
                os.close(int(name))
            except OSError:
                continue  # the folder itself


class _Relay:
    """The relay of one container. A thread for each stream: each only waits for one side, and hands on to the other."""

    def __init__(self, engine: Engine, container: str, folder: str) -> None:
        self._endpoint, self._version = engine.endpoint, engine.version
        self._container = container
        self._folder = folder
        self._pipes = sorted(name for name in os.listdir(folder) if name.startswith("out-"))
        self._scripted = self._find_scripted()
        self._ended = {name: threading.Event() for name in self._pipes}
        self._script_ended = threading.Event()
        self._moved_at = 0.0
        self._left = False

    def _find_scripted(self) -> str:
        """Give the pipe that a bootstrap script writes into before its rank does; empty for none."""
        if not os.path.exists(os.path.join(self._folder, "start-bootstrap")):
            return ""
        ranks = [int(name[4:]) for name in self._pipes if name[4:].isdigit()]
        return f"out-{min(ranks)}"

    def serve(self, control: int) -> None:
        """Relay until the container has ended."""
        targets = {name: os.open(os.path.join(self._folder, name), os.O_RDWR) for name in (*self._pipes, "status")}
        preamble = self._describe()
        channel = self._connect().hijack(
            "POST", f"/containers/{self._container}/attach", query={"stream": True, "stdin": True, "stdout": True}
        )
        channel.settimeout(None)
        threading.Thread(target=self._pass_on, args=(control, channel, preamble), daemon=True).start()
        movers: list[threading.Thread] = []
        for line in _split_lines(_read_frames(channel)):
            if line == b"ready\n" and not movers:
                movers = [threading.Thread(target=self._move, args=(name, targets[name])) for name in self._pipes]
                for mover in movers:
                    mover.start()
            self._hold(line)
            _write(targets["status"], line)
        os.close(targets["status"])
        deadline = time.monotonic() + DRAIN_S
        for mover in movers:
            mover.join(max(deadline - time.monotonic(), 0))

    def _connect(self) -> Engine:
        engine = Engine(self._endpoint)
        engine.version = self._version
        return engine

    def _describe(self) -> bytes:
        """Give what the container gets first: `RECEIVE` reads it."""
        pieces = [f"pipe {name}\n".encode() for name in self._pipes]
        for name in sorted(os.listdir(self._folder)):
            path = os.path.join(self._folder, name)
            if name.startswith("target-") or not stat.S_ISREG(os.lstat(path).st_mode):
                continue
            with open(path, "rb") as file:
                data = file.read()
            if name.startswith("start-"):  # it is read once
                data = f"rm -f {PLACE}/{name}\n".encode() + data
            pieces.append(f"file {name} {len(data)}\n".encode() + data)
        return b"".join([*pieces, b"end\n"])

    def _pass_on(self, control: int, channel: Channel, preamble: bytes) -> None:
        try:
            channel.sendall(preamble)
            while data := os.read(control, 4096):
                channel.sendall(data)
        except OSError:
            return  # the container has gone: whoever reads from it sees that too
        os._exit(0)  # the supervisor has gone

    def _move(self, name: str, target: int) -> None:
        try:
            if name == self._scripted:
                self._read_pipe(name, target)
                self._script_ended.set()
            self._read_pipe(name, target)
        except (LocalrunError, OSError):
            pass  # the container has gone
        finally:
            self._script_ended.set()
            self._ended[name].set()
            os.close(target)

    def _read_pipe(self, name: str, target: int) -> None:
        """Hand on what is written into a pipe in the container until all who write have closed it."""
        engine = self._connect()
        settings = {"AttachStdout": True, "Cmd": ["/bin/sh", "-c", READ, f"{PLACE}/{name}"]}
        made = str(engine.ask("POST", f"/containers/{self._container}/exec", body=settings)["Id"])
        channel = engine.hijack("POST", f"/exec/{made}/start", body={"Detach": False, "Tty": False})
        channel.settimeout(None)
        begun = False
        for data in _read_frames(channel):
            if not begun and not data.startswith(b"\n"):
                break  # the engine says here that the container has just ended
            _write(target, data if begun else data[1:])
            begun = True
            self._moved_at = time.monotonic()
        channel.close()

    def _hold(self, line: bytes) -> None:
        """Wait for the output that came before a piece of news after which the container may be removed."""
        words = line.split()
        if words[:1] == [b"left"]:
            self._left = True
        elif words[:2] == [b"ended", b"bootstrap"]:
            self._await([self._script_ended])
        elif words == [b"swept"] or (words == [b"looked"] and not self._left):
            self._await(self._ended.values())

    def _await(self, events: Iterable[threading.Event]) -> None:
        began = time.monotonic()
        for event in events:
            while not event.wait(0.1) and time.monotonic() < max(began, self._moved_at) + QUIET_S:
                pass


def _read_frames(channel: Channel) -> Iterator[bytes]:
    """Give what comes in of the standard output."""
    rest = b""
    while data := channel.recv():
        frames, rest = split_frames(rest + data)
        yield from (text for _, text in frames)


def _split_lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in lines)


def _write(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]
