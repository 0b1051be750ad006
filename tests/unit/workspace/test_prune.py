"""Which runs are removed."""

from __future__ import annotations

import os

import pytest

from localrun.workspace import active, records
from localrun.workspace.prune import choose_runs, find_last_uses


@pytest.fixture
def home(tmp_path):
    home = str(tmp_path / "home")
    for number in range(1, 5):
        plan = {"environment": {"name": f"azureml_{number % 2}"}}
        started = f"2024-01-0{number}T00:00:00.000Z"
        record = {"run_id": f"e_{number}_00", "experiment": "e", "status": "completed", "target": "local"}
        records.insert(home, record | {"started_at": started, "plan": plan, "folder": ""})
    return home


@pytest.mark.parametrize(
    ("before", "keep_last", "chosen"),
    [
        ("2024-01-03T00:00:00.000Z", None, ["e_1_00", "e_2_00"]),
        ("", 1, ["e_1_00", "e_2_00", "e_3_00"]),
        ("2024-01-04T00:00:00.000Z", 2, ["e_1_00", "e_2_00"]),
        ("", 0, ["e_1_00", "e_2_00", "e_3_00", "e_4_00"]),
        ("2023-01-01T00:00:00.000Z", None, []),
    ],
)
def test_old_runs_and_those_beyond_the_newest_are_chosen(home, before, keep_last, chosen):
    assert choose_runs(home, before=before, keep_last=keep_last, say=print) == chosen


def test_live_run_is_never_chosen(home):
    descriptor = active.claim(home, "e_1_00")
    assert "e_1_00" not in choose_runs(home, before="", keep_last=0, say=print)
    os.close(descriptor)


def test_last_use_of_an_environment_is_its_newest_run(home):
    assert find_last_uses(home, print) == {
        "azureml_0": "2024-01-04T00:00:00.000Z", "azureml_1": "2024-01-03T00:00:00.000Z",
    }  # fmt: skip
