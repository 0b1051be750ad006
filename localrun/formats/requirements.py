"""pip's requirements files, with what they include.

Lines stay as they are written (options, markers, hashes, `${NAME}`): the installer understands them. Comments go,
continuation lines are joined, `-r` is replaced by the lines of that file. Source: pip's "Requirements File Format".
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from localrun.errors import BadInput
from localrun.formats.gate import BYTES, decode_text, read_referenced
from localrun.spec import EnvironmentSpec, PythonSpec
from localrun.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINES = 20_000
"""No environment may have more requirement lines, included files counted."""
FILES = 100
"""No environment may include more files."""

_COMMENT = re.compile(r"(^|\s+)#.*$")
_INCLUDE = re.compile(r"(?:(-[rc])\s*|(--requirement|--constraint)(?:\s+|\s*=\s*))(\S.*)")
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_CODINGS = {b"\xff\xfe\x00\x00": "utf-32", b"\x00\x00\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@value
class Line:
    """A requirement line and where it stands."""

    text: str
    file: str
    line: int = 0
    key: str = ""


def read_requirements(data: bytes, *, file: str, read: Callable[[str], bytes]) -> EnvironmentSpec:
    """Give the environment of a requirements file: python and pip from conda, the lines for pip.

    Python has no version here: the caller decides.

    Args:
        data: The file's bytes.
        file: Its name; a relative one starts from the working directory.
        read: Gives the bytes of an included file by its absolute path.

    Raises:
        BadInput: a file cannot be read or decoded, or files include one another without end.
    """
    path = os.path.abspath(file)
    lines = expand(split_lines(decode_requirements(data, file=file), file=file), path=path, read=read)
    python = PythonSpec(
        conda=("python", "pip"), pip=tuple(line.text for line in lines), directory=os.path.dirname(path)
    )
    return EnvironmentSpec(python=python, file=file)


def decode_requirements(data: bytes, *, file: str) -> str:
    """Give a requirements file's text: UTF-8, or UTF-16 and UTF-32 with a byte order mark, as pip takes them.

    Raises:
        BadInput: it is neither, or too large.
    """
    for start, coding in _CODINGS.items():
        if data.startswith(start) and len(data) <= BYTES:
            try:
                data = data.decode(coding).encode()
            except UnicodeDecodeError as error:
                raise BadInput(
                    f"not valid {coding.upper()}: {error.reason}", file=file, hint="save it as UTF-8"
                ) from None
            break
    return decode_text(data, file=file)


def split_lines(text: str, *, file: str, first: int = 1, key: str = "") -> Iterator[Line]:
    """Give the lines that say something, continuation lines joined, comments and blanks around removed."""
    pending = ""
    start = first
    for number, raw in enumerate(text.splitlines(), first):
        start = start if pending else number
        is_comment = raw.lstrip().startswith("#")
        if raw.endswith("\\") and not is_comment:
            pending += raw[:-1]
            continue
        line = _COMMENT.sub("", f"{pending} {raw}" if is_comment else pending + raw).strip()
        pending = ""
        if line:
            yield Line(text=line, file=file, line=start, key=key)
    if line := _COMMENT.sub("", pending).strip():
        yield Line(text=line, file=file, line=start, key=key)


def expand(
    lines: Iterator[Line],
    *,
    path: str,
    read: Callable[[str], bytes],
    _above: tuple[str, ...] = (),
    _seen: list[str] | None = None,
) -> list[Line]:
    """Replace `-r FILE` by that file's lines; relative names start from the folder of the including file `path`.

    A `-c FILE` stays, by its absolute path, with a hash of the file as a comment, so that the environment changes when
    the file does.

    Raises:
        BadInput: a file cannot be read, includes itself, lies on a server, or there is too much of everything.
    """
    above = (*_above, path)
    seen = [] if _seen is None else _seen
    found: list[Line] = []
    for line in lines:
        included = _INCLUDE.fullmatch(line.text)
        if not included:
            found.append(line)
        else:
            found += _include(line, included, above, seen, read)
        if len(found) > LINES:
            message = f"more than {LINES:,} requirement lines"
            hint = "check that it is the file you mean"
            raise BadInput(message, file=line.file, line=line.line, key=line.key, hint=hint)
    return found


def _include(
    line: Line, included: re.Match[str], above: tuple[str, ...], seen: list[str], read: Callable[[str], bytes]
) -> list[Line]:
    name = included[3].strip().strip("\"'")
    if _REMOTE.match(name):
        hint = "download it and name the local copy"
        raise BadInput(f"{name} is not a local file", file=line.file, line=line.line, key=line.key, hint=hint)
    path = os.path.normpath(os.path.join(os.path.dirname(above[-1]), name))
    shown = os.path.normpath(os.path.join(os.path.dirname(line.file), name))
    seen.append(path)
    if path in above or len(seen) > FILES:
        what = f"{name} includes itself" if path in above else f"more than {FILES} included files"
        raise BadInput(what, file=line.file, line=line.line, key=line.key, hint="remove one of the -r lines")
    data = read_referenced(path, read=read, shown=name, file=line.file, line=line.line, key=line.key)
    if (included[1] or included[2]) in ("-c", "--constraint"):
        from hashlib import sha256

        return [
            Line(text=f"-c {path}  # sha256 {sha256(data).hexdigest()}", file=line.file, line=line.line, key=line.key)
        ]
    inner = split_lines(decode_requirements(data, file=shown), file=shown)
    return expand(inner, path=path, read=read, _above=above, _seen=seen)
