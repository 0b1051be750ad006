"""What `rerun` changes in a plan."""

from __future__ import annotations

import pytest

from localrun.errors import BadInput
from localrun.plan import EnvironmentPlan, Plan, RankPlan, SourcePlan
from localrun.resolve.again import set_name, set_ranks, set_variables
from localrun.values import replace

PLAN = Plan(
    target="local",
    experiment="e",
    environment=EnvironmentPlan(kind="interpreter", interpreter="/p"),
    source=SourcePlan(directory="/s"),
    argv=("python", "x.py"),
    ranks=(RankPlan(rank=0, local_rank=0, node=0, variables=(("AZ_BATCHAI_TASK_INDEX", "0"),)),),
    variables=(("A", "1"), ("AZUREML_NODE_COUNT", "1"), ("S", "old")),
    inherited=("T",),
    secrets=(("T", "name"),),
    own=("AZUREML_NODE_COUNT",),
)


def test_other_name_is_told_to_the_script():
    told = replace(PLAN, variables=(*PLAN.variables, ("LOCALRUN_CONTEXT", '{"display_name":"old","target":"local"}')))
    plan = set_name(told, "new")
    assert (plan.name, plan.display_name) == ("new", "new")
    assert dict(plan.variables)["LOCALRUN_CONTEXT"] == '{"display_name":"new","target":"local"}'
    assert set_name(PLAN, "new").variables == PLAN.variables
    with pytest.raises(BadInput, match="cannot name a run"):
        set_name(PLAN, "a b")


def test_variable_takes_the_place_of_one_of_any_kind():
    plan = set_variables(PLAN, ("A=2", "T=3", "S"))
    assert dict(plan.variables) == {"A": "2", "AZUREML_NODE_COUNT": "1", "T": "3"}
    assert (plan.inherited, plan.secrets) == (("S",), ())


@pytest.mark.parametrize("pair", ["AZUREML_NODE_COUNT=3", "=1", "A=\0"])
def test_variable_that_cannot_be_given_is_refused(pair):
    with pytest.raises(BadInput):
        set_variables(PLAN, (pair,))


def test_more_ranks_know_of_one_another():
    plan = set_ranks(PLAN, nodes=2, processes=2)
    told = [dict(rank.variables) for rank in plan.ranks]
    assert [(item["RANK"], item["WORLD_SIZE"], item["AZ_BATCHAI_TASK_INDEX"]) for item in told] == [
        ("0", "4", "0"), ("1", "4", "1"), ("2", "4", "0"), ("3", "4", "1"),
    ]  # fmt: skip
    assert dict(plan.variables)["AZUREML_NODE_COUNT"] == "2"
    assert (plan.distribution, plan.nodes, plan.processes_per_node) == ("pytorch", 2, 2)
    assert "RANK" in plan.own
    back = set_ranks(plan, nodes=1, processes=None)
    assert len(back.ranks) == 2


def test_numbers_that_make_no_run_are_refused():
    with pytest.raises(BadInput):
        set_ranks(PLAN, nodes=0, processes=None)
