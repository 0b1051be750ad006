"""What the Docker section takes for an image and for a Dockerfile."""

from __future__ import annotations

import os
import re
from typing import Any

from localrun.api.exceptions import UserErrorException
from localrun.api.notices import tell

_INSTRUCTION = re.compile(r"\s*(#|(FROM|ARG)\s)", re.IGNORECASE)
"""How the text of a Dockerfile begins (Dockerfile reference: only ARG may precede FROM)."""


def take_image(given: Any) -> str | None:
    """Give the image that was meant: a text, or a tuple of one, which a trailing comma makes.

    Raises:
        UserErrorException: it is neither.
    """
    if isinstance(given, tuple | list) and len(given) == 1 and isinstance(given[0], str):
        tell([f"base_image: a tuple of one, made by a trailing comma, is taken as {given[0]}"])
        return given[0]
    if given is not None and not isinstance(given, str):
        message = f"base_image takes the name of an image, not {given!r}"
        raise UserErrorException(message, hint="write it as docker does, such as 'python:3.11'")
    return given


def read_dockerfile(given: Any) -> str | None:
    """Give the text of a Dockerfile that is given as text, as a path, or as an open file.

    One line that does not begin as a Dockerfile does is a path.

    Raises:
        UserErrorException: it is none of these, or there is no such file.
        BadInput: the file cannot be read.
    """
    if given is None or given == "":
        return None
    if hasattr(given, "read"):
        return _decode(given.read())
    if isinstance(given, os.PathLike):
        return _read(os.fspath(given))
    if not isinstance(given, str):
        message = f"base_dockerfile takes a path or the text of a Dockerfile, not {given!r}"
        raise UserErrorException(message, hint="write './Dockerfile', or the text itself, which begins with FROM")
    if "\n" in given or (_INSTRUCTION.match(given) and not os.path.exists(given)):
        return given
    return _read(given)


def _decode(data: Any) -> str:
    from localrun.formats.gate import decode_text

    return data if isinstance(data, str) else decode_text(bytes(data), file="Dockerfile")


def _read(path: Any) -> str:
    from localrun.api.user_files import read_user_file
    from localrun.formats.gate import decode_text

    if not isinstance(path, str) or not os.path.exists(path):
        hint = "check the path, which starts from the working directory; the text of a Dockerfile begins with FROM"
        raise UserErrorException(f"there is no Dockerfile {path}", hint=hint)
    return decode_text(read_user_file(path), file=path)
