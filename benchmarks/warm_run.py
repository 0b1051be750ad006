"""A warm local run of one rank with every feature on, against the same interpreter on the same script.

    python benchmarks/warm_run.py [ROUNDS]

From the start of the command to the script's first line, as its reader sees it, and to the end of the command.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

from pairs import LOCALRUN, Row, Sample, alternate, make_environ, pick, print_table, start, write_script


def run_once(command: list[str], environ: dict[str, str], folder: str) -> Sample:
    begin = time.perf_counter()
    process = start(command, environ, folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
    assert process.stdout
    line = b""
    while not line.endswith(b"\n") and (more := process.stdout.read(6 - len(line))):
        line += more
    first = time.perf_counter()
    rest = process.stdout.read()
    code = process.wait()
    end = time.perf_counter()
    assert (line, rest, code) == (b"hello\n", b"", 0), (line, rest, code)
    return {"first": (first - begin) * 1000, "exit": (end - begin) * 1000}


def measure(rounds: int = 41) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        source = f"{folder}/source"
        script = write_script(source, "print('hello', flush=True)\n")
        environ = make_environ(f"{folder}/home")
        localrun = [LOCALRUN, "run", "-E", f"interpreter:{sys.executable}", "script.py"]
        time.sleep(0.2)  # a file that has just been written is not trusted to stay as it is
        subprocess.run(localrun, env=environ, cwd=source, capture_output=True, check=True)
        found = alternate(
            {
                "localrun": lambda: run_once(localrun, environ, source),
                "python": lambda: run_once([sys.executable, script], environ, source),
            },
            rounds,
        )
    ours, plain = found["localrun"], found["python"]
    return [
        Row("warm run, first line", "ms", pick(ours, "first"), pick(plain, "first"), "python script.py", most_ratio=6),
        Row("warm run, exit", "ms", pick(ours, "exit"), pick(plain, "exit"), "python script.py"),
    ]


if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
