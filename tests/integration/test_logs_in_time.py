"""When lines were printed, what matches, and what ranks use."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess

import pytest
from run_kit import hear, wait_until

from localrun.adapters.processes import name_rank
from localrun.supervise.sampling import Finder

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture
def talked(localrun):
    """Run two ranks that print in turn."""
    text = (
        "import os, sys, time\nrank = int(os.environ['RANK'])\nfor number in range(3):\n"
        "    time.sleep(0.3 + (0.25 * rank if number == 0 else 0.2))\n"
        "    print('line', number, 'of', rank, flush=True)\n"
        "sys.stdout.write('the end of %d' % rank)\n"
    )
    localrun.write("train.py", text)
    assert localrun.run("-q", "-n", "2", "train.py").returncode == 0
    return localrun


def test_merged_lines_come_in_the_order_in_which_they_were_printed(talked):
    lines = talked.command("logs", "--merge", "--timestamps", "latest").stdout.decode().splitlines()
    assert len(lines) == 8
    stamps = [line.split(" ", 1)[0] for line in lines]
    assert all(re.fullmatch(STAMP, stamp) for stamp in stamps)
    assert stamps == sorted(stamps)
    for rank in (0, 1):
        mine = [line.split(" ", 1)[1] for line in lines if f"[rank {rank}]" in line]
        assert mine == [f"[rank {rank}] {text}" for text in (f"line 0 of {rank}", f"line 1 of {rank}", f"line 2 of {rank}", f"the end of {rank}")]  # fmt: skip
    merged = talked.command("logs", "--merge", "latest").stdout
    by_rank = talked.command("logs", "latest").stdout
    assert sorted(merged.splitlines()) == sorted(by_rank.splitlines())
    assert merged != by_rank


def test_only_lines_that_match_are_shown(talked):
    assert (
        talked.command("logs", "--grep", r"line [12]", "--rank", "1", "latest").stdout == b"line 1 of 1\nline 2 of 1\n"
    )
    both = talked.command("logs", "--grep", "end", "latest").stdout
    assert both == b"[rank 0] the end of 0\n[rank 1] the end of 1\n"
    last = talked.command("logs", "--merge", "--grep", "line", "--tail", "1", "latest").stdout
    assert last.endswith(b"line 2 of 1\n")
    assert last.count(b"\n") == 1


def test_pattern_that_is_none_or_never_ends_is_refused(localrun):
    localrun.write("train.py", "print('a' * 40 + '!')")
    assert localrun.run("-q", "train.py").returncode == 0
    refused = localrun.command("logs", "--grep", "(", "latest")
    assert refused.returncode == 125
    assert b"--grep: '(' is no pattern" in refused.stderr
    slow = localrun.command("logs", "--grep", "(a+)+$", "latest")
    assert slow.returncode == 125
    assert b"takes too long for one line" in slow.stderr


def test_times_of_a_single_rank_are_kept_on_request(localrun):
    localrun.write("train.py", "print('one'); print('two')")
    assert localrun.run("-q", "train.py").returncode == 0
    refused = localrun.command("logs", "--timestamps", "latest")
    assert b"did not keep when its lines were printed" in refused.stderr
    shown = localrun.run("-q", "--timestamps", "train.py").stdout.decode()
    assert re.fullmatch(f"{STAMP} one\n{STAMP} two\n", shown)
    assert re.fullmatch(
        f"{STAMP} one\n{STAMP} two\n", localrun.command("logs", "--timestamps", "latest").stdout.decode()
    )


def test_merged_lines_are_followed(localrun):
    localrun.write(
        "train.py", "import os, sys; print('a', flush=True); open(sys.argv[1]).read(); print('b', flush=True)"
    )
    gates = [localrun.fifo(f"gate-{rank}") for rank in range(2)]
    localrun.write("train.sh", f'set -e; python train.py "{os.path.dirname(gates[0])}/gate-$RANK"')
    words = ("--command", "bash train.sh", "--source", localrun.source)
    started = localrun.run("-q", "-d", "-n", "2", "--distribution", "pytorch", *words)
    assert started.returncode == 0, started.stderr
    with localrun.start("logs", "-f", "--merge", "latest") as child:
        assert sorted(child.stdout.readline() for _ in range(2)) == [b"[rank 0] a\n", b"[rank 1] a\n"]
        for rank in (1, 0):
            with open(gates[rank], "w") as gate:
                gate.write("go")
            assert child.stdout.readline() == b"[rank %d] b\n" % rank
        child.wait(30)


BUSY = "import sys, threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()\nopen(sys.argv[1], 'w').write('here\\n')\nx = b'x' * 50_000_000\nwhile True: pass\n"


def test_stats_show_the_rank_of_each_node_without_a_distribution(localrun):
    localrun.write("train.py", "import sys, time\nopen(sys.argv[1], 'w').write('here\\n')\ntime.sleep(600)\n")
    here = localrun.fifo()
    run_id = localrun.run("-q", "-d", "--nodes", "2", "train.py", here).stdout.decode().strip()
    hear(here, 2)
    rows = json.loads(localrun.command("stats", "--no-stream", "--format", "json", run_id).stdout)
    assert [(row["rank"], row["node"]) for row in rows] == [(0, 0), (1, 1)]
    localrun.command("kill", run_id)
    localrun.command("wait", run_id)


NVIDIA_SMI = "#!/bin/sh\necho \"$(cat {place}), 512\"\necho '1, [N/A]'\n"


def test_stats_show_the_memory_of_a_gpu_where_nvidia_smi_answers(localrun, tmp_path):
    localrun.write(
        "train.py", "import os, sys, time\nopen(sys.argv[1], 'w').write(f'{os.getpid()}\\n')\ntime.sleep(600)\n"
    )
    here, place, program = localrun.fifo(), tmp_path / "pid", tmp_path / "bin" / "nvidia-smi"
    run_id = localrun.run("-q", "-d", "train.py", here).stdout.decode().strip()
    place.write_text(hear(here)[0])
    program.parent.mkdir()
    program.write_text(NVIDIA_SMI.format(place=place))
    program.chmod(0o755)
    environ = {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    (row,) = json.loads(localrun.command("stats", "--no-stream", "--format", "json", run_id, env=environ).stdout)
    assert row["gpu_memory_bytes"] == 512 * 1024**2
    table = localrun.command("stats", "--no-stream", run_id, env=environ).stdout.decode()
    assert "GPU MEMORY" in table
    assert "512 MiB" in table
    localrun.command("kill", run_id)
    localrun.command("wait", run_id)


def test_stats_show_what_each_rank_uses_and_write_it_down(localrun):
    localrun.write("train.py", BUSY)
    here = localrun.fifo()
    run_id = localrun.run("-q", "-d", "-n", "2", "train.py", here).stdout.decode().strip()
    hear(here, 2)
    wait_until(
        lambda: (
            json.loads(localrun.command("stats", "--no-stream", "--format", "json").stdout)[0]["memory_bytes"]
            > 50_000_000
        )
    )
    rows = json.loads(localrun.command("stats", "--no-stream", "--format", "json", run_id).stdout)
    assert [(row["run_id"], row["rank"], row["node"], row["processes"], row["threads"]) for row in rows] == [(run_id, rank, 0, 1, 2) for rank in range(2)]  # fmt: skip
    assert all(row["cpu_percent"] > 5 for row in rows)
    table = localrun.command("stats", "--no-stream").stdout.decode().splitlines()
    assert table[0].split() == ["RUN", "ID", "NODE", "RANK", "CPU", "MEMORY", "THREADS", "PROCESSES"]
    assert table[2].split()[:3] == [run_id, "0", "1"]
    folder = os.path.join(localrun.home, "runs", run_id)
    assert not os.path.exists(f"{folder}/usage.jsonl")
    with localrun.start("stats", run_id, stdout=subprocess.DEVNULL) as child:
        wait_until(lambda: os.path.exists(f"{folder}/usage.jsonl") and os.path.getsize(f"{folder}/usage.jsonl"), 20)
        child.send_signal(signal.SIGINT)
        assert child.wait(10) == 130
    localrun.command("kill", run_id)
    localrun.command("wait", run_id)
    with open(f"{folder}/usage.jsonl", encoding="utf-8") as file:
        assert [row["rank"] for row in json.loads(file.readline())["ranks"]] == [0, 1]
    assert b"has ended" in localrun.command("stats", run_id).stderr


UNTIL_SAMPLED = """
import glob, sys, time
lines = []
while len(lines) < 2 or not any(line.count('"threads"') == 2 for line in lines):
    time.sleep(0.05)
    lines = [line for name in glob.glob(sys.argv[1]) for line in open(name)]
