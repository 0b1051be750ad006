"""Which tests begin first, and which of them one worker runs."""

from __future__ import annotations

import glob
import os

from order_kit import TOGETHER, Scheduling, begin_with_long

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Item:
    def __init__(self, nodeid, *marks):
        self.nodeid = nodeid
        self.get_closest_marker = {mark: mark for mark in marks}.get


def test_long_tests_begin_first_and_the_order_stays_otherwise():
    together = next(iter(TOGETHER))
    items = [Item("b"), Item("d", "slow"), Item("a", "channel"), Item(f"{together}_x"), Item("c", "slow")]
    begin_with_long(items)
    assert [item.nodeid for item in items] == ["d", f"{together}_x", "c", "b", "a"]


def test_what_shares_an_engine_is_one_unit_and_so_is_a_file():
    split = Scheduling._split_scope
    engine = [start for start, group in TOGETHER.items() if group == "second engine"]
    assert {split(None, f"{start}::test_x[1]") for start in engine} == {"second engine"}
    assert split(None, "tests/unit/test_a.py::test_x[::]") == "tests/unit/test_a.py"


def test_what_runs_together_is_there():
    for start in TOGETHER:
        file, _, name = start.partition("::")
        found = glob.glob(f"{os.path.join(REPOSITORY, file)}*")
        assert found, start
        for path in found:
            with open(path, encoding="utf-8") as lines:
                assert f"\ndef {name}" in lines.read()
