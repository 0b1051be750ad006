from __future__ import annotations

import ast

import pytest

import localrun


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Enviroment'"):
        localrun.Enviroment  # noqa: B018


def test_every_public_name_is_listed():
    assert set(localrun._PLACES) <= set(dir(localrun))
    assert "Environment" in localrun.__all__


def test_type_checkers_see_the_names_of_the_table():
    with open(localrun.__file__, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    seen = {
        name.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("localrun.")
        for name in node.names
    }
    assert seen == localrun._PLACES
