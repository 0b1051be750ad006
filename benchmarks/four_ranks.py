"""Four ranks, warm: until the last rank's first line, against Open MPI's `mpirun`.

python benchmarks/four_ranks.py [ROUNDS]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

from pairs import LOCALRUN, MPIRUN, Row, Sample, alternate, make_environ, pick, print_table, start, write_script

RANKS = 4


def run_once(command: list[str], environ: dict[str, str], folder: str) -> Sample:
    begin = time.perf_counter()
    process = start(command, environ, folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
    assert process.stdout
    seen = b""
    while seen.count(b"hello\n") < RANKS and (more := process.stdout.read(4096)):
        seen += more
    last = time.perf_counter()
    process.stdout.read()
    code = process.wait()
    assert (seen.count(b"hello\n"), code) == (RANKS, 0), (seen, code)
    return {"last": (last - begin) * 1000, "exit": (time.perf_counter() - begin) * 1000}


def measure(rounds: int = 21) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        source = f"{folder}/source"
        script = write_script(source, "import sys\nsys.stdout.write('hello\\n')\nsys.stdout.flush()\n")
        environ = make_environ(f"{folder}/home")
        time.sleep(0.2)  # a file that has just been written is not trusted to stay as it is
        localrun = [LOCALRUN, "run", "-n", str(RANKS), "-E", f"interpreter:{sys.executable}", "script.py"]
        mpirun = [*MPIRUN, "-n", str(RANKS), sys.executable, script]
        found = alternate(
            {
                "localrun": lambda: run_once(localrun, environ, source),
                "mpirun": lambda: run_once(mpirun, environ, source),
            },
            rounds,
        )
    ours, others = found["localrun"], found["mpirun"]
    return [
        Row("4 ranks, last rank's first line", "ms", pick(ours, "last"), pick(others, "last"), "mpirun", most_ratio=1),
        Row("4 ranks, exit", "ms", pick(ours, "exit"), pick(others, "exit"), "mpirun"),
    ]


if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
