"""What differs between the packages of two makings."""

from __future__ import annotations

from localrun.environments.outdated import UNKNOWN, compare_versions
from localrun.values import fields


def compare(before, after):
    return [tuple(fields(change).values()) for change in compare_versions(before, after)]


def test_added_removed_and_replaced_packages_are_told_by_manager_and_name():
    before = {("pip", "b"): ("1", ""), ("conda", "b"): ("1", "0"), ("conda", "a"): ("1", "0")}
    after = {("pip", "b"): ("2", ""), ("conda", "b"): ("1", "0"), ("conda", "c"): ("3", "0")}
    assert compare(before, after) == [("conda", "a", "1", ""), ("conda", "c", "", "3"), ("pip", "b", "1", "2")]


def test_another_build_of_the_same_version_is_told_with_the_builds():
    assert compare({("conda", "a"): ("1", "h0_0")}, {("conda", "a"): ("1", "h0_1")}) == [
        ("conda", "a", "1 h0_0", "1 h0_1")
    ]


def test_package_without_a_version_before_it_is_built_counts_as_the_same():
    assert compare({("pip", "own"): ("1", "")}, {("pip", "own"): (UNKNOWN, "")}) == []
    assert compare({}, {("pip", "own"): (UNKNOWN, "")}) == [("pip", "own", "", UNKNOWN)]
