"""One rank with the user's terminal or standard input, and one that waits for a debugger."""

from __future__ import annotations

import subprocess

import pytest
from terminal_kit import PDB, TALK, debug_rank_1, open_terminal, stop_at_a_breakpoint, talk


def test_pdb_works_at_a_breakpoint_of_one_rank(localrun):
    localrun.write("train.py", PDB)
    terminal = open_terminal(localrun, "run", "-it", "--rank", "1", "-n", "2", "train.py")
    debug_rank_1(localrun, terminal, "secret", "42")


def test_rank_has_the_size_of_the_terminal_the_keys_and_ctrl_c(localrun):
    localrun.write("train.py", TALK)
    terminal = open_terminal(localrun, "run", "-it", "train.py")
    talk(terminal)


def test_rank_gets_what_was_typed_before_it_had_the_terminal(localrun):
    localrun.write("train.py", "print('got', input())")
    terminal = open_terminal(localrun, "run", "-it", "train.py")
    terminal.sendline("early")
    terminal.expect("got early", timeout=30)
    terminal.expect("completed", timeout=30)


def test_interactive_rank_reads_the_standard_input_of_the_run(localrun):
    localrun.write("train.py", "import sys; print(len(sys.stdin.buffer.read()))")
    with localrun.start("run", "-q", "-i", "train.py", stdin=subprocess.PIPE) as child:
        out, err = child.communicate(b"x" * 300_000, timeout=30)
    assert (child.returncode, out) == (0, b"300000\n"), err


def test_terminal_is_refused_where_there_is_none(localrun):
    localrun.write("train.py", "")
    for words, said in (
        (("-it",), b"standard input is not a terminal"),
        (("-it", "-d"), b"a detached run cannot have this terminal"),
        (("-it", "--rank", "1"), b"the run has no rank 1"),
    ):
        refused = localrun.run(*words, "train.py", stdin=subprocess.DEVNULL)
        assert refused.returncode == 125
        assert said in refused.stderr
    assert localrun.records() == []


@pytest.mark.pypi
@pytest.mark.parametrize("words", [("train.py",), ("--command", "python train.py")])
def test_rank_waits_for_a_debugger_and_stops_at_its_breakpoint(localrun, words):
    more = ("--source", localrun.source) if words[0] == "--command" else ()
    assert "x is 42" in stop_at_a_breakpoint(localrun, "-n", "2", "--debug", "--rank", "1", *more, *words)
