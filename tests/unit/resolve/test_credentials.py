"""Credentials in addresses are never shown."""

from __future__ import annotations

import pytest

from localrun.plan import EnvironmentPlan
from localrun.resolve.credentials import hide_credentials, hide_in_environment


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pass@host/simple", "https://***@host/simple"),
        ("--index-url https://token@host/x numpy", "--index-url https://***@host/x numpy"),
        ("https://host/t/abc-123/channel", "https://host/t/***/channel"),
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
