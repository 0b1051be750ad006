"""`localrun doctor`: whether this machine has what runs need."""

from __future__ import annotations

import os

import click

from localrun.cli import show
from localrun.cli.arguments import FORMAT
from localrun.escaping import escape
from localrun.values import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localrun.cli.doctor_findings import Finding


@click.command()
@click.option("--offline", is_flag=True, help="Ask no server.")
@click.option("--repair", is_flag=True, help="Make the database of runs again from their folders, and look no further.")
@FORMAT
def doctor(*, offline: bool, repair: bool, form: str) -> int:
    """Look whether this machine has what runs need; the exit code is 1 when something failed, else 0.

    With --repair: tell what of the records of runs was recovered; 1 when something could not be. As JSON: a list of
    objects with `name`, `status` (ok, warning, failed), `says` and `hint`.
    """
    from localrun.cli.doctor_findings import FAILED

    if repair:
        from localrun.cli.doctor_records import repair_records

        found = repair_records(os.environ, show.tell)
    else:
        found = examine(os.environ, offline=offline)
    if form == "json":
        show.write(show.documents([fields(finding) for finding in found]))
    else:
        width = max(len(finding.name) for finding in found)
        show.write("".join([_line(finding, width) for finding in found]))
    return int(any(finding.status == FAILED for finding in found))


def examine(environ: Mapping[str, str], *, offline: bool) -> list[Finding]:
    """Make all checks, in the order in which they are printed."""
    from localrun.cli import doctor_machine, doctor_records, doctor_services

    checks: list[Callable[[Mapping[str, str]], list[Finding]]] = [*doctor_machine.CHECKS, doctor_records.check_records]
    checks += doctor_services.CHECKS
    if not offline:
        checks += doctor_services.REMOTE_CHECKS
    return [finding for check in checks for finding in check(environ)]


def _line(finding: Finding, width: int) -> str:
    hint = f"{' ' * (width + 11)}{escape(finding.hint)}\n" if finding.hint else ""
    return f"{finding.status:<8} {finding.name:<{width}}  {escape(finding.says)}\n{hint}"
