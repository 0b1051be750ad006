from __future__ import annotations

import math

import pytest

from localrun.cli.metrics import draw_spark, show_number
from localrun.cli.plot import HEIGHT, PLAIN_SIGNS, draw, make_line


def test_a_spark_rises_with_its_numbers():
    assert draw_spark([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"


def test_a_spark_of_many_numbers_is_as_wide_as_it_may_be():
    spark = draw_spark(list(range(1000)), width=24)
    assert len(spark) == 24
    assert sorted(spark) == list(spark)


@pytest.mark.parametrize("numbers", [[1.0], [2, 2, 2], [-1e308, 1e308]])
def test_a_spark_without_a_span_is_level(numbers):
    assert set(draw_spark(numbers)) == {"▄"}


@pytest.mark.parametrize(("number", "shown"), [(None, "-"), (math.nan, "nan"), (1234567.0, "1.23457e+06"), (3, "3")])
def test_numbers_are_shown_short(number, shown):
    assert show_number(number) == shown


def test_a_line_goes_over_steps_or_seconds():
    points = [(10.0, 5, 1.0), (12.0, 3, 2.0), (13.0, None, math.nan), (14.0, 4, None)]
    assert make_line(points, by_time=False) == [(3.0, 2.0), (5.0, 1.0)]
    assert make_line(points, by_time=True) == [(0.0, 1.0), (2.0, 2.0)]


def test_a_drawing_has_its_lines_and_their_ranges():
    text = draw([[(0.0, 0.0), (10.0, 1.0)], [(0.0, 1.0), (10.0, 0.0)]], 60, PLAIN_SIGNS)
    rows = text.splitlines()
    assert len(rows) == HEIGHT + 2
    assert rows[0] == "         1 |o" + " " * 46 + "*"
    assert rows[HEIGHT - 1] == "         0 |*" + " " * 46 + "o"
    assert rows[-1].split() == ["0", "10"]


@pytest.mark.parametrize("line", [[], [(0.0, 1.0)], [(1.0, 5.0), (1.0, 5.0)]])
def test_a_drawing_of_little_does_not_fail(line):
    assert draw([line], 40)
