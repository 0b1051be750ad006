"""One rank in a container with the user's terminal."""

from __future__ import annotations

import subprocess

import pytest
from terminal_kit import PDB, TALK, debug_rank_1, end, open_terminal, stop_at_a_breakpoint, talk

IN_CONTAINERS = ("-t", "docker", "-E", "image:localrun-test/python")


def test_pdb_works_at_a_breakpoint_of_one_rank_in_its_container(localrun):
    localrun.write("train.py", PDB)
    words = (*IN_CONTAINERS, "--nodes", "2", "--distribution", "pytorch", "-it", "--rank", "1", "train.py")
    terminal = open_terminal(localrun, "run", *words)
    debug_rank_1(localrun, terminal, "secret, __import__('socket').gethostname()", r"\(42, 'node-1'\)")


def test_rank_in_a_container_has_the_size_of_the_terminal_the_keys_and_ctrl_c(localrun):
    localrun.write("train.py", TALK)
    terminal = open_terminal(localrun, "run", *IN_CONTAINERS, "-it", "train.py")
    talk(terminal)


def test_bootstrap_script_is_seen_on_the_terminal_and_reads_nothing_of_it(localrun):
    localrun.write("train.py", "print('heard', repr(input('say: ')))")
    localrun.write("setup.sh", "cat; echo prepared; tty || true")
    terminal = open_terminal(localrun, "run", *IN_CONTAINERS, "--bootstrap", "setup.sh", "-it", "train.py")
    terminal.expect("prepared\r\nnot a tty\r\n")
    terminal.expect("say: ")
    terminal.sendline("hello")
    terminal.expect("heard 'hello'")
    assert end(terminal) == 0
    assert b"prepared" in localrun.log()


def test_rank_in_a_container_reads_the_standard_input_of_the_run(localrun):
    localrun.write("train.py", "import sys; print(len(sys.stdin.buffer.read()))")
    with localrun.start("run", "-q", *IN_CONTAINERS, "-i", "train.py", stdin=subprocess.PIPE) as child:
        out, err = child.communicate(b"x" * 300_000, timeout=60)
    assert (child.returncode, out) == (0, b"300000\n"), err


def test_line_comes_to_a_rank_in_a_container_when_it_is_written(localrun):
    localrun.write("train.py", "import sys\nfor line in sys.stdin: print('heard', line.strip(), flush=True)")
    words = ("run", "-q", *IN_CONTAINERS, "-n", "2", "-i", "--rank", "1", "train.py")
    with localrun.start(*words, stdin=subprocess.PIPE) as child:
        for word in (b"one", b"two"):
            child.stdin.write(word + b"\n")
            child.stdin.flush()
            assert child.stdout.readline() == b"heard " + word + b"\n"
        child.stdin.close()
        assert child.wait(60) == 0, child.stderr.read()
    assert localrun.log(0) == b""


def test_rank_that_does_not_read_ends_although_more_is_to_come(localrun):
    localrun.write("train.py", "print('no, thanks')")
    with localrun.start("run", "-q", *IN_CONTAINERS, "-i", "train.py", stdin=subprocess.PIPE) as child:
        assert child.wait(60) == 0, child.stderr.read()
        assert child.stdout.read() == b"no, thanks\n"
    assert localrun.wait_for_processes() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-it", "--user", "12345"), "a terminal of this machine is not for 12345"),
        (("-it", "--rank", "1"), "the run has no rank 1"),
        (("-i",), "standard input is a terminal"),
    ],
)
def test_terminal_that_a_container_cannot_have_is_refused(localrun, words, said):
    localrun.write("train.py", "")
    terminal = open_terminal(localrun, "run", *IN_CONTAINERS, *words, "train.py")
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
