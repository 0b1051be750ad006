"""Many ranks, warm: what each costs when there are 64 of them and when there are 4.

python benchmarks/many_ranks.py [ROUNDS]

The anchor is the same rank at its leanest: as many plain `python script.py` started at once by this process.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

from pairs import LOCALRUN, Row, Sample, alternate, make_environ, pick, print_table, start, write_script

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
    return {"last": (last - begin) * 1000 / ranks, "exit": (time.perf_counter() - begin) * 1000 / ranks}


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
    return {"last": (last - begin) * 1000 / ranks, "exit": (time.perf_counter() - begin) * 1000 / ranks}


def measure(rounds: int = 11) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        source = f"{folder}/source"
        script = write_script(source, "import sys\nsys.stdout.write('hello\\n')\nsys.stdout.flush()\n")
        environ = make_environ(f"{folder}/home")
        time.sleep(0.2)  # a file that has just been written is not trusted to stay as it is
        environment = f"interpreter:{sys.executable}"

        def localrun(ranks: int) -> Sample:
            words = [LOCALRUN, "run", "-n", str(ranks), "-E", environment, "script.py"]
            return run_once(words, ranks, environ, source)

        found = alternate(
            {
                "few": lambda: localrun(FEW),
                "many": lambda: localrun(MANY),
                "plain": lambda: run_plain(script, MANY, environ, source),
            },
            rounds,
        )
    few, many, plain = found["few"], found["many"], found["plain"]
    return [
        Row(
            f"{MANY} ranks, last first line, a rank", "ms", pick(many, "last"), pick(few, "last"), f"{FEW} ranks",
            most_ratio=MOST_GROWTH,
        ),
        Row(
            f"{MANY} ranks, exit, a rank", "ms", pick(many, "exit"), pick(few, "exit"), f"{FEW} ranks",
            most_ratio=MOST_GROWTH,
        ),
        Row(f"{MANY} ranks, last first line, a rank", "ms", pick(many, "last"), pick(plain, "last"), "plain python"),
    ]  # fmt: skip


if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
