"""How a command ends that did not end as it should: exit code, and what stands on standard error."""

from __future__ import annotations

import os
import sys

import click
import pytest

from localrun.cli import main
from localrun.cli.commands import suggest
from localrun.errors import NotRunnable


@pytest.fixture
def command(monkeypatch):
    """Give a function that runs `localrun ps`, in which something happens."""

    def run(error, *options):
        def fail(*arguments, **more):
            raise error

        monkeypatch.setattr(click.Command, "invoke", fail)
        monkeypatch.setattr(click.Group, "invoke", fail)
        monkeypatch.setattr(sys, "argv", ["localrun", *options, "ps"])
        return main()

    return run


def test_an_error_that_nobody_thought_of_is_told_without_a_traceback_and_without_a_password(command, capsys):
    assert command(RuntimeError("no answer from https://me:secret@host/x\x1b[2J")) == 125
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("localrun: error: RuntimeError: no answer from https://")
    assert not {"secret", "\x1b"} & {word for line in said for word in ("secret", "\x1b") if word in line}
    assert "--traceback" in said[1]
    assert said[-1] == "kind=internal"


@pytest.mark.parametrize(("error", "code"), [(RuntimeError("here"), 125), (NotRunnable("here"), 127)])
def test_a_traceback_is_there_for_who_asks_for_it_before_what_is_always_said(command, capsys, error, code):
    assert command(error, "--traceback") == code
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("Traceback")
    assert said[-1].startswith("kind=")


def test_ctrl_c_before_the_ranks_run_ends_with_130_and_no_words(command, capsys):
    assert command(KeyboardInterrupt()) == 130
    assert "Error" not in capsys.readouterr().err


def test_a_reader_that_went_away_ends_with_141_and_no_words(command, capsys):
    kept = os.dup(1)
    try:
        assert command(BrokenPipeError()) == 141
    finally:
        os.dup2(kept, 1)
        os.close(kept)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["train.py"], "did you mean localrun run train.py?"),
        (["--quiet", "job.yml"], "did you mean localrun run job.yml?"),
        (["rnu", "train.py"], "did you mean localrun run?"),
        (["run"], ""),
        (["--quiet"], ""),
        (["xyzzy"], ""),
    ],
)
def test_a_command_that_there_is_not_has_a_near_one(words, hint):
    assert suggest(words) == hint
