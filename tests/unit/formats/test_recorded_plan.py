"""Plans read back from records."""

from __future__ import annotations

import json

import pytest

from localrun.errors import StoreFailed
from localrun.formats.recorded_plan import read_recorded_artifact, read_recorded_plan
from localrun.plan import Artifact, ContainerPlan, EnvironmentPlan, ImagePlan, InputPlan, Plan, RankPlan, SourcePlan
from localrun.supervise.describe import describe_plan
from localrun.values import plain

PLAN = Plan(
    target="docker",
    experiment="e",
    environment=EnvironmentPlan(
        kind="image", conda=("python",), variables=(("A", "1"),), image=ImagePlan(name="n", spark=("a b",))
    ),
    source=SourcePlan(directory="/s"),
    argv=("python", "x.py"),
    ranks=(RankPlan(rank=0, local_rank=0, node=0, variables=(("RANK", "0"),)),),
    variables=(("B", "2"),),
    secrets=(("C", "c"),),
    inputs=(InputPlan(name="d", path="/d"),),
    tags=(("t", ""),),
    timeout_s=3,
    container=ContainerPlan(options=(("CapAdd", '["NET_ADMIN"]'),)),
)


def test_plan_of_a_record_is_the_plan_that_was_run():
    recorded = json.loads(json.dumps(describe_plan(PLAN)))
    assert read_recorded_plan(recorded, where="run.json") == PLAN


def test_artifact_of_a_record_is_the_one_that_was_used():
    artifact = Artifact(kind="conda", python="/p", path=("/b",), evidence=(("/p", 1, 2, 3),))
    assert read_recorded_artifact(json.loads(json.dumps(plain(artifact)))) == artifact


@pytest.mark.parametrize(
    "change", [{"argv": "x"}, {"nodes": True}, {"ranks": [3]}, {"source": None}, {"secrets": [["a"]]}, {"tags": 3}]
)
def test_damaged_plan_is_told_with_its_key(change):
    recorded = json.loads(json.dumps(describe_plan(PLAN))) | change
    with pytest.raises(StoreFailed) as caught:
        read_recorded_plan(recorded, where="run.json")
    assert caught.value.code == "store_corrupt"
    assert next(iter(change)) in caught.value.message


def test_plan_of_a_newer_localrun_is_told():
    recorded = json.loads(json.dumps(describe_plan(PLAN)))
    recorded["source"]["later"] = 1
    with pytest.raises(StoreFailed) as caught:
        read_recorded_plan(recorded, where="run.json")
    assert caught.value.code == "newer_record"
    assert "plan.source.later" in caught.value.message


def test_missing_field_without_a_default_is_told():
    with pytest.raises(StoreFailed):
        read_recorded_plan({"target": "local"}, where="run.json")
