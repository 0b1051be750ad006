"""Private wheels, kept in the workspace by content: `<home>/wheels/<sha256>/<file name>`.

Environments name a wheel by its place there, so that neither a moved file nor a new build under the old name changes
what is installed.
"""

from __future__ import annotations

import os
import re

from localrun.errors import BadInput
from localrun.workspace.home import make_folder
from localrun.workspace.run_files import write_whole

_NAME = re.compile(
    r"[A-Za-z0-9_.]+-[A-Za-z0-9_.!+]+(-\d[A-Za-z0-9_.]*)?-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+\.whl"
)
"""NAME-VERSION(-BUILD)-PYTHON-ABI-PLATFORM.whl, as the Python packaging guide specifies binary distributions."""


def keep_wheel(home: str, path: str, *, exist_ok: bool = False) -> str:
    """Keep a copy of a wheel in the workspace.

    Args:
        home: The workspace folder.
        path: The wheel; a relative path starts from the working directory.
        exist_ok: A wheel with the same file name may be there already.

    Returns:
        The `file://` URL of the copy: a requirement for the pip section of an environment.

    Raises:
        BadInput: it is not there, is no wheel, or one of that name is there and may not be.
        StoreFailed: the workspace cannot hold it; nothing is left of it.
    """
    name = os.path.basename(path)
    data = _read_wheel(path, name)
    import hashlib

    digest = hashlib.sha256(data).hexdigest()
    if not exist_ok and _is_kept(home, name):
        hint = "give exist_ok=True to keep this one as well"
        raise BadInput(f"A wheel with the name {name} already exists.", file=path, hint=hint)
    folder = os.path.join(home, "wheels", digest)
    kept = os.path.join(folder, name)
    if not os.path.exists(kept):
        make_folder(folder)
        write_whole(kept, data)
    return _url(kept)


def _read_wheel(path: str, name: str) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except (OSError, ValueError) as error:
        said = f"Please make sure the wheel file exists at: {path}"
        raise BadInput(said, hint=getattr(error, "strerror", None) or str(error)) from None
    if not _NAME.fullmatch(name):
        raise BadInput("the file name is not that of a wheel", file=path, hint="it ends in -py3-none-any.whl or so")
    if not data.startswith(b"PK\x03\x04"):
        raise BadInput("the file is not a wheel: it is no zip archive", file=path, hint="build or download it again")
    return data


def _is_kept(home: str, name: str) -> bool:
    root = os.path.join(home, "wheels")
    try:
        with os.scandir(root) as found:
            return any(os.path.exists(os.path.join(entry.path, name)) for entry in found)
    except FileNotFoundError:
        return False


def _url(path: str) -> str:
    from urllib.parse import quote

    return f"file://{quote(path)}"
