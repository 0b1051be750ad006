"""What a run gets of its secrets, and how the passphrase is asked for."""

from __future__ import annotations

import builtins
import getpass
import io
import resource

import pytest

from localrun.errors import SecretFailed
from localrun.secrets.launch import ask_on_terminal, forbid_core_files


@pytest.fixture
def terminal(monkeypatch):
    """Give a function that lets somebody sit there who answers so, or raises."""
    real = builtins.open

    def answer(given):
        def ask(prompt):
            assert prompt == "passphrase of the secrets: "
            if isinstance(given, BaseException):
                raise given
            return given

        monkeypatch.setattr(
            builtins, "open", lambda path, *more: io.BytesIO() if path == "/dev/tty" else real(path, *more)
        )
        monkeypatch.setattr(getpass, "getpass", ask)

    return answer


def test_the_passphrase_is_asked_for_where_somebody_sits(terminal):
    terminal("correct horse")
    assert ask_on_terminal() == "correct horse"


def test_an_empty_passphrase_is_none(terminal):
    terminal("")
    with pytest.raises(SecretFailed, match="no passphrase was given") as caught:
        ask_on_terminal()
    assert caught.value.code == "secrets_locked"


@pytest.mark.parametrize("error", [EOFError(), OSError(5, "Input/output error")])
def test_a_terminal_that_goes_away_is_nobody_to_ask(terminal, error):
    terminal(error)
    with pytest.raises(SecretFailed, match="need their passphrase"):
        ask_on_terminal()


def test_without_a_terminal_there_is_nobody_to_ask(monkeypatch):
    def refuse(*arguments):
        raise OSError(6, "No such device or address")

    monkeypatch.setattr(builtins, "open", refuse)
    with pytest.raises(SecretFailed, match="need their passphrase"):
        ask_on_terminal()


def test_no_core_file_is_left_from_then_on():
    before = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        forbid_core_files()
        assert resource.getrlimit(resource.RLIMIT_CORE) == (0, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
