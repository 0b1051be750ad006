"""The one way in which the classes read a file that the user names."""

from __future__ import annotations

import os


def read_user_file(path: str) -> bytes:
    """Give the bytes of a file; a relative path starts from the working directory.

    Raises:
        BadInput: it cannot be read.
    """
    from localrun.formats.gate import read_referenced

    return read_referenced(os.path.abspath(path), read=read_bytes, shown=path)


def read_bytes(path: str) -> bytes:
    """Give the bytes of a regular file, for those who translate errors themselves.

    Raises:
        OSError: it cannot be read.
        ValueError: the path holds a NUL.
    """
    from localrun.adapters.files import read_regular

    return read_regular(path)[0]
