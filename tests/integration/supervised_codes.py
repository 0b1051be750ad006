"""Drive the supervisor's loop through one real child for each exit code and signal; print what came out as JSON."""

from __future__ import annotations

import json
import os
import sys

from localrun.adapters import signals
from localrun.supervise.course import Course
from localrun.supervise.local_hands import LocalHands
from localrun.supervise.loop import Supervisor
from localrun.supervise.process import Process


def supervise(number, folder):
    log = os.path.join(folder, f"{number}.txt")
    # a shell that becomes the child: an interpreter each would take four times as long
    program = f"exit {number}" if number >= 0 else f"kill {number} $$"
    process = Process(
        rank=0, node=0, argv=("sh", "-c", program), variables=(("PATH", os.defpath),), directory="/", log=log
    )
    signals.hold_asks()
    supervisor = Supervisor((process,), (), Course([0], bootstrap=False, stop_timeout_s=1), -1, LocalHands())
    supervisor.start()
    outcome = supervisor.run(-1, lambda *_: None)
    return [outcome.status, outcome.exit_code, outcome.origin, outcome.kind, outcome.ranks[0].code]


print(json.dumps({number: supervise(number, sys.argv[1]) for number in map(int, sys.argv[2:])}))
