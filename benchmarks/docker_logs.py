"""A container that prints as fast as it can, into a pipe and a file, against `docker run` with its default log driver.

    python benchmarks/docker_logs.py [ROUNDS] [MEBIBYTES]

Raw bytes by the time from the start of the command to its end, so the start of the container counts on both sides.
Every byte is accounted for: log and pipe are compared with what was printed.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time

from docker_anchor import check_image, make_docker, make_localrun
from logs import SCRIPT, make_block, remove_runs, time_output
from pairs import LOCALRUN, Row, Sample, alternate, make_environ, pick, print_table, start, write_script


def compare(path: str, repeats: int) -> None:
    block = make_block(0)
    with open(path, "rb") as file:
        for _ in range(repeats):
            assert file.read(len(block)) == block, f"{path} is not what was printed"
        assert not file.read()


def check_log(home: str, repeats: int) -> None:
    (run,) = os.listdir(f"{home}/runs")
    compare(f"{home}/runs/{run}/user_logs/std_log.txt", repeats)


def check_pipe(command: list[str], environ: dict[str, str], folder: str, repeats: int) -> None:
    with open(f"{folder}/piped", "wb") as out:
        assert start(command, environ, f"{folder}/source", stdout=out).wait() == 0
    compare(f"{folder}/piped", repeats)
    os.unlink(f"{folder}/piped")


def measure(rounds: int = 5, mebibytes: int = 512) -> list[Row]:
    check_image()
    block = len(make_block(0))
    repeats = mebibytes * 1024 * 1024 // block
    with tempfile.TemporaryDirectory() as folder:
        source, home = f"{folder}/source", f"{folder}/home"
        write_script(source, SCRIPT.replace('os.environ.get("OMPI_COMM_WORLD_RANK")', "0"))
        environ = make_environ(home)
        time.sleep(0.2)  # a file that has just been written is not trusted to stay as it is
        ours = [*make_localrun(LOCALRUN), "script.py"]
        docker = [*make_docker(source), "script.py"]
        check_pipe([*ours, "20"], environ, folder, 20)
        remove_runs(home, environ)

        def run_ours() -> Sample:
            sample = time_output([*ours, str(repeats)], environ, source, repeats * block)
            check_log(home, repeats)
            remove_runs(home, environ)
            return sample

        part = max(1, repeats // 8)  # it is an order of magnitude slower
        found = alternate(
            {
                "localrun": run_ours,
                "docker": lambda: time_output([*docker, str(part)], environ, source, part * block),
            },
            rounds,
        )
    ours_speed, docker_speed = pick(found["localrun"], "speed"), pick(found["docker"], "speed")
    return [Row("a container prints", "MB/s", ours_speed, docker_speed, "docker run", least_ratio=3)]


QUICK = {"mebibytes": 16}

if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
