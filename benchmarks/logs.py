"""Eight ranks that print as fast as they can, prefixed into one pipe and raw into a file each, against `mpirun`.

    python benchmarks/logs.py [ROUNDS] [MEBIBYTES A RANK]

Raw bytes of all ranks together, by the time from the start of the command to its end. Every byte is accounted for: each
log is compared with what its rank printed, and the pipe must hold each line with its prefix, in the order of its rank.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

from pairs import LOCALRUN, MPIRUN, Row, Sample, against, alternate, make_environ, print_table, start, write_script

RANKS = 8
LINE = (
    "rank {rank} line {number:06d} 0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopqrstuvwxyz .....\n"
)
LINES = 10_000
SCRIPT = f"""
import os, sys
rank = int(os.environ.get("RANK", os.environ.get("OMPI_COMM_WORLD_RANK")))
line = {LINE!r}
block = "".join([line.format(rank=rank, number=number) for number in range({LINES})]).encode()
for _ in range(int(sys.argv[1])):
    rest = memoryview(block)
    while rest:
        rest = rest[os.write(1, rest[:65536]):]
"""


def make_block(rank: int) -> bytes:
    return "".join([LINE.format(rank=rank, number=number) for number in range(LINES)]).encode()


def time_output(command: list[str], environ: dict[str, str], folder: str, raw_bytes: int) -> Sample:
    """Run a command with `cat` reading what it prints; give MB of raw output a second."""
    begin = time.perf_counter()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as reader:
        process = start(command, environ, folder, stdout=reader.stdin, stderr=subprocess.DEVNULL)
        assert process.wait() == 0
        assert reader.stdin
        reader.stdin.close()
    return {"speed": raw_bytes / 1e6 / (time.perf_counter() - begin)}


def check_logs(home: str, repeats: int) -> None:
    (run,) = os.listdir(f"{home}/runs")
    folder = f"{home}/runs/{run}/user_logs"
    for rank in range(RANKS):
        block = make_block(rank)
        with open(f"{folder}/std_log_process_{rank}.txt", "rb") as file:
            for _ in range(repeats):
                assert file.read(len(block)) == block, f"rank {rank}: the log is not what it printed"
            assert not file.read()


def check_pipe(command: list[str], environ: dict[str, str], folder: str, repeats: int) -> None:
    """Run once with the output kept: each rank's lines are whole, complete and in their order."""
    with tempfile.TemporaryFile(dir=folder) as out:
        process = start(command, environ, folder, stdout=out, stderr=subprocess.DEVNULL)
        assert process.wait() == 0
        out.seek(0)
        shown: list[list[bytes]] = [[] for _ in range(RANKS)]
        for line in out:
            prefix, rest = line[:9], line[9:]
            shown[int(prefix[6:7])].append(rest)
    for rank in range(RANKS):
        assert b"".join(shown[rank]) == make_block(rank) * repeats, f"rank {rank}: lines are lost, torn or out of order"


def remove_runs(home: str, environ: dict[str, str]) -> None:
    runs = os.listdir(f"{home}/runs")
    subprocess.run([LOCALRUN, "rm", *runs], env=environ, stdout=subprocess.DEVNULL, check=True)


def measure(rounds: int = 5, mebibytes: int = 48) -> list[Row]:
    block = len(make_block(0))
    repeats = mebibytes * 1024 * 1024 // block
    raw = RANKS * repeats * block
    with tempfile.TemporaryDirectory() as folder:
        source, home = f"{folder}/source", f"{folder}/home"
        script = write_script(source, SCRIPT)
        environ = make_environ(home)
        time.sleep(0.2)  # a file that has just been written is not trusted to stay as it is
        localrun = [LOCALRUN, "run", "-n", str(RANKS), "-E", f"interpreter:{sys.executable}", "script.py"]
        mpirun = [*MPIRUN, "--tag-output", "-n", str(RANKS), sys.executable, script]
        check_pipe([*localrun, "20"], environ, source, 20)
        remove_runs(home, environ)

        def run_ours() -> Sample:
            sample = time_output([*localrun, str(repeats)], environ, source, raw)
            check_logs(home, repeats)
            remove_runs(home, environ)
            return sample

        part = max(1, repeats // 8)  # it is an order of magnitude slower
        found = alternate(
            {
                "localrun": run_ours,
                "mpirun": against(
                    "mpirun", lambda: time_output([*mpirun, str(part)], environ, source, raw * part // repeats)
                ),
            },
            rounds,
        )
    speeds = {name: [sample["speed"] for sample in samples] for name, samples in found.items()}
    return [Row("8 ranks print", "MB/s", speeds["localrun"], speeds["mpirun"], "mpirun --tag-output", least=200)]


QUICK = {"mebibytes": 4}

if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
