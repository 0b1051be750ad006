"""Ranks, warm: until the last one's first line, and until the command ends; 4 of them, and what each costs among 64.

    python benchmarks/ranks.py [ROUNDS]

Four stand beside Open MPI's `mpirun -n 4`. Many stand beside four, rank by rank, and beside the leanest rank there is:
as many plain `python script.py` started at once by this process.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

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

FEW, MANY = 4, 64
MOST_GROWTH = 1.2
"""By so much may the cost of a rank grow from few ranks to many."""


def run_once(command: list[str], ranks: int, environ: dict[str, str], folder: str) -> Sample:
    begin = time.perf_counter()
    process = start(command, environ, folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
    assert process.stdout
    seen = b""
    while seen.count(b"hello\n") < ranks and (more := process.stdout.read(65_536)):
        seen += more
    last = time.perf_counter()
    process.stdout.read()
    assert (seen.count(b"hello\n"), process.wait()) == (ranks, 0), seen
    return give_sample(begin, last, ranks)


def run_plain(script: str, ranks: int, environ: dict[str, str], folder: str) -> Sample:
    begin = time.perf_counter()
    processes = [
        start([sys.executable, script], environ, folder, stdout=subprocess.PIPE, bufsize=0) for _ in range(ranks)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == b"hello\n"
    last = time.perf_counter()
    for process in processes:
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]
    return give_sample(begin, last, ranks)


def give_sample(begin: float, last: float, ranks: int) -> Sample:
    found = {"last": (last - begin) * 1000, "exit": (time.perf_counter() - begin) * 1000}
    return {**found, **{f"{name}, a rank": taken / ranks for name, taken in found.items()}}


def measure(rounds: int = 15, many: int = MANY) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        source = f"{folder}/source"
        script = write_script(source, "import sys\nsys.stdout.write('hello\\n')\nsys.stdout.flush()\n")
        environ = make_environ(f"{folder}/home")
        time.sleep(0.2)  # a file that has just been written is not trusted to stay as it is

        def localrun(ranks: int) -> Sample:
            words = [LOCALRUN, "run", "-n", str(ranks), "-E", f"interpreter:{sys.executable}", "script.py"]
            return run_once(words, ranks, environ, source)

        mpirun = [*MPIRUN, "-n", str(FEW), sys.executable, script]
        found = alternate(
            {
                "few": lambda: localrun(FEW),
                "mpirun": against("mpirun", lambda: run_once(mpirun, FEW, environ, source)),
                "many": lambda: localrun(many),
                "plain": lambda: run_plain(script, many, environ, source),
            },
            rounds,
        )
    return list_rows(found, many)


def list_rows(found: dict[str, list[Sample]], many: int) -> list[Row]:
    def pair(quantity: str, ours: str, anchor: str) -> tuple[list[float], list[float]]:
        return pick(found[ours], quantity), pick(found[anchor], quantity)

    last, ends = "last, a rank", "exit, a rank"
    few, growth = f"{FEW} ranks", MOST_GROWTH
    return [
        Row(f"{FEW} ranks, last rank's first line", "ms", *pair("last", "few", "mpirun"), "mpirun", most_ratio=1),
        Row(f"{FEW} ranks, exit", "ms", *pair("exit", "few", "mpirun"), "mpirun"),
        Row(f"{many} ranks, last first line, a rank", "ms", *pair(last, "many", "few"), few, most_ratio=growth),
        Row(f"{many} ranks, exit, a rank", "ms", *pair(ends, "many", "few"), few, most_ratio=growth),
        Row(f"{many} ranks, last first line, a rank", "ms", *pair(last, "many", "plain"), "plain python"),
    ]


QUICK = {"many": 8}

if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
