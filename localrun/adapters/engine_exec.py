"""A command in a container that runs, with this process's terminal or pipes; as `docker exec` does it."""

from __future__ import annotations

import os
import select
import sys

from localrun.adapters import signals
from localrun.adapters.engine_http import split_frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from localrun.adapters.engine import Engine
    from localrun.adapters.engine_stream import Channel

PIECE = 65_536


def run_in_container(
    engine: Engine, container: str, argv: Sequence[str], variables: Mapping[str, str], directory: str
) -> int:
    """Run a command in a container and give its exit code; 126 and 127 when it cannot be started, as the engine says.

    Args:
        engine: Where the container is.
        container: Its id.
        argv: The command.
        variables: Its environment, on top of the container's own.
        directory: Its working directory, absolute.

    Raises:
        LocalrunError: the engine does not answer, or the container does not run.
    """
    terminal = os.isatty(0) and os.isatty(1)
    settings = {
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": terminal,
        "Cmd": list(argv),
        "Env": [f"{name}={text}" for name, text in variables.items()],
        "WorkingDir": directory,
    }
    made = str(engine.ask("POST", f"/containers/{container}/exec", body=settings)["Id"])
    channel = engine.hijack("POST", f"/exec/{made}/start", body={"Detach": False, "Tty": terminal})
    channel.settimeout(None)
    sys.stdout.flush()
    try:
        if terminal:
            _relay_terminal(engine, made, channel)
        else:
            _relay_pipes(channel)
    finally:
        channel.close()
    return int(engine.ask("GET", f"/exec/{made}/json")["ExitCode"] or 0)


def _relay_terminal(engine: Engine, made: str, channel: Channel) -> None:
    import termios
    import tty

    def resize(*_: object) -> None:
        size = os.get_terminal_size(1)
        engine.ask("POST", f"/exec/{made}/resize", query={"h": size.lines, "w": size.columns})

    before = termios.tcgetattr(0)
    previous = signals.signal(signals.SIGWINCH, resize)
    tty.setraw(0, termios.TCSANOW)  # what was typed until now is for the command
    try:
        resize()
        for data in _converse(channel):
            _write(1, data)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
        signals.signal(signals.SIGWINCH, previous)


def _relay_pipes(channel: Channel) -> None:
    rest = b""
    for data in _converse(channel):
        frames, rest = split_frames(rest + data)
        for stream, text in frames:
            _write(2 if stream == 2 else 1, text)  # noqa: PLR2004 - as the engine numbers them


def _converse(channel: Channel) -> Iterator[bytes]:
    """Give what the command prints, and hand it what is typed or piped in, until it has ended."""
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLIN)
    poll.register(0, select.POLLIN)
    while True:
        ready = {channel.fileno(): 0} if channel.pending else dict(poll.poll())
        if 0 in ready:
            data = os.read(0, PIECE)
            if data:
                channel.sendall(data)
            else:
                poll.unregister(0)
                channel.close_write()
        if channel.fileno() in ready:
            data = channel.recv(PIECE)
            if not data:
                return
            yield data


def _write(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]
