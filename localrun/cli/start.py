"""Starting a run: the warm way, and what both ways say before and after."""

from __future__ import annotations

import os
import sys

from localrun.cli.warm import Manner, describe_call, find_warm
from localrun.errors import LocalrunError
from localrun.plan import describe_command
from localrun.runner import IMAGE_MISSING, Host, hold_artifact, run_plan
from localrun.workspace import recover
from localrun.workspace.home import open_home, tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from localrun.plan import Plan

SHOWN_LETTERS = 72
"""So much of a command is shown: the rest of a usual line."""


def run_warm(arguments: Sequence[str]) -> int | None:
    """Run a call that has been run before and finds everything as it was; None when it does not.

    Args:
        arguments: What stands behind `localrun run`.

    Raises:
        LocalrunError: the run could not be started.
    """
    home = open_home(os.environ)
    recover.sweep(home, tell)
    found = find_warm(home, describe_call(arguments, os.environ))
    if found is None:
        return None
    plan, artifact, manner = found
    if plan.target == "docker":
        from localrun.targets.docker_names import is_still

        if not is_still(plan, artifact, os.environ):
            return None
    holds = hold_artifact(plan, artifact, home)
    if holds is None:
        return None
    tell_plan(plan, manner)
    try:
        return finish(run_plan(plan, artifact, make_host(home, manner), holds), manner)
    except LocalrunError as error:
        if error.code != IMAGE_MISSING:
            raise
        tell(f"{error.message}: it is looked for anew")  # it was there a moment ago, and nothing of the run is left
        return None


def make_host(home: str, manner: Manner) -> Host:
    """Give the host of a run that this process shows."""
    target = 2 if manner.as_json else 1
    coloured = os.isatty(target) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Host(
        home=home,
        environ=os.environ,
        target=target,
        coloured=coloured,
        detached=manner.detached,
        unmasked=manner.unmasked,
        say=tell,
        on_hold=lambda run_id: _tell_hold(home, run_id),
    )


def _tell_hold(home: str, run_id: str) -> None:
    from localrun.cli.summary import tell_hold
    from localrun.workspace import records

    tell_hold(records.read(home, run_id))


def tell_plan(plan: Plan, manner: Manner) -> None:
    """Say what is going to run, and what the user should know of it, in a line each."""
    if manner.quiet:
        return
    what = describe_command(plan.argv)
    what = what.strip().partition("\n")[0]
    if "{localrun:" in what:
        from localrun.cli.show_plan import fill_tokens

        what = fill_tokens(what)
    what = f"{what[:SHOWN_LETTERS]} ..." if len(what) > SHOWN_LETTERS else what
    ranks = f", {len(plan.ranks)} ranks on {plan.nodes} node{'s' * (plan.nodes > 1)}" if len(plan.ranks) > 1 else ""
    environment = plan.environment
    place = environment.interpreter if environment.kind == "interpreter" else environment.name[:20]
    if environment.image:
        place = environment.image.name[:28] if environment.image.fingerprint else "docker"
    tell(f"running {what} in {environment.label} ({place}){ranks}")
    for note in plan.notes:
        tell(f"note: {note}")


def finish(record: dict[str, Any], manner: Manner) -> int:
    """Say how a run ended and where everything is; give the exit code of the command."""
    if manner.as_json:
        import json

        sys.stdout.write(json.dumps(record, indent=2) + "\n")
        sys.stdout.flush()
    elif manner.detached:
        sys.stdout.write(f"{record['run_id']}\n")
        sys.stdout.flush()
    if manner.detached and record["status"] == "running":
        return 0
    code = record["exit_code"]
    if not manner.quiet or code:
        from localrun.cli.summary import tell_end

        tell_end(record)
    return int(code)
