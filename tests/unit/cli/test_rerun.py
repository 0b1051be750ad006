"""What `rerun` says beforehand that cannot be the same."""

from __future__ import annotations

import pytest

from localrun.cli.rerun import tell_differences
from localrun.plan import EnvironmentPlan, ImagePlan, Plan, SourcePlan
from localrun.values import replace

PINNED = f"some/base@sha256:{'a' * 64}"
CONDA = EnvironmentPlan(kind="conda", name="azureml_x")
PLAN = Plan(target="local", experiment="e", environment=CONDA, source=SourcePlan(), argv=("true",), ranks=())
ALWAYS = "times, process ids, ports and the run's id are new"


def image(base):
    return EnvironmentPlan(kind="image", image=ImagePlan(name="azureml/azureml_x", base=base))


@pytest.fixture
def record(tmp_path):
    (tmp_path / "versions.json").write_text("{}")
    return {"folder": str(tmp_path)}


def test_nothing_but_the_passing_of_time_is_told_of_a_run_whose_record_has_all(record):
    assert tell_differences(PLAN, record) == [ALWAYS]


def test_secrets_are_told_by_name_and_variables_of_the_shell(record):
    plan = replace(PLAN, secrets=(("MY_KEY", "vault-key"),), inherited=("MY_KEY", "PLACE"))
    assert tell_differences(plan, record) == [
        "the value of the secret vault-key is today's",
        "the value of PLACE is this shell's",
        ALWAYS,
    ]


@pytest.mark.parametrize(
    ("environment", "artifact", "told"),
    [
        (EnvironmentPlan(kind="interpreter", interpreter="/usr/bin/python3"), {}, "they are what they are now"),
        (image("some/base:latest"), {}, "the base image some/base:latest is what its name stands for now"),
        (image("some/base:latest"), {"image": "sha256:b"}, None),
        (image(PINNED), {}, None),
    ],
)
def test_what_is_not_pinned_is_told(record, environment, artifact, told):
    found = tell_differences(replace(PLAN, environment=environment), record | {"artifact": artifact})
    assert [told in line for line in found[:-1]] == ([True] if told else [])


def test_versions_that_were_not_kept_are_told(tmp_path):
    assert "the versions of its environment were not kept" in tell_differences(PLAN, {"folder": str(tmp_path)})[0]
