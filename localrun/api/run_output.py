"""Waiting for a run, and showing what it prints, from another process than the one that started it."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from localrun.escaping import escape_line
from localrun.workspace import active, submitted
from localrun.workspace.run_files import folder_of

if TYPE_CHECKING:
    from typing import IO

POLL_S = 0.05
"""Between two looks at what came: a supervisor tells only the process that started it."""


def wait(home: str, run_id: str, most_s: float = float("inf")) -> None:
    """Wait until nobody works on a run any more, or so many seconds."""
    end = time.monotonic() + most_s
    while is_live(home, run_id) and time.monotonic() < end:
        time.sleep(POLL_S)


def is_live(home: str, run_id: str) -> bool:
    """Tell whether a run is being prepared, or runs."""
    return submitted.is_worked_on(home, run_id) or active.is_live(home, run_id)


def show(home: str, run_id: str) -> None:
    """Print what a run prints until it has ended: first what was said while its environment was made."""
    _say(f"RunId: {run_id}")
    folder = os.path.join(folder_of(home, run_id), "user_logs")
    shown: dict[str, _Tail] = {"": _Tail(submitted.log_of(home, run_id), "")}
    live = True
    while live:
        live = is_live(home, run_id)
        _find_logs(folder, shown)
        came = [tail.show() for tail in shown.values()]
        if live and not any(came):
            time.sleep(POLL_S)
    for tail in shown.values():
        tail.close()


def _find_logs(folder: str, shown: dict[str, _Tail]) -> None:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        if name not in shown and name.endswith(".txt"):
            title = f"Streaming user_logs/{name}"
            if not any(shown):
                _say(f"\n{title}\n{'=' * len(title)}\n")
            rank = name.removeprefix("std_log_process_").removesuffix(".txt")
            shown[name] = _Tail(os.path.join(folder, name), f"[rank {rank}] " if rank.isdecimal() else "")


def show_summary(run_id: str, status: str) -> None:
    """Print how a run ended."""
    _say(f"\nExecution Summary\n=================\nRunId: {run_id}\nStatus: {status}\n")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class _Tail:
    """A log while it is printed: whole lines, escaped, behind their rank where there are several."""

    def __init__(self, path: str, prefix: str) -> None:
        self.path = path
        self.prefix = prefix
        self.file: IO[bytes] | None = None
        self.begun = b""

    def show(self) -> bool:
        """Print the lines that came; false when none did."""
        if self.file is None:
            try:
                self.file = open(self.path, "rb")  # noqa: SIM115 - closed by close
            except OSError:
                return False
        data = self.file.read()
        *lines, self.begun = (self.begun + data).split(b"\n")
        for line in lines:
            self._print(line)
        if lines:
            sys.stdout.flush()
        return bool(data)

    def _print(self, line: bytes) -> None:
        text = self.prefix + escape_line(line).decode()
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")

    def close(self) -> None:
        """Print a last line that has no newline."""
        if self.begun:
            self._print(self.begun)
            sys.stdout.flush()
        if self.file is not None:
            self.file.close()
