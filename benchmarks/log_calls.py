"""What `run.log` costs in a script: microseconds a call, beside `print` of the same line; and that nothing is lost.

    python benchmarks/log_calls.py [CALLS] [RANKS]

Goal: at most 50 microseconds a call; 4 ranks x 100,000 calls lose none.
"""

from __future__ import annotations

import glob
import json
import os
import statistics
import subprocess
import sys
import tempfile

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


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    ranks = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    with tempfile.TemporaryDirectory() as folder:
        script = os.path.join(folder, "train.py")
        with open(script, "w") as file:
            file.write(SCRIPT)
        home = os.path.join(folder, "home")
        command = [sys.executable, "-m", "localrun", "run", "-q", "-n", str(ranks), script, str(count)]
        subprocess.run(command, env={**os.environ, "LOCALRUN_HOME": home}, stdout=subprocess.DEVNULL, check=True)
        (path,) = glob.glob(f"{home}/runs/*/wd/outputs/*")
        with open(path) as file:
            printed, logged = zip(*[map(float, line.split()) for line in file], strict=True)
        lost = 0
        for journal in glob.glob(f"{home}/runs/*/journal/*.jsonl"):
            with open(journal, "rb") as lines:
                lost += count - len({json.loads(line)["v"] for line in lines if b"-1" not in line})
    print(f"print {statistics.median(printed):6.1f} us a call, run.log {statistics.median(logged):6.1f} us (goal: 50)")
    print(f"{ranks} ranks x {count:,} calls: {lost} lost")
    return int(lost > 0)


if __name__ == "__main__":
    sys.exit(main())
