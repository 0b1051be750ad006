from __future__ import annotations

import pytest

from localrun.cli.inside import read_words
from localrun.cli.log_lines import Lines, make_printer
from localrun.errors import BadInput
from localrun.supervise.times import NAME, Times


def test_lines_come_in_the_order_in_which_they_were_complete(tmp_path):
    logs = {0: tmp_path / "0", 1: tmp_path / "1"}
    times = Times(str(tmp_path))
    written = {0: b"", 1: b""}
    for rank, piece in ((0, b"a be"), (1, b"other\n"), (0, b"gins\nb\n"), (1, b"no end")):
        written[rank] += piece
        logs[rank].write_bytes(written[rank])
        times.note(rank, len(written[rank]))
    lines = Lines({rank: str(path) for rank, path in logs.items()}, str(tmp_path / NAME))
    assert [(rank, line) for rank, _, line in lines.read(last=False)] == [(1, b"other"), (0, b"a begins"), (0, b"b")]
    assert [(rank, line) for rank, _, line in lines.read(last=True)] == [(1, b"no end")]


def test_line_is_printed_with_time_and_rank_and_escaped():
    print_line = make_printer(prefixed=True, stamped=True)
    assert print_line(3, 1_700_000_000_500_000_000, b"a\x1b[0m") == b"2023-11-14T22:13:20.500Z [rank 3] a\\x1b[0m\n"
    assert make_printer(prefixed=False, stamped=False)(0, 0, b"a") == b"a\n"


@pytest.mark.parametrize(
    ("words", "rank", "command"),
    [
        (("ls", "-l"), None, ("ls", "-l")),
        (("--rank", "2", "--", "ls", "--rank", "3"), 2, ("ls", "--rank", "3")),
        (("--rank=2", "-it", "bash"), 2, ("bash",)),
        (("--", "--odd"), None, ("--odd",)),
        (("grep", "--", "x"), None, ("grep", "--", "x")),
        ((), None, ()),
        (("--rank", "1", "--"), 1, ()),
    ],
)
def test_options_of_exec_and_shell_may_stand_behind_the_run(words, rank, command):
    assert read_words(None, words) == (rank, command)


@pytest.mark.parametrize("words", [("--rank",), ("--rank", "x", "ls")])
def test_a_rank_that_is_none_is_refused(words):
    with pytest.raises(BadInput):
        read_words(None, words)
