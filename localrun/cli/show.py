"""What commands print: escaped, encoded for any terminal, written at once, quiet when nobody reads on.

Nothing here colours anything, so that NO_COLOR and a dumb terminal get what they ask for.
"""

from __future__ import annotations

import os
import sys

from localrun.errors import LocalrunError
from localrun.escaping import escape
from localrun.workspace.home import tell as tell  # noqa: PLC0414 - commands say their notes with it

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

BROKEN_PIPE = 141
"""The exit code of a command whose reader went away: 128 + SIGPIPE, as a shell tells it."""


def write(text: str) -> None:
    """Print text that is already escaped; what the terminal's encoding lacks is shown as a backslash escape.

    Raises:
        SystemExit: with BROKEN_PIPE, when nobody reads standard output any more.
        LocalrunError: it cannot be written for another reason.
    """
    if sys.stdout is not None:
        write_bytes(text.encode(sys.stdout.encoding or "utf-8", "backslashreplace"))


def write_bytes(data: bytes) -> None:
    """Print bytes as they are.

    Raises:
        SystemExit: with BROKEN_PIPE, when nobody reads standard output any more.
        LocalrunError: it cannot be written for another reason.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
        rest = memoryview(data)
        while rest:  # an unbuffered standard output takes what it likes
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _give_up_stdout()
        raise SystemExit(BROKEN_PIPE) from None
    except OSError as error:
        raise refuse_stdout(error) from error


def refuse_stdout(error: OSError) -> LocalrunError:
    """Give up standard output, and give what is told about it."""
    _give_up_stdout()
    return LocalrunError(f"standard output cannot be written: {error.strerror}", code="output")


def _give_up_stdout() -> None:
    """Send what is still buffered nowhere: the interpreter would fail again when it flushes at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def table(columns: Sequence[Sequence[str]]) -> str:
    """Give columns of text side by side, aligned, two spaces apart, each line ending in a newline.

    Args:
        columns: Each with its heading first, all of one length; escaped here.
    """
    shown = [column if "".join(column).isprintable() else tuple(map(escape, column)) for column in columns]
    widths = [max(map(len, column)) for column in shown]
    layout = "  ".join([f"%-{width}s" for width in widths[:-1]] + ["%s\n"])
    return "".join(map(layout.__mod__, zip(*shown, strict=True)))


def document(value: Any) -> str:
    """Give JSON for people and programs: indented, ASCII, control characters as escapes, one newline at the end."""
    import json

    return json.dumps(value, indent=2).replace("\x7f", "\\u007f") + "\n"


def documents(values: Iterable[Any]) -> str:
    """Give a JSON list with one item a line, which a long list is printed faster as; else as `document`."""
    import json

    encode = json.JSONEncoder().encode
    lines = ",\n ".join([encode(value) for value in values])
    return f"[{lines}]\n".replace("\x7f", "\\u007f")


def flat_documents(names: Sequence[str], rows: Iterable[Sequence[str | float | tuple[str, ...] | None]]) -> str:
    """Give a JSON list as `documents` does, of objects that hold texts, numbers, nulls and tuples of texts only.

    Thousands of rows are written faster than the `json` module is imported.

    Args:
        names: The keys of every object; none holds a percent sign.
        rows: The values of each object, in the order of the keys.
    """
    try:
        from _json import encode_basestring_ascii as quote  # what json itself uses in every CPython
    except ImportError:
        from json.encoder import encode_basestring_ascii as quote
    layout = "{" + ", ".join([f"{quote(name)}: %s" for name in names]) + "}"

    def encode_cell(cell: Any) -> str:
        if isinstance(cell, tuple):
            return f"[{', '.join(map(quote, cell))}]"
        return quote(cell) if isinstance(cell, str) else "null" if cell is None else repr(cell)

    def encode(column: Sequence[Any]) -> Iterable[str]:
        return map(quote if set(map(type, column)) == {str} else encode_cell, column)

    columns = map(encode, zip(*rows, strict=True))
    lines = ",\n ".join(map(layout.__mod__, zip(*columns, strict=True)))
    return f"[{lines}]\n".replace("\x7f", "\\u007f")


def duration(seconds: float | None) -> str:
    """Give seconds as people read them: `0.3s`, `4m05s`, `2h03m`; empty for None."""
    if seconds is None:
        return ""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{max(seconds, 0):.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"  # noqa: PLR2004 - an hour
