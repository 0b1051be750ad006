from __future__ import annotations

import pytest

from localrun.targets.docker_script import Start, is_shell_name, quote, write_script


def test_script_of_a_rank_names_directory_program_and_variables():
    start = Start(
        argv=("python", "train.py", "it's"),
        variables=(("A", "1\n2"), ("a.b", "x")),
        fallbacks=(("F", "f"),),
        leading=(("PATH", "/one:/two"),),
        directory="/run/wd",
        own_python=True,
    )
    assert write_script(start).decode().split("\n") == [
        "directory='/run/wd' variables=1 program='python'",
        "[ -n \"${F+x}\" ] || export F='f'",
        'PATH="${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"',
        "export A='1",
        "2'",
        "export PATH='/one:/two'\"${PATH:+:$PATH}\"",
        "command -v python >/dev/null || ! command -v python3 >/dev/null || program=python3",
        "set -- env 'a.b=x' \"$program\" 'train.py' 'it'\\''s'",
        "",
    ]


def test_bytes_that_are_no_text_stay_as_they_are():
    start = Start(argv=("a",), variables=(("A", b"\xff\x80".decode(errors="surrogateescape")),), directory="/")
    assert b"export A='\xff\x80'" in write_script(start)


@pytest.mark.parametrize(
    ("name", "plain"),
    [("A", True), ("_A1", True), ("a.b", False), ("1A", False), ("ü", False), ("UID", False), ("IFS", False)],
)
def test_names_that_shells_do_not_hold_are_known(name, plain):
    assert is_shell_name(name) == plain


def test_quotes_hold_every_character():
    assert quote("$a`b`\\") == "'$a`b`\\'"
    assert quote("'") == "''\\'''"
