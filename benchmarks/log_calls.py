"""What `run.log` costs in a script of 4 ranks, in microseconds a call, beside `print` of the same line.

    python benchmarks/log_calls.py [ROUNDS] [CALLS]

Every call is accounted for: the journals must hold each of them.
"""

from __future__ import annotations

import glob
import json
import statistics
import subprocess
import sys
import tempfile

from pairs import LOCALRUN, Row, Sample, make_environ, pick, print_table, write_script

RANKS = 4
SCRIPT = """
import sys, time
from azureml.core import Run
run = Run.get_context()
run.log("n", -1)
count = int(sys.argv[1])
began = time.perf_counter()
for number in range(count):
    print("Attempted to log scalar metric n:\\n{}".format(number))
printed = time.perf_counter()
for number in range(count):
    run.log("n", number)
logged = time.perf_counter()
open("outputs/%s" % run.id, "a").write("%f %f\\n" % ((printed - began) / count * 1e6, (logged - printed) / count * 1e6))
"""


def run_once(count: int) -> Sample:
    """Give the medians of the ranks, both measured in the same process."""
    with tempfile.TemporaryDirectory() as folder:
        home = f"{folder}/home"
        write_script(f"{folder}/source", SCRIPT, "train.py")
        command = [
            LOCALRUN,
            "run",
            "-q",
            "-n",
            str(RANKS),
            "-E",
            f"interpreter:{sys.executable}",
            "train.py",
            str(count),
        ]
        subprocess.run(command, env=make_environ(home), cwd=f"{folder}/source", stdout=subprocess.DEVNULL, check=True)
        (path,) = glob.glob(f"{home}/runs/*/wd/outputs/*")
        with open(path, encoding="ascii") as file:
            printed, logged = zip(*[map(float, line.split()) for line in file], strict=True)
        journals = glob.glob(f"{home}/runs/*/journal/*.jsonl")
        assert len(journals) == RANKS
        for journal in journals:
            with open(journal, "rb") as lines:
                assert len({json.loads(line)["v"] for line in lines if b"-1" not in line}) == count, "calls are lost"
    return {"print": statistics.median(printed), "log": statistics.median(logged)}


def measure(rounds: int = 3, calls: int = 100_000) -> list[Row]:
    found = [run_once(calls) for _ in range(rounds)]
    return [Row(f"run.log, {RANKS} ranks, a call", "us", pick(found, "log"), pick(found, "print"), "print", most=50)]


QUICK = {"calls": 1_000}

if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
