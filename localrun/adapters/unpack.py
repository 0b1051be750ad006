"""Tar archives of somebody else's, unpacked while they come in: nothing of them lands outside of the folder."""

from __future__ import annotations

import io
import os
import shutil
import tarfile

from localrun.errors import LocalrunError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO

PIECE = 1 << 20


def unpack_archive(pieces: Iterable[bytes], folder: str, *, keep: bool = False) -> list[str]:
    """Unpack an archive into a folder, as files of the caller's.

    Args:
        pieces: Its bytes.
        folder: Where to; it exists. What is there and has the name of a member is replaced.
        keep: What is there already stays as it is.

    Returns:
        The names of what was left out: devices, pipes, and what would lie or lead outside of `folder`.

    Raises:
        LocalrunError: this is no archive.
        OSError: there is no room.
    """
    left: list[str] = []
    try:
        with tarfile.open(fileobj=_Pieces(pieces), mode="r|") as archive:
            left += [member.name for member in archive if not _unpack(archive, member, folder, keep=keep)]
    except tarfile.TarError as error:
        raise LocalrunError(f"what the engine sent is no archive: {error}", code="daemon_lost") from None
    return left


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__()
        self._pieces = iter(pieces)
        self._rest = b""

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]  # any buffer would do
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        count = min(len(target), len(self._rest))
        target[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: str, *, keep: bool) -> bool:
    parts = member.name.rstrip("/").split("/")
    if not all(part not in {"", ".", ".."} for part in parts) or not _is_within(folder, parts[:-1]):
        return False
    path = os.path.join(folder, *parts)
    if member.isdir():
        return _is_within(folder, parts)
    if keep and os.path.lexists(path):
        return True
    source = archive.extractfile(member) if member.isreg() else None
    if source is not None:
        return _write(source, member, path)
    if member.issym():
        return _leads_within(parts, member.linkname) and _make_link(member.linkname, path)
    goal = member.linkname.split("/")
    known = member.islnk() and ".." not in goal and _is_within(folder, goal[:-1])
    return known and _link(os.path.join(folder, *goal), path)


def _is_within(folder: str, parts: list[str]) -> bool:
    """Tell whether a path leads through real folders only, as far as it exists; make what does not."""
    for part in parts:
        folder = os.path.join(folder, part)
        if os.path.islink(folder):
            return False
        if not os.path.isdir(folder):
            if os.path.lexists(folder):
                return False
            os.mkdir(folder)
    return True


def _leads_within(parts: list[str], goal: str) -> bool:
    """Tell whether a link leads to a place below the first folder of its own path, whichever other links it passes."""
    words = goal.split("/")
    up = next((count for count, word in enumerate(words) if word != ".."), len(words))
    return not goal.startswith("/") and ".." not in words[up:] and len(parts) - 1 - up > 0


def _make_way(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def _write(source: IO[bytes], member: tarfile.TarInfo, path: str) -> bool:
    _make_way(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with open(os.open(path, flags, 0o600), "wb") as file:
        shutil.copyfileobj(source, file, PIECE)
        os.fchmod(file.fileno(), member.mode & 0o777 | 0o600)
    os.utime(path, (member.mtime, member.mtime))
    return True


def _make_link(goal: str, path: str) -> bool:
    _make_way(path)
    os.symlink(goal, path)
    return True


def _link(goal: str, path: str) -> bool:
    if os.path.islink(goal) or not os.path.isfile(goal):
        return False
    _make_way(path)
    os.link(goal, path)
    return True
