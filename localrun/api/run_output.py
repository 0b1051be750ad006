"""Waiting for a run, and showing what it prints, from another process than the one that started it."""

from __future__ import annotations

import os
import sys
import time

from localrun.escaping import escape_line
from localrun.workspace import active, submitted
from localrun.workspace.home import folder_of
from localrun.workspace.log_file import LogFile

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
    shown = {"": _Shown(submitted.log_of(home, run_id))}
    live = came = True
    while live or came:
        live = is_live(home, run_id)
        _find_logs(folder, shown)
        came = True in [log.show() for log in shown.values()]  # each is shown
        if live and not came:
            time.sleep(POLL_S)
    for log in shown.values():
        log.close()


def _find_logs(folder: str, shown: dict[str, _Shown]) -> None:
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
            shown[name] = _Shown(os.path.join(folder, name), f"[rank {rank}] " if rank.isdecimal() else "")


def show_summary(run_id: str, status: str) -> None:
    """Print how a run ended."""
    _say(f"\nExecution Summary\n=================\nRunId: {run_id}\nStatus: {status}\n")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class _Shown:
    """A log while it is printed: whole lines, escaped, behind their rank where there are several."""

    def __init__(self, path: str, prefix: str = "") -> None:
        self._log = LogFile(path)
        self._prefix = prefix

    def show(self) -> bool:
        """Print the lines that came; false when nothing did."""
        lines = self._log.read_lines()
        self._print(lines or [])
        return lines is not None

    def close(self) -> None:
        """Print a last line that has no newline."""
        self._print(self._log.finish())

    def _print(self, lines: list[bytes]) -> None:
        encoding = sys.stdout.encoding or "utf-8"
        for line in lines:
            text = self._prefix + escape_line(line).decode()
            sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        if lines:
            sys.stdout.flush()
