"""How the differences of two runs are told."""

from __future__ import annotations

from localrun.cli.diff import describe
from localrun.workspace.differences import SECTIONS

NOTHING = {"before": "a_1_00", "after": "a_2_00", "same": True} | {name: [] for name in SECTIONS}


def change(field, before, after, **more):
    return {"field": field, "before": before, "after": after} | more


def test_runs_without_a_difference_are_told_to_be_the_same():
    assert describe(NOTHING).splitlines()[-1] == "Everything that makes the runs what they are is the same."


def test_each_kind_of_change_has_its_line():
    found = NOTHING | {
        "same": False,
        "source": [change("x.py", "file 1", "file 2", diff="--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-1\n+2\n")],
        "environment": [change("conda numpy", "1.0 0", None), change("pip", ["a", "b"], ["b", "a"])],
        "arguments": [change("command", ["python", "1"], ["python", "2"])],
        "outputs": [change("outputs/m", "ab" * 32, None)],
        "timings": [change("run", 1.23456, 2.0)],
    }
    lines = describe(found).splitlines()
    assert "  conda numpy: 1.0 0 -> nothing" in lines
    assert "  pip: in another order" in lines
    assert {"-1", "+2", "- 1", "+ 2"} <= set(lines)
    assert "  outputs/m: abababababab -> nothing" in lines
    assert "  run: 1.235 -> 2.000" in lines


def test_colours_are_for_terminals_and_what_scripts_write_is_escaped():
    found = NOTHING | {"source": [change("x", "1", "2", diff="--- a/x\n+++ b/x\n-\x1b[2J\n")]}
    assert "\x1b" not in describe(found)
    coloured = describe(found, coloured=True)
    assert "\x1b[31m-\\x1b[2J\x1b[0m" in coloured
