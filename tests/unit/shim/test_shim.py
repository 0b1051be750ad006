"""The packages that lead a rank's PYTHONPATH: what every interpreter must be able to read."""

from __future__ import annotations

import ast
import glob
import os
import sys

import pytest

from localrun import shim

FILES = sorted(glob.glob(f"{shim.PATH}/**/*.py", recursive=True))


@pytest.mark.parametrize("file", FILES, ids=lambda file: os.path.relpath(file, shim.PATH))
def test_python_3_6_can_read_it(file):
    with open(file, encoding="utf-8") as stream:
        tree = ast.parse(stream.read(), feature_version=(3, 6))
    for node in ast.walk(tree):
        assert not isinstance(node, ast.ImportFrom) or node.module != "__future__"  # annotations came with 3.7
        if isinstance(node, ast.arg | ast.FunctionDef):  # inside of functions nobody evaluates them
            annotation = node.annotation if isinstance(node, ast.arg) else node.returns
            assert not isinstance(annotation, ast.BinOp | ast.Subscript)  # they stand in quotes


@pytest.mark.parametrize("file", FILES, ids=lambda file: os.path.relpath(file, shim.PATH))
def test_it_needs_the_standard_library_alone(file):
    with open(file, encoding="utf-8") as stream:
        tree = ast.parse(stream.read())
    named = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    named += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert {name.split(".")[0] for name in named} <= {*sys.stdlib_module_names, "azureml", "_localrun_shim"}


def test_nothing_else_is_on_the_path():
    assert {name for name in os.listdir(shim.PATH) if name != "__pycache__"} == {"azureml", "_localrun_shim"}


@pytest.mark.parametrize(("given", "then"), [({}, "S"), ({"PYTHONPATH": ""}, "S"), ({"PYTHONPATH": "a:b"}, "S:a:b")])
def test_it_leads_the_path_and_keeps_the_rest(given, then):
    shim.lead(given, "S")
    assert given == {"PYTHONPATH": then}
