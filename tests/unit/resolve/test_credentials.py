"""Credentials in addresses are never shown."""

from __future__ import annotations

import pytest

from localrun.plan import EnvironmentPlan, Plan, SourcePlan
from localrun.resolve.credentials import hide_credentials, hide_in_environment, list_withheld, withhold


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pass@host/simple", "https://***@host/simple"),
        ("--index-url https://token@host/x numpy", "--index-url https://***@host/x numpy"),
        ("https://host/t/abc-123/channel", "https://host/t/***/channel"),
        ("/home/me/t/project/train.py", "/home/me/t/project/train.py"),
        ("git+ssh://git@host/x.git", "git+ssh://***@host/x.git"),
        ("conda-forge", "conda-forge"),
        ("numpy @ https://host/numpy.whl", "numpy @ https://host/numpy.whl"),
    ],
)
def test_addresses_keep_everything_but_who_asks(text, shown):
    assert hide_credentials(text) == shown


def test_an_environment_hides_them_in_channels_specs_and_requirements():
    secret = "https://u:hunter2@host/c"
    hidden = hide_in_environment(
        EnvironmentPlan(kind="conda", channels=(secret,), conda=(f"{secret}::a",), pip=(secret,))
    )
    assert "hunter2" not in repr(hidden)


def test_a_plan_is_kept_without_variables_that_are_withheld():
    environment = EnvironmentPlan(kind="interpreter", interpreter="/usr/bin/python3")
    variables = (("DB_PASSWORD", "hunter22"), ("SIZE", "large"))
    plan = Plan(
        target="local",
        experiment="a",
        environment=environment,
        source=SourcePlan(),
        argv=("true",),
        ranks=(),
        variables=variables,
        inherited=("HOME",),
        withheld=("DB_PASSWORD",),
    )
    kept = withhold(plan)
    assert kept.variables == (("SIZE", "large"),)
    assert kept.inherited == ("HOME", "DB_PASSWORD")
    assert list_withheld(plan) == {"DB_PASSWORD": "hunter22"}
    assert withhold(kept) == kept
