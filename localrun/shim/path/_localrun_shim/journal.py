"""The journal: what the processes of a run log, one file of JSON lines each, one write a line."""

import json
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

FOLDER = "LOCALRUN_JOURNAL"
RANKS = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK")


def _simplify(value: object) -> object:
    """Give what JSON can say of a number or array of another library; else its text."""
    for name in ("tolist", "item"):  # numpy, torch, tensorflow, pandas
        method = getattr(value, name, None)
        if callable(method):
            try:
                return method()
            except (TypeError, ValueError, RuntimeError):
                continue
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    try:
        return float(value)  # type: ignore[arg-type]  # what cannot be one raises
    except (TypeError, ValueError):
        return str(value)


_QUOTE = json.encoder.encode_basestring_ascii
_NUMBER_LINE = '{{"k": "log", "n": {}, "v": {!r}, "r": {}, "t": {!r}{}}}'
_NUMBERS = (int, float)
_STEPS = (int, type(None))
_ENCODE = json.JSONEncoder(default=_simplify, skipkeys=True).encode


class _Journal:
    """The file of this process; a child that was forked opens its own."""

    def __init__(self) -> None:
        self._held = (0, -1)  # process and descriptor, replaced together: threads may meet here
        self._warned = False

    def write(self, kind: str, run_id: str, **fields: object) -> None:
        """Append a line of a kind; what cannot be stored is told once, and no reason to end the script."""
        self._append(_ENCODE(dict(fields, k=kind, r=run_id, t=time.time())))

    def write_number(self, run_id: str, name: str, value: object, step: "int | None") -> None:
        """Append a line of the kind `log`, as fast as can be."""
        if type(value) in _NUMBERS and type(step) in _STEPS and value - value == 0:  # type: ignore[operator]  # finite
            said = "" if step is None else ', "s": {!r}'.format(step)
            names = _QUOTE(str(name)), _QUOTE(run_id)
            self._append(_NUMBER_LINE.format(names[0], value, names[1], time.time(), said))
        elif step is None:
            self.write("log", run_id, n=name, v=value)
        else:
            self.write("log", run_id, n=name, v=value, s=step)

    def _append(self, line: str) -> None:
        try:
            pid, file = self._held
            if pid != os.getpid():
                file = self._open()
            if file >= 0:
                os.write(file, line.encode("ascii") + b"\n")
        except OSError as error:
            if not self._warned:
                self._warned = True
                sys.stderr.write("localrun: what is logged cannot be stored: {}\n".format(error.strerror))

    def _open(self) -> int:
        folder = os.environ.get(FOLDER, "")
        file = _make_file(folder) if folder else -1
        self._held = (os.getpid(), file)
        return file


def _make_file(folder: str) -> int:
    os.makedirs(folder, exist_ok=True)
    rank = next((os.environ[name] for name in RANKS if os.environ.get(name, "").isdigit()), "0")
    name = "{}-{}-{}.jsonl".format(rank, os.getpid(), os.urandom(4).hex())
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
    return os.open(os.path.join(folder, name), flags, 0o600)


JOURNAL = _Journal()


def read_entries() -> "Iterator[dict[str, Any]]":
    """Read what all processes of the run have written so far, file by file."""
    folder = os.environ.get(FOLDER, "")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        if not name.endswith(".jsonl"):
            continue
        with open(os.path.join(folder, name), "rb") as file:
            for line in file:
                if line.endswith(b"\n"):  # else it is being written
                    yield json.loads(line.decode("ascii"))


def locate_files() -> str:
    """Give the folder for what is uploaded; empty outside of a run."""
    folder = os.environ.get(FOLDER, "")
    return os.path.join(folder, "files") if folder else ""
