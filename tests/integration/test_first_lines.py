"""The record's first state is stored when the ranks are quiet: first lines do not wait for it, and it comes all the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

NEVER_QUIET = "while True: print('x' * 99, flush=True)"
QUIET = "import time; print('x', flush=True); time.sleep(60)"
SILENT = "import time; time.sleep(60)"


@pytest.mark.parametrize("script", [NEVER_QUIET, QUIET, SILENT])
def test_a_live_run_has_its_record_whether_its_rank_prints_or_not(tmp_path, script):
    (tmp_path / "script.py").write_text(script)
    environ = os.environ | {"LOCALRUN_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "localrun", "run", "-E", f"interpreter:{sys.executable}"]
    with subprocess.Popen(
        [*command, "script.py"], env=environ, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert read_record(tmp_path)["status"] == "running"
        finally:
            process.terminate()
        assert process.wait(30) == 143
    record = read_record(tmp_path)
    assert (record["status"], record["kind"]) == ("canceled", "terminated")
    assert {"prepare", "launch", "run"} <= set(record["timings"])


def read_record(folder):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for path in (folder / "home" / "runs").glob("*/run.json"):
            return json.loads(path.read_text())
        time.sleep(0.01)
    raise AssertionError("no record was written")
