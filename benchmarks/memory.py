"""What localrun itself holds in memory while a rank sleeps: front end and supervisor together.

    python benchmarks/memory.py [ROUNDS]

RSS counts each process's pages; PSS (proportional) counts a page that n processes share as 1/n for each: the sum
is what the machine would get back.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

from pairs import LOCALRUN, Row, Sample, alternate, make_environ, pick, print_table, start, write_script


def read_memory(pid: int) -> Sample:
    """Give megabytes (10^6 bytes) of a process."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file.read().splitlines()[1:])
    return {name: int(lines[name].split()[0]) * 1024 / 1e6 for name in ("Rss", "Pss")}


def list_children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def measure_run(command: list[str], environ: dict[str, str], folder: str) -> Sample:
    process = start(command, environ, folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    time.sleep(0.5)  # the record is written, and everything has come to rest
    (supervisor,) = list_children(process.pid)
    found = [read_memory(process.pid), read_memory(supervisor)]
    os.kill(process.pid, 15)
    process.stdout.read()
    process.wait()
    return {name: sum(item[name] for item in found) for name in ("Rss", "Pss")}


def measure_bare(environ: dict[str, str]) -> Sample:
    command = [sys.executable, "-c", "import sys; print('ready', flush=True); sys.stdin.read()"]
    with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        found = read_memory(process.pid)
        process.communicate(b"")
    return found


def measure(rounds: int = 5) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        source = f"{folder}/source"
        write_script(source, "import time\nprint('ready', flush=True)\ntime.sleep(60)\n")
        environ = make_environ(f"{folder}/home")
        time.sleep(0.2)  # a file that has just been written is not trusted to stay as it is
        localrun = [LOCALRUN, "run", "-E", f"interpreter:{sys.executable}", "script.py"]
        measure_run(localrun, environ, source)  # the cold run, which imports far more
        found = alternate(
            {"localrun": lambda: measure_run(localrun, environ, source), "python": lambda: measure_bare(environ)},
            rounds,
        )
    ours, bare = found["localrun"], found["python"]
    return [
        Row("memory while a rank sleeps, PSS", "MB", pick(ours, "Pss"), pick(bare, "Pss"), "python, idle", most=25),
        Row("memory while a rank sleeps, RSS", "MB", pick(ours, "Rss"), pick(bare, "Rss"), "python, idle"),
    ]


if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
