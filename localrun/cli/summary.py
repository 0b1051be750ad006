"""What is said at the end of a run."""

from __future__ import annotations

import os

from localrun.cli.telling import print_lines
from localrun.escaping import escape
from localrun.workspace.home import tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from localrun.workspace.run_files import Record

REASONS = {
    "bootstrap_failed": "failed in the bootstrap script",
    "barrier_timeout": "was still in the bootstrap script at the barrier's time limit",
    "rank_hung": "hung, neither printing nor computing,",
    "out_of_memory": "ran out of memory and was killed by the system",
}
ENDINGS = {
    "time_limit": "stopped at its time limit",
    "interrupted": "interrupted",
    "terminated": "terminated",
    "hung_up": "ended with its terminal",
    "front_end_lost": "ended with its front end",
    "rank_hung": "ended because a rank hung",
    "lost": "lost: its supervisor died",
}


def tell_end(record: Record) -> None:
    """Say how a run ended, whose fault it was, and where outputs and record are; the kind comes last, where one is."""
    failure = record.get("first_failure")
    if failure:
        tell_failure(record, failure)
    known = record.get("plan", {}).get("notes", ())  # these were told at the start; a lost run may have no plan
    for note in record["notes"][len(known) :]:
        tell(f"note: {note}")
    ending = ENDINGS.get(record["kind"], record["status"])
    duration = "" if record["duration_s"] is None else f" after {record['duration_s']:.1f} s"
    code = f", exit code {record['exit_code']}" if record["exit_code"] else ""
    tell(f"{ending}{duration}{code}; outputs in {locate_outputs(record)}")
    if record["exit_code"]:
        print_lines(
            [f"  localrun inspect {record['run_id']} has the record, localrun logs {record['run_id']} the output"]
        )
    if record["origin"] == "localrun" and record["kind"]:
        print_lines([f"kind={record['kind']}"])


def tell_failure(record: Record, failure: dict[str, Any]) -> None:
    """Say which rank failed first, and show the end of its log again when other ranks' lines stand in between."""
    several = len(record["ranks"]) > 1
    who = f"rank {failure['rank']} (node {failure['node']})" if several else "the script"
    how = (
        f"was ended by signal {failure['signal']}"
        if failure["signal"]
        else f"ended with exit code {failure['exit_code']}"
    )
    how = REASONS.get(failure["reason"], how)
    if failure["reason"] == "bootstrap_failed":
        how += f" (exit code {failure['exit_code']})"
    waiting = [
        str(rank["rank"])
        for rank in record["ranks"]
        if rank["status"] == "not_started" and rank["rank"] != failure["rank"]
    ]
    plural = "s" * (len(waiting) > 1)
    others = f"; rank{plural} {', '.join(waiting)} waited at the barrier and never started" if waiting else ""
    tell(f"{who} {how} after {failure['after_s']:.1f} s{others}")
    if several and failure["last_lines"]:
        print_lines([f"  the last lines of {failure['log']}:"])
        print_lines([f"  | {escape(line)}" for line in failure["last_lines"]])


def tell_hold(record: Record) -> None:
    """Say which rank failed in a run whose other ranks are held, how to look in, and how to end it."""
    failure = record["first_failure"]
    tell_failure(record, failure)
    run_id = record["run_id"]
    living = [rank["rank"] for rank in record["ranks"] if rank["status"] == "running"]
    ranks = f"rank{'s' * (len(living) > 1)} {', '.join(map(str, living))} {'are' if len(living) > 1 else 'is'}"
    tell(
        f"held: {ranks} kept as {'they are' if len(living) > 1 else 'it is'}"
        if living
        else "held: no rank is left, the run's place is kept"
    )
    if living and failure["rank"] not in living:
        print_lines([f"  localrun exec --rank {living[0]} {run_id} bash    a shell where a rank is that still runs"])
    print_lines(
        [
            f"  localrun exec --rank {failure['rank']} {run_id} bash    a shell where the rank is that failed",
            f"  localrun attach {run_id}              what the ranks print",
            f"  localrun stop {run_id}                the end" + (", or press Enter here" if os.isatty(0) else ""),
        ]
    )


def locate_outputs(record: Record) -> str:
    """Give the folder that the user finds the outputs in: where they were to be copied to, if they could be."""
    copied: str = record.get("plan", {}).get("outputs_directory", "")
    return copied if os.path.isdir(copied) else os.path.join(record["folder"], "outputs")
