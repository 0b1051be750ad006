"""One rank in a container with the user's terminal."""

from __future__ import annotations

import pexpect
import pytest
from test_terminals import PDB, TALK, spawn, stop_at_a_breakpoint

IN_CONTAINERS = ("-t", "docker", "-E", "image:localrun-test/python")


def end(terminal):
    """Wait for a command's end and give its exit code."""
    terminal.expect(pexpect.EOF)
    terminal.wait()
    terminal.close()
    return terminal.exitstatus


def test_pdb_works_at_a_breakpoint_of_one_rank_in_its_container(localrun):
    localrun.write("train.py", PDB)
    words = (*IN_CONTAINERS, "--nodes", "2", "--distribution", "pytorch", "-it", "--rank", "1", "train.py")
    terminal = spawn(localrun, *words, timeout=60)
    terminal.expect(r"\(Pdb\) ")
    assert "rank 0" not in terminal.before
    terminal.sendline("p secret, __import__('socket').gethostname()")
    terminal.expect(r"\(42, 'node-1'\)\r\n")
    terminal.expect(r"\(Pdb\) ")
    terminal.sendline("c")
    terminal.expect("went on with 42\r\n")
    terminal.expect("completed after")
    assert end(terminal) == 0
    assert b"went on with 42" in localrun.log(1)
    assert b"went on with 41" in localrun.log(0)


def test_rank_in_a_container_has_the_size_of_the_terminal_the_keys_and_ctrl_c(localrun):
    localrun.write("train.py", TALK)
    terminal = spawn(localrun, *IN_CONTAINERS, "-it", "train.py", timeout=60)
    terminal.expect(r"True True os.terminal_size\(columns=90, lines=30\)\r\n")
    terminal.expect("say: ")
    terminal.sendline("hello")
    terminal.expect("heard 'hello'\r\n")
    terminal.expect("say: ")
    terminal.sendintr()
    terminal.expect("<interrupted>")
    terminal.setwinsize(40, 100)
    terminal.expect(r"now os.terminal_size\(columns=100, lines=40\)")
    terminal.sendline("end")
    terminal.expect("ended with exit code 4 after")
    assert end(terminal) == 4


def test_bootstrap_script_is_seen_on_the_terminal_and_reads_nothing_of_it(localrun):
    localrun.write("train.py", "print('heard', repr(input('say: ')))")
    localrun.write("setup.sh", "cat; echo prepared; tty || true")
    terminal = spawn(localrun, *IN_CONTAINERS, "--bootstrap", "setup.sh", "-it", "train.py", timeout=60)
    terminal.expect("prepared\r\nnot a tty\r\n")
    terminal.expect("say: ")
    terminal.sendline("hello")
    terminal.expect("heard 'hello'")
    assert end(terminal) == 0
    assert b"prepared" in localrun.log()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-it", "--user", "12345"), "a terminal of this machine is not for 12345"),
        (("-it", "--rank", "1"), "the run has no rank 1"),
        (("-i",), "standard input does not get into a container"),
    ],
)
def test_terminal_that_a_container_cannot_have_is_refused(localrun, words, said):
    localrun.write("train.py", "")
    terminal = spawn(localrun, *IN_CONTAINERS, *words, "train.py", timeout=60)
    terminal.expect(said)
    assert end(terminal) == 125
    assert localrun.records() == []


@pytest.mark.pypi
@pytest.mark.parametrize("more", [("--nodes", "2", "--distribution", "pytorch"), ("-n", "2", "--network", "host")])
def test_rank_in_a_container_waits_for_a_debugger_and_stops_at_its_breakpoint(localrun, more):
    words = (*IN_CONTAINERS, *more, "--debug", "--rank", "1", "train.py")
    assert "x is 42" in stop_at_a_breakpoint(localrun, *words)


def test_debugger_of_a_container_without_a_network_is_refused(localrun):
    localrun.write("train.py", "")
    refused = localrun.run(*IN_CONTAINERS, "--network", "none", "--debug", "train.py")
    assert refused.returncode == 125
    assert b"no debugger reaches a container with the network none" in refused.stderr
    assert localrun.records() == []
