"""A supervisor as the workspace sees one: claims, notes, records, and ends as it is told on the command line.

    fake_supervisor.py HOME RUN_ID RANKS MANNER

MANNER: `willing` closes its record on SIGTERM; `unwilling` ignores SIGTERM; `brief` ends by itself with exit code 7;
`early` claims and makes the folder, but has no record. Prints `ready` and the ranks' pids.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from localrun.adapters import processes
from localrun.workspace import active, records
from localrun.workspace.home import folder_of

RANK = """
import os, signal, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import os, time; os.setsid(); time.sleep(600)"])
if sys.argv[1] == "unwilling":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("from the rank", flush=True)
time.sleep(600)
"""


def start_rank(home, run_id, rank, manner):
    logs = os.path.join(folder_of(home, run_id), "user_logs")
    os.makedirs(logs, exist_ok=True)
    with open(os.path.join(logs, f"std_log_process_{rank}.txt"), "wb") as log:
        return subprocess.Popen(
            [sys.executable, "-c", RANK, manner], stdout=log, env={**os.environ, "AZUREML_RUN_ID": run_id},
            start_new_session=True,
        )  # fmt: skip


def main(home, run_id, count, manner):
    entry = active.claim(home, run_id)
    me = processes.identify(os.getpid())
    active.note(entry, [f"boot {processes.boot_id()}", f"supervisor {me.pid} {me.start}"])
    if manner == "early":
        os.makedirs(folder_of(home, run_id))
        print("ready", flush=True)
        time.sleep(600)
    ranks = [start_rank(home, run_id, rank, manner) for rank in range(int(count))]
    logs = [os.path.join(folder_of(home, run_id), "user_logs", f"std_log_process_{n}.txt") for n in range(int(count))]
    while not all(os.path.getsize(log) for log in logs):
        time.sleep(0.01)
    known = [processes.identify(rank.pid) for rank in ranks]
    active.note(entry, [f"rank {rank} {process.pid} {process.start}" for rank, process in enumerate(known)])
    record = {
        "schema": 1, "run_id": run_id, "status": "running", "exit_code": None, "experiment": "exp", "display_name": "",
        "target": "local", "started_at": records.timestamp(time.time()), "duration_s": None,
        "folder": folder_of(home, run_id), "plan": {"stop_timeout_s": 1},
        "ranks": [{"rank": rank, "status": "running", "log": f"std_log_process_{rank}.txt"} for rank in range(len(ranks))],
    }  # fmt: skip
    records.insert(home, record)

    def close(code):
        for process in processes.descendants(known):
            processes.send(process, signal.SIGKILL)
        state = "completed" if code == 0 else "failed" if code < 128 else "canceled"
        ended = [{**rank, "status": state} for rank in record["ranks"]]
        records.update(home, record | {"status": state, "exit_code": code, "duration_s": 1.0, "ranks": ended})
        active.release(home, run_id, entry)
        os._exit(0)

    signal.signal(signal.SIGTERM, signal.SIG_IGN if manner == "unwilling" else lambda *_: close(143))
    print("ready", *[rank.pid for rank in ranks], flush=True)
    if manner == "brief":
        sys.stdin.readline()
        close(7)
    while True:
        time.sleep(0.05)
        if all(rank.poll() is not None for rank in ranks) and manner != "unwilling":
            close(137)


main(*sys.argv[1:])
