"""Tar archives made while they are sent: no copy on disk, owned by root unless somebody else is named."""

from __future__ import annotations

import os
import stat
import tarfile

from localrun.errors import StoreFailed
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from localrun.adapters.build_context import BuildContext

_BLOCK = 512
_PIECE = 1 << 20
_READABLE, _ALL = 0o500, 0o7777


@value
class Member:
    """One member of an archive.

    Attributes:
        name: Its path, relative.
        kind: `file`, `folder` or `link`.
        mode: The permission bits.
        mtime: Seconds since the epoch.
        source: The file on disk with its content; empty: `content` is it.
        content: Its content.
        goal: Of a link.
        size: Of `source`, in bytes: what it grew by since is left out. None: as it is when it is read.
        owner: The numbers of user and group.
    """

    name: str
    kind: str = "file"
    mode: int = 0o644
    mtime: int = 0
    source: str = ""
    content: bytes = b""
    goal: str = ""
    size: int | None = None
    owner: tuple[int, int] = (0, 0)


def list_tree(folder: str, name: str) -> Iterator[Member]:
    """List a folder on disk as members below `name`, readable for everybody as far as its owner may read.

    Raises:
        StoreFailed: it cannot be read.
    """
    yield Member(name=name, kind="folder", mode=0o755)
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
            for entry in found:
                yield from _list_entry(entry, f"{name}/{entry.name}")
    except OSError as error:
        message = f"{error.filename or folder} cannot be read: {error.strerror}"
        raise StoreFailed(message, hint="try again", code="store_read_only") from None


def _list_entry(entry: os.DirEntry[str], name: str) -> Iterator[Member]:
    facts = entry.stat(follow_symlinks=False)
    if stat.S_ISDIR(facts.st_mode):
        yield from list_tree(entry.path, name)
    elif stat.S_ISLNK(facts.st_mode):
        yield Member(name=name, kind="link", mode=0o777, mtime=int(facts.st_mtime), goal=os.readlink(entry.path))
    elif stat.S_ISREG(facts.st_mode):
        # What the installer wrote for its user alone is for whoever runs in the image.
        own = facts.st_mode & 0o700
        mode = own | (own & _READABLE) >> 3 | (own & _READABLE) >> 6
        yield Member(name=name, mode=mode, mtime=int(facts.st_mtime), source=entry.path, size=facts.st_size)


def list_context_members(context: BuildContext) -> Iterator[Member]:
    """List a build context as members."""
    for one in context.files:
        source = os.path.join(context.folder, one.path) if one.kind == "file" else ""
        yield Member(name=one.path, kind=one.kind, mode=one.mode & _ALL, source=source, goal=one.goal)


def write_archive(members: Iterable[Member]) -> Iterator[bytes]:
    """Give the bytes of a tar archive, in pieces of about a megabyte.

    Raises:
        StoreFailed: a file cannot be read.
    """
    held: list[bytes] = []
    size = 0
    for member in members:
        for piece in _write_member(member):
            held.append(piece)
            size += len(piece)
            if size >= _PIECE:
                yield b"".join(held)
                held, size = [], 0
    yield b"".join(held) + bytes(2 * _BLOCK)


def measure_member(member: Member) -> int:
    """Give how many bytes a member takes in an archive; one with a `source` has a `size`."""
    size = len(member.content) if member.size is None else member.size
    return len(_head(_describe(member, size))) + (size + _BLOCK - 1) // _BLOCK * _BLOCK


def write_file_head(name: str, size: int) -> bytes:
    """Give what stands in front of a file's content in an archive; behind it, it is filled up to full blocks."""
    return _head(_describe(Member(name=name), size))


def _write_member(member: Member) -> Iterator[bytes]:
    if member.source:
        yield from _write_file(member)
        return
    yield _head(_describe(member, len(member.content)))
    yield member.content + _padding(len(member.content))


def _describe(member: Member, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(member.name)
    info.uid, info.gid = member.owner
    info.mode, info.mtime, info.size = member.mode, member.mtime, size
    if member.kind == "folder":
        info.type = tarfile.DIRTYPE
    elif member.kind == "link":
        info.type, info.linkname = tarfile.SYMTYPE, member.goal
    return info


def _write_file(member: Member) -> Iterator[bytes]:
    source = member.source
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        message = f"{source} cannot be read: {error.strerror}"
        raise StoreFailed(message, hint="make it readable", code="store_read_only") from None
    with open(descriptor, "rb", buffering=0) as file:
        left = size = os.fstat(descriptor).st_size if member.size is None else member.size
        yield _head(_describe(member, size))
        while left and (piece := file.read(min(left, _PIECE))):
            left -= len(piece)
            yield piece
    # A file that got shorter meanwhile is filled up: its length stands in front of it already.
    yield bytes(left) + _padding(size)


def _head(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)
