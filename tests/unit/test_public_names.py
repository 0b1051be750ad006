"""What users import from `localrun`, and that it does not change unseen.

`public_names.json` has every public name with its signatures. When a change of it is meant, the file is written anew with
`python tests/unit/test_public_names.py`, and the change stands in CHANGELOG.md.
"""

from __future__ import annotations

import ast
import inspect
import json
import os

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


PINNED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "public_names.json")


def describe(value):
    """Give the signature of a function, the members of a class with theirs, the value of anything else."""
    if inspect.isclass(value):
        names = sorted({name for kind in value.__mro__ if is_ours(kind) for name in vars(kind)})
        members = {name: inspect.getattr_static(value, name) for name in names if not name.startswith("_")}
        above = [kind.__name__ for kind in value.__mro__[1:] if kind.__name__ in localrun.__all__ or not is_ours(kind)]
        return {
            "bases": above,
            "call": describe_call(value),
            "members": {name: describe_member(member) for name, member in members.items()},
        }
    return describe_call(value) if callable(value) else repr(value)


def is_ours(kind):
    return kind.__module__.startswith("localrun.")


def describe_member(member):
    if isinstance(member, property):
        return "property" if member.fset is None else "property that can be set"
    if isinstance(member, classmethod | staticmethod):
        return f"{type(member).__name__} {describe_call(member.__func__)}"
    return describe_call(member) if inspect.isfunction(member) else "attribute"


def describe_call(function):
    """Give names, kinds and defaults; annotations may become better at any time."""
    signature = inspect.signature(function)
    bare = [item.replace(annotation=inspect.Parameter.empty) for item in signature.parameters.values()]
    return str(inspect.Signature(bare))


def describe_all():
    return {name: describe(getattr(localrun, name)) for name in localrun.__all__ if name != "__version__"}


def test_no_public_name_or_signature_changes_unseen():
    with open(PINNED, encoding="utf-8") as file:
        pinned = json.load(file)
    found = json.loads(json.dumps(describe_all()))
    assert sorted(found) == sorted(pinned)
    changed = {name: {"was": pinned[name], "is": found[name]} for name in found if found[name] != pinned[name]}
    assert not changed, "see the top of this file when this is meant"


if __name__ == "__main__":
    with open(PINNED, "w", encoding="utf-8") as file:
        json.dump(describe_all(), file, indent=1, sort_keys=True)
        file.write("\n")
