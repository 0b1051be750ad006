"""Four ranks that wait, and the moment at which the last of them is gone.

Each rank holds the writing end of a FIFO open: its end is the end of them all, to the fraction of a millisecond.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from pairs import LOCALRUN, MPIRUN, start, write_script

if TYPE_CHECKING:
    from collections.abc import Callable

RANKS = 4
SCRIPT = """
import os, sys, time
folder = sys.argv[1]
rank = int(os.environ.get("RANK", os.environ.get("OMPI_COMM_WORLD_RANK", "0")))
os.write(os.open(folder + "/alive", os.O_WRONLY), b".")
if rank == 1:
    open(folder + "/fail").read()
    with open(folder + "/failed_at", "w") as file:
        file.write(str(time.monotonic()))
    os._exit(3)
time.sleep(60)
"""


def make_commands(folder: str) -> tuple[list[str], list[str]]:
    """Give localrun's command and mpirun's; both work in `folder`/source."""
    script = write_script(f"{folder}/source", SCRIPT)
    time.sleep(0.2)  # a file that has just been written is not trusted to stay as it is
    python = ["-E", f"interpreter:{sys.executable}"]
    ours = [LOCALRUN, "run", "-n", str(RANKS), *python, "script.py", folder]
    return ours, [*MPIRUN, "-n", str(RANKS), sys.executable, script, folder]


def time_end(
    command: list[str], environ: dict[str, str], folder: str, act: Callable[[subprocess.Popen[bytes]], float]
) -> dict[str, float]:
    """Start four ranks, end them by `act` (which gives its moment), and give the milliseconds until all are gone."""
    for name in ("alive", "fail"):
        if os.path.exists(f"{folder}/{name}"):
            os.unlink(f"{folder}/{name}")
        os.mkfifo(f"{folder}/{name}")
    process = start(command, environ, f"{folder}/source", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(f"{folder}/alive", "rb", buffering=0) as alive:
        seen = b""
        while len(seen) < RANKS:
            seen += alive.read(RANKS)
        time.sleep(0.1)
        began = act(process)
        assert not alive.read()
        gone = time.monotonic()
    process.wait()
    return {"gone": (gone - (began or read_moment(folder))) * 1000, "exit": (time.monotonic() - gone) * 1000}


def read_moment(folder: str) -> float:
    with open(f"{folder}/failed_at", encoding="ascii") as file:
        return float(file.read())
