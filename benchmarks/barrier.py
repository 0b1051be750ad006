"""The barrier: from the end of a node's bootstrap script to the first instruction of the last of four ranks.

    python benchmarks/barrier.py [ROUNDS]

Other side: the polling loop of Azure ML's bootstrap idiom, in which the ranks look for a marker file once a second.
The ranks are shells that tell the time first: an interpreter's own start is not the barrier's.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time

from pairs import LOCALRUN, Row, Sample, alternate, make_environ, pick, print_table, start, write_script

RANKS = 4
RANK = "echo released $EPOCHREALTIME"
BOOTSTRAP = 'sleep "$PAUSE"\necho "ended $EPOCHREALTIME"\n'
LOOP = """
if [ "$LOCAL_RANK" = 0 ]; then
    sleep "$PAUSE"
    touch "$MARKER"
    echo "ended $EPOCHREALTIME"
else
    while [ ! -f "$MARKER" ]; do sleep 1; done
fi
echo "released $EPOCHREALTIME"
"""


def read_wait(text: str) -> Sample:
    words = [line.split()[-2:] for line in text.splitlines()]
    (ended,) = [float(moment) for what, moment in words if what == "ended"]
    released = [float(moment) for what, moment in words if what == "released"]
    assert len(released) == RANKS, text
    return {"wait": (max(released) - ended) * 1000}


def run_ours(environ: dict[str, str], folder: str) -> Sample:
    environ = {**environ, "PAUSE": f"{random.uniform(0.3, 1.3):.3f}"}
    command = [LOCALRUN, "run", "-q", "-n", str(RANKS), "-E", f"interpreter:{sys.executable}"]
    command += ["--source", folder, "--bootstrap", "bootstrap.sh", "--command", RANK]
    done = subprocess.run(command, env=environ, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return read_wait(done.stdout)


def run_loop(environ: dict[str, str], folder: str) -> Sample:
    marker = os.path.join(folder, "marker")
    if os.path.exists(marker):
        os.unlink(marker)
    environ = {**environ, "PAUSE": f"{random.uniform(0.3, 1.3):.3f}", "MARKER": marker}
    ranks = [
        start(["bash", "-c", LOOP], {**environ, "LOCAL_RANK": str(rank)}, folder, stdout=subprocess.PIPE)
        for rank in range(RANKS)
    ]
    return read_wait("".join([rank.communicate()[0].decode() for rank in ranks]))


def measure(rounds: int = 15) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        source = f"{folder}/source"
        write_script(source, BOOTSTRAP, "bootstrap.sh")
        environ = make_environ(f"{folder}/home")
        time.sleep(0.2)  # a file that has just been written is not trusted to stay as it is
        found = alternate(
            {"localrun": lambda: run_ours(environ, source), "loop": lambda: run_loop(environ, folder)}, rounds
        )
    ours, loop = pick(found["localrun"], "wait"), pick(found["loop"], "wait")
    return [Row("barrier, last of 4 ranks released", "ms", ours, loop, "sleep 1 loop", most=10)]


if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
