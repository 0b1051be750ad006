"""The commands by name, and what the help says of them."""

from __future__ import annotations

import importlib

import click
from click.testing import CliRunner

from localrun.cli.commands import COMMANDS, EPILOG, SECTIONS, localrun


def test_every_command_is_where_the_table_says():
    for module, name, _ in COMMANDS.values():
        assert isinstance(getattr(importlib.import_module(module), name), click.Command)


def test_help_names_every_command_once_in_sections():
    lines = CliRunner().invoke(localrun, ["--help"]).output.splitlines()
    end = next(number for number, line in enumerate(lines) if line.strip() and EPILOG.startswith(line.strip()))
    names = [line.split()[0] for line in lines[lines.index("Run:") : end] if line.startswith("  ")]
    assert names == list(COMMANDS)
    assert [line.rstrip(":") for line in lines if line.endswith(":") and line != "Options:"] == list(SECTIONS)
