"""Make the reference pages of the site from the code, when the site is built.

MkDocs calls `on_files`. The pages are made in memory: nothing of them is in the repository, so nothing can be old.
"""

# ruff: noqa: INP001 - MkDocs loads it by its path

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import click
from mkdocs.structure.files import File

import localrun
from localrun.cli import commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

PACKAGE = os.path.dirname(os.path.abspath(localrun.__file__))
VARIABLE = re.compile(r"(LOCALRUN|DOCKER|CONDA|MAMBA|UV|PIP|XDG|AZUREML|AZURE_ML|AZ_BATCH|AZ_BATCHAI|MLFLOW)_[A-Z_]+")
OTHERS = {"CONDARC", "MAMBARC", "NETRC", "NO_COLOR", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"}
SCRIPT = """\
import os
print("rank", os.environ["RANK"])
if os.environ["RANK"] == "1":
    raise SystemExit(3)
"""
"""A run of it has a first failure to show."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    pages = {
        "options.md": write_options(),
        "python.md": write_python(),
        "record.md": write_record(),
        "variables.md": write_variables(),
    }
    for name, text in pages.items():
        files.append(File.generated(config, f"reference/{name}", content=text))
    return files


def write_options() -> str:
    """Write a page with every command and its options, from the parser."""
    lines = ["# Commands and their options", "", "Made from the command line's own parser.", ""]
    root = click.Context(commands.localrun, info_name="localrun")
    for title, table in commands.SECTIONS.items():
        lines += [f"## {title}", ""]
        for name in table:
            command = commands.localrun.get_command(root, name)
            if command is not None and name != "env":
                lines += _write_command(command, click.Context(command, info_name=name, parent=root))
    return "\n".join(lines)


def _write_command(command: click.Command, context: click.Context) -> Iterator[str]:
    yield from (f"### {context.command_path}", "", "```text", command.get_help(context), "```", "")
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                yield from _write_command(child, click.Context(child, info_name=name, parent=context))


def write_python() -> str:
    """Write a page with every public name, from the docstrings."""
    lines = ["# Python", "", "`from localrun import …` gives these names; they are azureml-core's.", ""]
    for name, module in sorted(localrun._PLACES.items()):  # noqa: SLF001 - the one table of public names
        value = getattr(importlib.import_module(module), name)
        where = getattr(value, "__module__", module) if isinstance(value, type) else module
        lines += [f"::: {where}.{name}", ""]
    return "\n".join(lines)


def write_record() -> str:
    """Write a page with the record of a run that was made for it: every key, and the whole of it."""
    record = _make_record()
    keys = dict.fromkeys(_list_keys(record))
    lines = [
        "# The record of a run",
        "",
        "`localrun inspect RUN` prints it; `run.json` in the run's folder is it. What the keys mean:",
        "[the command line](../command-line.md#json). The values below `plan` are described with",
        "`localrun.plan.Plan`, at the end of this page. Every key of a record with a failed rank:",
        "",
        "| key | type |",
        "|---|---|",
        *(f"| `{key}` | {kind} |" for key, kind in keys),
        "",
        "## An example",
        "",
        "```json",
        json.dumps(record, indent=2),
        "```",
        "",
        "## The plan",
        "",
        "::: localrun.plan.Plan",
        "",
        "::: localrun.plan.EnvironmentPlan",
        "",
        "::: localrun.plan.RankPlan",
    ]
    return "\n".join(lines)


def _make_record() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "example")
        os.mkdir(source)
        with open(os.path.join(source, "train.py"), "w", encoding="utf-8") as file:
            file.write(SCRIPT)
        environ = os.environ | {"LOCALRUN_HOME": os.path.join(folder, "home")}
        command = [sys.executable, "-m", "localrun"]
        run = [*command, "run", "-E", f"interpreter:{sys.executable}", "-n", "2", "train.py"]
        subprocess.run(run, cwd=source, env=environ, check=False, capture_output=True)
        shown = subprocess.run([*command, "inspect", "latest"], env=environ, check=True, capture_output=True, text=True)
        text = shown.stdout.replace(folder, "/home/ann")
        for place in (os.path.dirname(sys.executable), sys.prefix, sys.base_prefix):
            text = text.replace(place, "/home/ann/python" + ("/bin" if place.endswith("/bin") else ""))
        record: dict[str, Any] = json.loads(text)
        record["host"] = dict.fromkeys(record.get("host") or {}, "…")
    return record


def _list_keys(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if path.endswith(("variables", "timings")):
            yield path, "object: values by name"
            return
        for key, part in value.items():
            yield from _list_keys(part, f"{path}.{key}" if path else key)
        if not value:
            yield path, "object"
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for part in value:
            yield from _list_keys(part, f"{path}[]")
    else:
        names = {str: "text", bool: "true or false", int: "number", float: "number", list: "list"}
        yield path, names.get(type(value), "null, or a value")


def write_variables() -> str:
    """Write a page with every environment variable that the code names, and the modules that do."""
    found: dict[str, set[str]] = {}
    for module, name in list_variables():
        found.setdefault(name, set()).add(module)
    lines = [
        "# Environment variables",
        "",
        "What the code names, and where; made from it. What the important ones are for:",
        "[the command line](../command-line.md#environment-variables) (what localrun reads) and",
        "[what a script sees](../what-a-script-sees.md) (what it sets).",
        "",
        "| variable | modules |",
        "|---|---|",
        *(
            f"| `{name}` | {', '.join(f'`{one}`' for one in sorted(modules))} |"
            for name, modules in sorted(found.items())
        ),
    ]
    return "\n".join(lines)


def _name_modules(modules: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(modules))


def list_variables() -> Iterator[tuple[str, str]]:
    """Give each module of the package with each environment variable that is a text of its own there."""
    for folder, _, names in os.walk(PACKAGE):
        for name in names:
            if not name.endswith(".py"):
                continue
            path = os.path.join(folder, name)
            module = os.path.relpath(path, PACKAGE)[:-3].replace(os.sep, ".").removesuffix(".__init__")
            with open(path, encoding="utf-8") as file:
                tree = ast.parse(file.read())
            for node in ast.walk(tree):
                value = node.value if isinstance(node, ast.Constant) else None
                if isinstance(value, str) and (VARIABLE.fullmatch(value) or value in OTHERS):
                    yield module, value
