"""A snapshot of 2,000 unchanged files against `cp -a` and `cp -al` (hard links); its working directory; `diff`.

    python benchmarks/snapshots.py [ROUNDS]

The snapshot is what the record keeps; the copy that a run works in is the other row: its files have to be made, so `cp`
is the limit there. Nothing is removed before the end: ext4 makes files slowly where many have just been removed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

from pairs import LOCALRUN, Row, Sample, alternate, make_environ, pick, print_table, write_script

from localrun.plan import SourcePlan
from localrun.workspace.snapshot import copy_entries, list_source
from localrun.workspace.snapshot_store import keep_snapshot

FILES = 2_000


def make_source(folder: str) -> str:
    for number in range(FILES):
        place = f"{folder}/d{number // 100}"
        os.makedirs(place, exist_ok=True)
        with open(f"{place}/{number}.py", "w", encoding="ascii") as file:
            file.write(f"print({number})\n" * 500)
        os.utime(f"{place}/{number}.py", (1, 1))
    return folder


class Snapshots:
    """Takes snapshots of one source, one a run."""

    def __init__(self, home: str, source: str) -> None:
        self.home, self.source, self.number = home, source, 0

    def take(self) -> Sample:
        self.number += 1
        folder = f"{self.home}/runs/{self.number}"
        os.makedirs(f"{folder}/wd")
        begin = time.perf_counter()
        entries = list_source(SourcePlan(directory=self.source), home=self.home)
        kept = keep_snapshot(self.home, folder, self.source, entries)
        taken = time.perf_counter()
        copy_entries(self.source, entries, f"{folder}/wd", kept=kept)
        copied = time.perf_counter()
        return {"snapshot": (taken - begin) * 1000, "working": (copied - taken) * 1000}


def copy_once(source: str, flags: str) -> Sample:
    target = tempfile.mkdtemp(dir=os.path.dirname(source))
    begin = time.perf_counter()
    subprocess.run(["cp", flags, source, target], check=True)
    return {"copy": (time.perf_counter() - begin) * 1000}


def diff_once(environ: dict[str, str], runs: list[str]) -> Sample:
    begin = time.perf_counter()
    subprocess.run([LOCALRUN, "diff", *runs], env=environ, capture_output=True, check=True)
    return {"diff": (time.perf_counter() - begin) * 1000}


def measure(rounds: int = 11) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        source = make_source(f"{folder}/source")
        time.sleep(0.2)  # a file that has just been written is not trusted to stay as it is
        snapshots = Snapshots(f"{folder}/home", source)
        environ = make_environ(f"{folder}/runs-home")
        write_script(f"{folder}/code", "print('hello', flush=True)\n")
        run = [LOCALRUN, "run", "-d", "-q", "-E", f"interpreter:{sys.executable}", "script.py"]
        runs = []
        for _ in range(2):
            done = subprocess.run(run, env=environ, cwd=f"{folder}/code", capture_output=True, check=True, text=True)
            runs.append(done.stdout.strip())
        subprocess.run([LOCALRUN, "wait", *runs], env=environ, capture_output=True, check=True)
        found = alternate(
            {
                "localrun": snapshots.take,
                "cp": lambda: copy_once(source, "-a"),
                "links": lambda: copy_once(source, "-al"),
                "diff": lambda: diff_once(environ, runs),
            },
            rounds,
        )
    ours, copy, links = found["localrun"], pick(found["cp"], "copy"), pick(found["links"], "copy")
    return [
        Row("snapshot, 2,000 unchanged files", "ms", pick(ours, "snapshot"), copy, "cp -a", most_ratio=15 / 46),
        Row("snapshot, 2,000 unchanged files", "ms", pick(ours, "snapshot"), links, "cp -al", most_ratio=15 / 12),
        Row("working directory, 2,000 files", "ms", pick(ours, "working"), copy, "cp -a"),
        Row("diff of two runs", "ms", pick(found["diff"], "diff"), most=200),
    ]


if __name__ == "__main__":
    print_table(measure(*map(int, sys.argv[1:])))
