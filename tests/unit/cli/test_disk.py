from __future__ import annotations

import pytest

from localrun.cli.disk import describe_disk

FOUND = {"total_bytes": 5, "free_bytes": 7, "clones": False, "hard_links": True, "images": [], "images_bytes": 0}


@pytest.mark.parametrize(
    ("facts", "environ", "said"),
    [
        ({"clones": True}, {}, "shares blocks between copies: less"),
        ({}, {}, "LOCALRUN_HARD_LINKS=1 lets them"),
        ({}, {"LOCALRUN_HARD_LINKS": "1"}, "hard links are on"),
        ({"hard_links": False}, {}, "nor does it know hard links"),
    ],
)
def test_what_environments_can_share_is_told(facts, environ, said):
    assert said in describe_disk(FOUND | {"engine": ""} | facts, environ)[1]


def test_without_an_engine_one_line_says_so():
    lines = describe_disk(FOUND | {"engine": "no Docker engine answers at \x1bhere"}, {})
    assert lines[2:] == ["images are not shown: no Docker engine answers at \\x1bhere"]
    assert describe_disk(FOUND | {"engine": "", "images": [{}], "images_bytes": 9}, {})[2:] == [
        "9 B of images in the engine"
    ]
