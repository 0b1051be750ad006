"""What localrun worked out once and may use again: small files in `<home>/plans` that can be lost at any time.

A file begins with a checksum, because marshal may do anything with bytes that it did not write itself.
"""

from __future__ import annotations

import marshal
import os
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_FILES = 512
"""More are not kept; the oldest go."""
CHECKSUM_BYTES = 4


def locate(home: str, key: str) -> str:
    """Give the path of the file for a key; two keys may share one, so the key has to stand in what is kept."""
    return os.path.join(home, "plans", f"{zlib.crc32(key.encode(errors='surrogatepass')):08x}")


def recall(path: str) -> Any:
    """Give what was kept in a file; None when there is nothing, or when it is damaged."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return None
    if zlib.crc32(data[CHECKSUM_BYTES:]).to_bytes(CHECKSUM_BYTES, "big") != data[:CHECKSUM_BYTES]:
        return None
    try:
        return marshal.loads(data[CHECKSUM_BYTES:])  # noqa: S302 - our own file, like a .pyc
    except (ValueError, TypeError, EOFError):
        return None


def keep(path: str, item: object) -> None:
    """Keep tuples, dicts, texts and numbers in a file, whole or not at all; what is not kept costs time only."""
    folder = os.path.dirname(path)
    temporary = f"{path}.{os.getpid()}"
    try:
        data = marshal.dumps(item)  # type: ignore[arg-type]  # the caller gives plain data
        os.makedirs(folder, mode=0o700, exist_ok=True)
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(file, "wb") as stream:
            stream.write(zlib.crc32(data).to_bytes(CHECKSUM_BYTES, "big") + data)
        os.replace(temporary, path)
        _remove_oldest(folder)
    except (OSError, ValueError):
        return


def _remove_oldest(folder: str) -> None:
    """Remove the oldest half when there are too many, so that this happens once in hundreds of times."""
    names = os.listdir(folder)
    if len(names) <= MOST_FILES:
        return
    paths = [os.path.join(folder, name) for name in names]
    for path in sorted(paths, key=os.path.getmtime)[: -MOST_FILES // 2]:
        os.unlink(path)
