"""The place of a rank, put together again from the record when the rank has ended."""

from __future__ import annotations

import json
import os
import re

from run_kit import LOCALRUN

SHOW = "import json, os\nprint(json.dumps(dict(os.environ)))\n"


def test_shell_of_an_ended_run_has_every_variable_that_the_rank_had(localrun):
    localrun.write("show.py", SHOW)
    localrun.write("bootstrap.sh", "true\n")  # with it each node has a Python of its own
    given = ("-e", "GIVEN=x", "--bootstrap", "bootstrap.sh", "-E", f"interpreter:{LOCALRUN[0]}")
    assert localrun.run("-q", "--nodes", "2", "-n", "2", *given, "show.py").returncode == 0
    theirs = json.loads(localrun.log(3).splitlines()[-1])
    done = localrun.command("shell", "latest", "--rank", "3", "python", "show.py")
    assert json.loads(done.stdout) == theirs, done.stderr
    assert (theirs["GIVEN"], theirs["RANK"], "MASTER_PORT" in theirs) == ("x", "3", True)


def test_all_that_a_run_leaves_is_listed_on_the_page_of_the_workspace(localrun):
    localrun.write("bootstrap.sh", "true\n")
    done = localrun.run("--nodes", "2", "--timestamps", "--stats", "--bootstrap", "bootstrap.sh", "--command", "true")
    assert done.returncode == 0, done.stderr
    with open(os.path.join(os.path.dirname(__file__), "..", "..", "docs", "workspace.md"), encoding="utf-8") as file:
        page = file.read()
    left = [*os.listdir(localrun.home), *os.listdir(localrun.record()["folder"])]
    named = [re.sub(r"-\d+$", "-K", re.sub(r"(\.lock|-wal|-shm)$", "", name)) for name in left]
    assert [name for name in named if f"`{name}" not in page] == []
