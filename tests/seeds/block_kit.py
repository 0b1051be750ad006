"""Runs the code blocks of Azure ML's documentation as they stand in `blocks/`, with localrun's names imported."""

from __future__ import annotations

import os
import re

FOLDER = os.path.join(os.path.dirname(__file__), "blocks")
_IMPORT = re.compile(r"^from azureml\.core(?:\.\w+)? import", re.MULTILINE)


def read_block(name):
    """Give the text of a block, such as `guide-01`."""
    (file,) = [file for file in os.listdir(FOLDER) if file.startswith(f"{name}.")]
    with open(os.path.join(FOLDER, file), encoding="utf-8") as stream:
        return stream.read()


def run_block(name, known=None, **changes):
    """Run a block of Python and give its names.

    Args:
        name: The block.
        known: The names that earlier blocks of the page have made.
        changes: For each placeholder in the block, written with `_` for every other sign, what stands in its place.
    """
    text = _IMPORT.sub("from localrun import", read_block(name))
    for placeholder, new in changes.items():
        pattern = "<?" + placeholder.replace("_", r"[^\w\n]+") + ">?"
        text, count = re.subn(pattern, lambda _, new=new: new, text)
        assert count, placeholder
    names = dict(known or {})
    exec(compile(text, name, "exec"), names)
    return names
