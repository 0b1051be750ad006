"""Text from outside, made safe to print: the one function that everything shown to a person passes.

A log line, a run's name or an error message may hold control characters that move the cursor, recolour the terminal or
reverse the order of what is read (CWE-150). They are shown as escapes instead.
"""

from __future__ import annotations

_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_PLAIN = bytes(range(0x20, 0x7F)) + b"\t"


def escape(text: str, keep: str = "") -> str:
    r"""Give `text` with everything that is not a visible character or a space as `\xNN`, `\uNNNN` or `\UNNNNNNNN`.

    That is C0, DEL, C1, line and paragraph separators, bidirectional and other format controls, lone surrogates and
    unassigned code points.

    Args:
        text: Any string, lone surrogates included.
        keep: Control characters that stay as they are, such as a newline.
    """
    if text.isprintable():
        return text
    return "".join([char if char.isprintable() or char in keep or char in _SPACES else _escaped(char) for char in text])


def _escaped(char: str) -> str:
    code = ord(char)
    if code <= 0xFF:  # noqa: PLR2004 - two hex digits hold it
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - four hex digits hold it


def escape_line(line: bytes) -> bytes:
    r"""Give one line of a log as it is shown behind a prefix: UTF-8, bytes that are none as `\xNN`.

    Tabs stay. Of a line that was overwritten by carriage returns (a progress bar) only the last state is given.

    Args:
        line: The line without its newline.
    """
    if not line.translate(None, _PLAIN):
        return line
    text = line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "backslashreplace")
    return escape(text, "\t").encode()
