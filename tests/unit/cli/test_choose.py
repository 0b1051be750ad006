from __future__ import annotations

import pytest

from localrun.cli.choose import choose
from localrun.errors import BadInput

RECORDS = {
    "c": {"status": "completed", "metrics": {"acc": 0.5}, "tags": {"lr": "0.1"}, "params": {"d": "3"}, "duration_s": 3},
    "b": {"status": "failed", "metrics": {"acc": "NaN"}, "tags": {}},
    "a": {"status": "completed", "metrics": {"acc": 0.9, "a b": 1}, "tags": {"lr": "0.10"}, "duration_s": 1},
}
ROWS = [(run_id,) for run_id in RECORDS]


def chosen(*filters, sort=""):
    return "".join(row[0] for row, _ in choose(ROWS, RECORDS.__getitem__, filters, sort))


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ((), "cba"),
        (("status=completed",), "ca"),
        (("status!=completed",), "b"),
        (("tags.lr=0.1",), "ca"),
        (("tags.lr=",), "b"),
        (("tags.lr!=0.1",), "b"),
        (("params.d=3",), "c"),
        (("metric:acc>0.5",), "a"),
        (("metric:acc>=0.5",), "ca"),
        (("metric:acc<0.9",), "c"),
        (("metric:acc<=0.9", "status=completed", "duration_s>2"), "c"),
        (("metric:a b=1",), "a"),
        (("metric:nope>0",), ""),
    ],
)
def test_filters(filters, left):
    assert chosen(*filters) == left


@pytest.mark.parametrize(("sort", "order"), [("metric:acc", "acb"), ("duration_s", "cab"), ("tags.lr", "cab")])
def test_the_largest_comes_first_and_what_has_no_value_last(sort, order):
    assert chosen(sort=sort) == order


@pytest.mark.parametrize("text", ["", "tags.lr", "nonsense=1", "metric:acc>x", "=x", "plan.argv=1"])
def test_what_is_no_filter_is_refused(text):
    with pytest.raises(BadInput):
        chosen(text)


def test_what_is_nothing_to_sort_by_is_refused():
    with pytest.raises(BadInput, match="nothing to sort by"):
        chosen(sort="accuracy")
