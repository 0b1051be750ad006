"""Frozen values behave as the dataclasses that a type checker takes them for."""

from __future__ import annotations

import marshal
from dataclasses import dataclass

import pytest

from localrun import plan
from localrun.values import fields, pack, plain, replace, unpack, value


@value
class Point:
    x: int
    y: int = 2
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Twin:
    x: int
    y: int = 2
    tags: tuple[str, ...] = ()


@pytest.mark.parametrize("given", [{"x": 1}, {"x": 1, "y": 3}, {"x": 1, "y": 2, "tags": ("a",)}])
def test_fields_defaults_and_representation_are_a_dataclass_s(given):
    assert fields(Point(**given)) == vars(Twin(**given))
    assert repr(Point(**given)).removeprefix("Point") == repr(Twin(**given)).removeprefix("Twin")


def test_equal_fields_make_equal_values_with_equal_hashes():
    assert Point(x=1) == Point(x=1, y=2)
    assert hash(Point(x=1)) == hash(Point(x=1, y=2))
    assert Point(x=1) != Point(x=2)
    assert Point(x=1) != Twin(x=1)


def test_a_value_cannot_be_changed():
    with pytest.raises(AttributeError, match="read-only"):
        Point(x=1).x = 2
    with pytest.raises(AttributeError, match="read-only"):
        del Point(x=1).x


def test_a_value_takes_no_other_names():
    with pytest.raises(AttributeError):
        Point(x=1).z = 2
    with pytest.raises(TypeError, match="no field z"):
        Point(x=1, z=2)
    with pytest.raises(TypeError, match="needs x="):
        Point()


def test_replace_gives_a_changed_copy():
    before = Point(x=1)
    assert replace(before, y=5) == Point(x=1, y=5)
    assert before.y == 2
    with pytest.raises(TypeError):
        replace(before, z=1)


def test_nested_values_survive_marshal():
    whole = plan.Plan(
        target="local",
        experiment="e",
        environment=plan.EnvironmentPlan(kind="conda", variables=(("A", "b"),)),
        source=plan.SourcePlan(directory="/x"),
        argv=("python", "t.py"),
        ranks=(plan.RankPlan(rank=0, local_rank=0, node=0),),
    )
    assert unpack(marshal.loads(marshal.dumps(pack(whole))), plan.CLASSES) == whole


def test_an_unknown_class_is_refused():
    with pytest.raises(KeyError):
        unpack(pack(Point(x=1)), plan.CLASSES)


def test_plain_gives_what_json_can_say():
    assert plain((Point(x=1, tags=("a",)), None)) == [{"x": 1, "y": 2, "tags": ["a"]}, None]
