"""Every command of README and docs is run as a reader would type it; what cannot be run is listed here."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import click
import pytest
from page_kit import FENCE, REPOSITORY, list_pages, read_page, run_page

from localrun.cli import commands

PAGES = {name: read_page(name) for name in list_pages()}
TYPED = [name for name, page in PAGES.items() if page.list_commands()]

WITHOUT_COMMANDS = {"docs/faults.md", "docs/house.md", "docs/seeds.md"}
"""Pages that have no command to run: drawings that tests/unit/test_house.py holds to the code, a table of tests/seeds, and
tables of tests that tests/unit/test_faults_page.py looks for."""

NOT_RUN = {
    "README.md": 2,  # an installation, which another page has; make check, make test
    "docs/behind-a-proxy.md": 1,  # a company's certificate
    "docs/debugging.md": 3,  # a shell in a run that waits; a debugger that attaches; a slow network, which takes root
    "docs/distributed.md": 1,  # an mpirun: tests/integration/test_distributions_mpi.py
    "docs/docker.md": 1,  # a registry: docs/private-registry.md
    "docs/reproduce-a-remote-run.md": 1,  # a workspace of Azure ML
    "docs/reproduce.md": 3,  # channels with other platforms, and with dates; a run of Azure ML: its own page
}
"""For each page, how many of its console blocks are not run; the page says why, in a comment."""


@pytest.mark.slow
@pytest.mark.channel
@pytest.mark.pypi
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", TYPED)
def test_a_page_is_true_from_its_top_to_its_end(name, reader):
    page = PAGES[name]
    reader.get_ready(page)
    wrong = run_page(page, reader.folder, reader.environ)
    assert not wrong, wrong


def test_pages_without_commands_are_known():
    assert set(PAGES) - set(TYPED) == WITHOUT_COMMANDS


def test_blocks_that_are_not_run_are_few_and_known():
    assert {name: len(page.not_run) for name, page in PAGES.items() if page.not_run} == NOT_RUN


def test_no_command_hides_in_a_block_that_is_not_looked_at():
    hidden = []
    for name in list_pages():
        for number, line, language in list_block_lines(name):
            if language != "console" and re.match(r"\s*(\$|localrun) [\w-]+", line):
                hidden.append(f"{name}:{number}: {line}")
    assert not hidden, "\n".join(hidden)


@pytest.mark.parametrize("name", list_pages())
def test_commands_and_options_that_the_text_names_are_there(name):
    unknown = []
    with open(f"{REPOSITORY}/{name}", encoding="utf-8") as file:
        spans = re.findall(r"`localrun ([^`]+)`", file.read())
    for span in spans:
        words = span.replace("\\|", "|").split()
        command, rest = find_command(words)
        if command is None:
            unknown.append(span)
        elif not isinstance(command, click.Group):
            have = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
            own = rest[: rest.index("--command")] if "--command" in rest else rest
            named = {found for word in own for found in re.findall(r"^\[?(--[a-z][a-z-]+)", word)}
            unknown += [f"{span}: {option}" for option in named - have - {"--help"}]
    assert not unknown, unknown


def find_command(words):
    """Give the command that a line begins with, or the group when no command follows; None for an unknown one."""
    group, rest = commands.localrun, list(words)
    while isinstance(group, click.Group) and rest and re.fullmatch(r"[a-z][a-z-]*", rest[0]):
        found = group.get_command(click.Context(group), rest.pop(0))
        if found is None:
            return None, rest
        group = found
    return group, rest


def test_every_variable_of_localrun_stands_in_the_table_of_variables():
    found = set()
    for folder, _, names in os.walk(os.path.join(REPOSITORY, "localrun")):
        for name in (one for one in names if one.endswith(".py")):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                found |= set(re.findall(r"\"(LOCALRUN_[A-Z_]+)\"", file.read()))
    with open(f"{REPOSITORY}/docs/command-line.md", encoding="utf-8") as file:
        text = file.read()
    assert not {name for name in found if f"`{name}`" not in text}


def test_every_key_of_a_record_stands_in_the_table_of_its_keys(localrun):
    localrun.write("train.py", "raise SystemExit(3)")
    assert localrun.run("-E", f"interpreter:{sys.executable}", "train.py").returncode == 3
    with open(f"{REPOSITORY}/docs/command-line.md", encoding="utf-8") as file:
        text = file.read()
    assert not {key for key in localrun.record() if f"`{key}`" not in text}


def test_the_site_is_built_without_a_warning(tmp_path):
    command = (sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site"))
    environ = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown = (tmp_path / "site" / "reference" / "record" / "index.html").read_text()
    assert "first_failure.last_lines" in shown


def list_block_lines(name):
    """Give each line of a block, or that is indented as one, with its number and the block's language."""
    language = None
    with open(f"{REPOSITORY}/{name}", encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if opened := FENCE.match(line.rstrip("\n")):
                language = (opened[1] or "text") if language is None else None
            elif language or line.startswith("    "):
                yield number, line, language or "indented"