"""


def test_run_writes_down_what_its_ranks_use_when_asked(localrun):
    localrun.write("train.py", UNTIL_SAMPLED)
    usage = f"{localrun.home}/runs/*/usage.jsonl"
    assert localrun.run("-q", "--stats", "-n", "2", "train.py", usage).returncode == 0
    with open(f"{localrun.record()['folder']}/usage.jsonl", encoding="utf-8") as file:
        samples = [json.loads(line) for line in file]
    assert len(samples) >= 2
    assert any([row["rank"] for row in sample["ranks"]] == [0, 1] for sample in samples)
    localrun.write("train.py", "pass")
    assert localrun.run("-q", "train.py").returncode == 0
    assert not os.path.exists(f"{localrun.record()['folder']}/usage.jsonl")


def test_ranks_that_begin_one_after_the_other_are_all_found(tmp_path):
    names = {name_rank({"AZUREML_PROCESS_NAME": f"rank_{rank}"}): rank for rank in range(2)}
    finder = Finder(str(tmp_path), names)
    with contextlib.ExitStack() as stack:
        children = []
        for rank in range(2):
            environ = {"AZUREML_RUN_ID": str(tmp_path), "AZUREML_PROCESS_NAME": f"rank_{rank}"}
            child = stack.enter_context(subprocess.Popen(("sleep", "600"), env=environ))
            stack.callback(child.kill)
            children.append(child)
            assert finder.find() == {rank: child.pid for rank, child in enumerate(children)}
        children[0].kill()
        children[0].wait()
        assert finder.find() == {1: children[1].pid}
