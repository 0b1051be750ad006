"""What py-rattler and uv say, in words for the user."""

from __future__ import annotations

import pytest

from localrun.adapters.rattler_errors import clean, redact, shorten, translate
from localrun.adapters.uv import PipRequest, explain

REQUEST = {
    "channels": [{"name": "c", "url": "https://h/c"}],
    "platform": "linux-64",
    "specs": ["a", "b >=1"],
    "offline": False,
}
PIP = PipRequest(python="/p", requirements=(), directory="", cache="/c", log=2)


def raised(name, text):
    return type(name, (Exception,), {})(text)


@pytest.mark.parametrize(
    ("name", "text", "code", "part"),
    [
        (
            "SolverError",
            "Cannot solve the request because of: No candidates were found for zz >=3.\n",
            "solve",
            "zz >=3",
        ),
        ("InvalidMatchSpecError", "unable to parse", "solve", "a, b >=1"),
        (
            "GatewayError",
            "HTTP status server error (500 Internal Server Error) for url (https://h/c/x)",
            "channel",
            "500",
        ),
        ("GatewayError", "error sending request for url (https://u:p@h/x)\nCaused by: refused", "channel", "refused"),
        ("GatewayError", "could not find subdir", "channel", "https://h/c"),
        ("InstallerError", "failed: No space left on device (os error 28)", "store_full", "full"),
        ("InstallerError", "x: Read-only file system (os error 30)", "store_read_only", "written"),
        ("InstallerError", "hash mismatch", "channel", "hash mismatch"),
        ("InstallerError", "what is this", "installer_crashed", "what is this"),
    ],
)
def test_errors_of_rattler(name, text, code, part):
    answer = translate(raised(name, text), REQUEST).answer
    assert answer["code"] == code
    assert part in answer["message"]
    assert "u:p" not in str(answer)


def test_offline_is_told_as_such():
    error = raised("GatewayError", "error for url (https://h/c)")
    assert translate(error, REQUEST | {"offline": True}).answer["code"] == "offline"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["  × No solution found when resolving dependencies:", "  ╰─▶ Because x was not found"], "solve"),
        (["  × Failed to build `x @ file:///x`", "  ├─▶ it broke"], "build_failed"),
        (["error: Failed to fetch: `https://h/`", "  Caused by: HTTP status 500"], "channel"),
        (["error: something", "  Caused by: No space left on device (os error 28)"], "store_full"),
        (["error: something else"], "build_failed"),
    ],
)
def test_errors_of_uv(lines, code):
    assert explain(lines, PIP, 1).code == code


def test_a_signal_is_a_crash():
    assert explain([], PIP, -11).code == "installer_crashed"


def test_credentials_and_binary_never_get_into_a_message():
    assert redact("at https://u:p@h/t/abc/chan and http://x@y/z") == "at https://h/chan and http://y/z"
    assert clean("ok \x00\x01\x02\x1b[31m\x00\x00\x00 end").isprintable()


def test_long_texts_are_cut_to_twenty_lines():
    lines = shorten("\n".join(map(str, range(50)))).split("\n")
    assert len(lines) == 21
    assert lines[-1] == "… 30 more lines in the log"
