"""docs/workspace.md, and the docstring of `localrun.workspace.home`, list what a workspace holds: all of it, and no more."""

from __future__ import annotations

import functools
import glob
import os
import re

import localrun
from localrun.workspace import home, registry_journal

PACKAGE = os.path.dirname(localrun.__file__)
PAGE = os.path.join(os.path.dirname(PACKAGE), "docs", "workspace.md")
JOINED = re.compile(r'path\.join\((?:\w+\.)*home, "(\w[^"]*)"')  # a user's home folder, called so too, holds dotfiles


def read_table(heading):
    """Give the first parts of the paths in the table below a heading."""
    with open(PAGE, encoding="utf-8") as file:
        section = file.read().partition(f"# {heading}\n")[2].partition("\n#")[0]
    cells = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    return {name.split("/")[0] for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


@functools.cache
def read_code():
    texts = []
    for path in glob.glob(f"{PACKAGE}/**/*.py", recursive=True):
        with open(path, encoding="utf-8") as file:
            texts.append(file.read())
    return "\n".join(texts)


def list_joined_to_home():
    return {*JOINED.findall(read_code()), registry_journal.NAME}


def test_the_page_lists_what_the_code_puts_into_a_workspace():
    assert read_table("The workspace") == list_joined_to_home()


def test_the_docstring_lists_what_the_code_puts_into_a_workspace():
    listed = re.findall(r"^    <home>/([\w.]+)", home.__doc__, re.MULTILINE)
    assert sorted(listed) == sorted(list_joined_to_home())


def test_what_the_page_lists_of_a_run_is_in_the_code():
    assert {name for name in read_table("A run") if f'"{name}"' not in read_code()} == {"node-K"}
