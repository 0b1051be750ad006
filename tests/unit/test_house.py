"""docs/house.md shows the imports as they are."""

from __future__ import annotations

import functools
import glob
import os
import re

import grimp
import pytest

import localrun

PACKAGE = os.path.dirname(localrun.__file__)
PAGE = os.path.join(os.path.dirname(PACKAGE), "docs", "house.md")
NODE = re.compile(r'^\s*(\w+)\["(?:[^"]*<br/>)?([^"<]+)"\]$')
ARROW = re.compile(r"^\s*(\w+) --> (\w+)$")


def read_drawings():
    """Give each drawing by its heading: which modules its boxes stand for, and its arrows."""
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    drawings = {}
    for heading, body in re.findall(r"^## (.+?)$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL):
        lines = re.search(r"```mermaid\nflowchart TD\n(.*?)```", body, re.DOTALL).group(1).splitlines()
        boxes = {found[1]: found[2].split(" · ") for line in lines if (found := NODE.match(line))}
        arrows = {(found[1], found[2]) for line in lines if (found := ARROW.match(line))}
        strange = [line for line in lines if line.strip() and not NODE.match(line) and not ARROW.match(line)]
        assert not strange, f"{heading}: neither a box nor an arrow"
        drawings[heading] = boxes, arrows
    return drawings


@functools.cache
def build_graph():
    return grimp.build_graph("localrun", cache_dir=None, exclude_type_checking_imports=True)


def list_imports(boxes):
    """Give the arrows between some boxes that the code has, each with one of the imports that make it."""
    owners = {f"localrun.{module}": box for box, modules in boxes.items() for module in modules}

    def find_box(module):
        while module and module not in owners:
            module = module.rpartition(".")[0]
        return owners.get(module)

    graph, found = build_graph(), {}
    for module in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(module)):
            arrow = find_box(module), find_box(imported)
            if all(arrow) and arrow[0] != arrow[1]:
                found.setdefault(arrow, f"{module} imports {imported}")
    return found


DRAWINGS = read_drawings()


@pytest.mark.parametrize("heading", DRAWINGS)
def test_every_box_is_code(heading):
    boxes, arrows = DRAWINGS[heading]
    unknown = {module for modules in boxes.values() for module in modules} - {
        name.removeprefix("localrun.") for name in build_graph().modules
    }
    assert not unknown
    assert {end for arrow in arrows for end in arrow} <= set(boxes)


@pytest.mark.parametrize("heading", DRAWINGS)
def test_the_arrows_are_the_imports(heading):
    boxes, arrows = DRAWINGS[heading]
    real = list_imports(boxes)
    missing = [f"{' --> '.join(arrow)}    ({real[arrow]})" for arrow in sorted(real.keys() - arrows)]
    extra = [" --> ".join(arrow) for arrow in sorted(arrows - real.keys())]
    assert not missing, f"docs/house.md, {heading!r}: draw them, or take the imports out: {missing}"
    assert not extra, f"docs/house.md, {heading!r}: nothing imports along these arrows any more: {extra}"


def test_every_package_and_module_of_the_first_floor_has_its_box():
    drawn = [module for modules in DRAWINGS["From the front door"][0].values() for module in modules]
    assert len(drawn) == len(set(drawn))
    there = {name.removesuffix(".py") for name in os.listdir(PACKAGE) if not name.startswith((".", "__pycache__"))}
    assert set(drawn) == there - {"__init__", "py.typed"}


def test_no_arrow_of_the_front_door_points_up():
    boxes, arrows = DRAWINGS["From the front door"]
    order = list(boxes)
    assert [arrow for arrow in arrows if order.index(arrow[0]) >= order.index(arrow[1]) and arrow[0] != "testing"] == []


def test_imports_go_round_in_no_circle():
    graph = build_graph()
    steps = [(name, imported) for name in graph.modules for imported in graph.find_modules_directly_imported_by(name)]
    ways = [(name, graph.find_shortest_chain(importer=imported, imported=name)) for name, imported in steps]
    assert [" -> ".join((name, *back)) for name, back in ways if back] == []


def list_packages():
    return sorted(
        os.path.relpath(place, PACKAGE)
        for place, _, names in os.walk(PACKAGE)
        if "__init__.py" in names and place != PACKAGE and "shim/path" not in place
    )


@pytest.mark.parametrize("package", list_packages())
def test_a_package_says_what_lives_there_and_what_does_not(package):
    with open(os.path.join(PACKAGE, package, "__init__.py"), encoding="utf-8") as file:
        docstring = " ".join(file.read().split('"""')[1].split())
    assert "What lives here: " in docstring
    assert "What does not: " in docstring


def test_no_module_of_tests_takes_anything_from_another_one():
    tests = os.path.join(os.path.dirname(PACKAGE), "tests")
    found = []
    for path in glob.glob(f"{tests}/**/test_*.py", recursive=True):
        with open(path, encoding="utf-8") as file:
            found += [
                f"{path}: {line}" for line in re.findall(r"^ *(?:from|import) test_\w+.*$", file.read(), re.MULTILINE)
            ]
    assert found == []
