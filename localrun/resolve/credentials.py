"""Credentials in addresses of channels and indexes, and in variables: needed by a run, never shown, hashed or kept."""

from __future__ import annotations

import re

from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.plan import EnvironmentPlan, Plan

USER = re.compile(r"(?<=://)[^/@\s]+@")
"""`user:password@` in an address."""
TOKEN = re.compile(r"(://\S*?/t/)[^/\s]+(?=/)")
"""A conda token, `/t/<token>/` in an address; a folder of that name is none."""


def hide_credentials(text: str) -> str:
    """Give a text whose addresses have `***` in place of users, passwords and conda tokens."""
    return TOKEN.sub(r"\1***", USER.sub("***@", text))


def hide_in_environment(environment: EnvironmentPlan) -> EnvironmentPlan:
    """Give an environment's plan as it may be shown and kept."""
    hidden = {name: tuple(map(hide_credentials, getattr(environment, name))) for name in ("channels", "conda", "pip")}
    return replace(environment, **hidden)


def hide_in_plan(plan: Plan) -> Plan:
    """Give a plan whose addresses may be shown and kept; the places of its environment are the same."""
    return replace(plan, environment=hide_in_environment(plan.environment))


def withhold(plan: Plan) -> Plan:
    """Give a plan without the values of its variables that are secrets in plain text; these are inherited then."""
    hidden = list_withheld(plan)
    if not hidden:
        return plan
    variables = tuple([(name, text) for name, text in plan.variables if name not in hidden])
    return replace(plan, variables=variables, inherited=(*plan.inherited, *hidden))


def list_withheld(plan: Plan) -> dict[str, str]:
    """List the values of a plan that no record may keep, by their variables."""
    return {name: text for name, text in plan.variables if name in plan.withheld}
