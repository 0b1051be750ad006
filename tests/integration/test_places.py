"""The place of a rank, put together again from the record when the rank has ended."""

from __future__ import annotations

import json

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
