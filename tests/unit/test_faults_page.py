"""docs/faults.md names tests that exist, and each row names one."""

from __future__ import annotations

import functools
import glob
import os
import re

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join(os.path.dirname(TESTS), "docs", "faults.md")
NAMED = re.compile(r"`(test_\w+)::(test_\w+)`")


def list_rows():
    with open(PAGE, encoding="utf-8") as file:
        lines = [line.strip() for line in file if line.startswith("|")]
    return [line for line in lines if not line.startswith(("| what goes wrong |", "|---"))]


@functools.cache
def read_modules(name):
    """Give the text of all modules of tests with a name; there may be one for the unit, and one for the real thing."""
    texts = []
    for path in (*glob.glob(f"{TESTS}/integration/{name}.py"), *glob.glob(f"{TESTS}/unit/*/{name}.py")):
        with open(path, encoding="utf-8") as file:
            texts.append(file.read())
    return "".join(texts)


def test_every_row_names_a_test():
    assert len(list_rows()) > 50
    assert [row for row in list_rows() if not NAMED.search(row.rpartition(" | ")[2])] == []


def test_every_test_that_is_named_exists():
    named = [pair for row in list_rows() for pair in NAMED.findall(row)]
    assert [name for module, name in named if f"\ndef {name}(" not in read_modules(module)] == []
