from __future__ import annotations

from localrun.environments.image_disk import count_layers


def sizes(*images):
    return [(row["name"], row["bytes"], row["shared_bytes"]) for row in count_layers(images)]


def test_a_layer_counts_once_where_all_below_it_are_the_same():
    one = ("one", (("base", 100), ("conda", 50)))
    two = ("two", (("base", 100), ("conda", 50), ("pip", 7)))
    other = ("other", (("else", 1), ("conda", 50)))
    assert sizes(one, two, other) == [("one", 150, 0), ("two", 157, 150), ("other", 51, 0)]


def test_an_image_that_has_gone_has_no_row():
    assert sizes(("gone", ())) == []
