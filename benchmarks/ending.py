"""Four ranks that wait: from the failure of one, and from SIGTERM to the command, until the last of them is gone.

    python benchmarks/ending.py [ROUNDS]

Each rank holds the writing end of a FIFO open: its end is the end of them all, to the fraction of a millisecond.
`mpirun` stands beside, and `torchrun` where one is on PATH or in the tests' venv with torch. Ranks that ignore SIGTERM
may have the time of the ladder, here a second, and no more.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from pairs import (
    LOCALRUN,
    MPIRUN,
    Row,
    Sample,
    against,
    alternate,
    make_environ,
    pick,
    print_table,
    start,
    write_script,
)

if TYPE_CHECKING:
    from collections.abc import Callable

RANKS = 4
CACHE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".cache", "torch", "bin", "torchrun")
TORCHRUN = shutil.which("torchrun") or CACHE
STOP_TIMEOUT_S = 1
SCRIPT = """
import os, signal, sys, time
folder = sys.argv[1]
if sys.argv[2:]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
rank = int(os.environ.get("RANK", os.environ.get("OMPI_COMM_WORLD_RANK", "0")))
os.write(os.open(folder + "/alive", os.O_WRONLY), b".")
if rank == 1:
    open(folder + "/fail").read()
    with open(folder + "/failed_at", "w") as file:
        file.write(str(time.monotonic()))
    os._exit(3)
time.sleep(60)
"""


def terminate(process: subprocess.Popen[bytes]) -> float:
    now = time.monotonic()
    process.terminate()
    return now


def fail(folder: str) -> float:
    with open(f"{folder}/fail", "wb"):
        return 0  # the rank itself notes when


def time_end(
    command: list[str], environ: dict[str, str], folder: str, act: Callable[[subprocess.Popen[bytes]], float]
) -> Sample:
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


def measure(rounds: int = 15) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        environ = make_environ(f"{folder}/home")
        script = write_script(f"{folder}/source", SCRIPT)
        time.sleep(0.2)  # a file that has just been written is not trusted to stay as it is
        localrun = [LOCALRUN, "run", "-n", str(RANKS), "-E", f"interpreter:{sys.executable}"]
        ours = [*localrun, "script.py", folder]
        patient = [*localrun, "--stop-timeout", str(STOP_TIMEOUT_S), "script.py", folder, "unwilling"]
        mpirun = [*MPIRUN, "-n", str(RANKS), sys.executable, script, folder]
        torchrun = [TORCHRUN, "--nproc-per-node", str(RANKS), script, folder]
        found = alternate(
            {
                "fail": lambda: time_end(ours, environ, folder, lambda _: fail(folder)),
                "fail, mpirun": against("mpirun", lambda: time_end(mpirun, environ, folder, lambda _: fail(folder))),
                "fail, torchrun": against(
                    TORCHRUN, lambda: time_end(torchrun, environ, folder, lambda _: fail(folder))
                ),
                "terminate": lambda: time_end(ours, environ, folder, terminate),
                "terminate, mpirun": against("mpirun", lambda: time_end(mpirun, environ, folder, terminate)),
                "terminate, torchrun": against(TORCHRUN, lambda: time_end(torchrun, environ, folder, terminate)),
                "unwilling": lambda: time_end(patient, environ, folder, terminate),
            },
            rounds,
        )
    gone = {name: pick(samples, "gone") for name, samples in found.items()}
    return [
        Row("a rank fails, all 4 gone", "ms", gone["fail"], gone["fail, mpirun"], "mpirun", most=25),
        Row("a rank fails, all 4 gone", "ms", gone["fail"], gone["fail, torchrun"], "torchrun"),
        Row("SIGTERM, all 4 ranks gone", "ms", gone["terminate"], gone["terminate, mpirun"], "mpirun", most=25),
        Row("SIGTERM, all 4 ranks gone", "ms", gone["terminate"], gone["terminate, torchrun"], "torchrun"),
        Row("SIGTERM, 4 ranks that ignore it, SIGKILL after 1 s", "ms", gone["unwilling"],
            most=STOP_TIMEOUT_S * 1000 + 25),
    ]  # fmt: skip


if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
