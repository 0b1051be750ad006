"""Tar archives made while they are sent: no copy on disk, owned by root unless somebody else is named."""

from __future__ import annotations

import os
import stat

from localrun.errors import StoreFailed
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from localrun.adapters.build_context import BuildContext

_BLOCK = 512
_PIECE = 1 << 20
_READABLE, _ALL = 0o500, 0o7777
_KINDS = {"file": b"0", "folder": b"5", "link": b"2"}
_TEXT = 100
"""So many bytes has a block for a member's path, and for where a link goes (GNU tar manual, "Basic Tar Format")."""
_WIDTHS = (8, 8, 8, 12, 12)
"""Of mode, user, group, size and time in a block."""
_END = b"ustar  \0".ljust(255, b"\0")
"""What is the same in every block: the form's name, then no names of user and group, no device, nothing."""


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


def measure_archive(members: Iterable[Member]) -> int:
    """Give how many bytes an archive has; each member with a `source` has a `size`."""
    return sum(map(_measure_member, members)) + 2 * _BLOCK


def _measure_member(member: Member) -> int:
    size = len(member.content) if member.size is None else member.size
    return _measure_head(member) + size + -size % _BLOCK


def write_file_head(name: str, size: int) -> bytes:
    """Give what stands in front of a file's content in an archive; behind it, it is filled up to full blocks."""
    return _write_head(Member(name=name), size)


def _write_member(member: Member) -> Iterator[bytes]:
    if member.source:
        yield from _write_file(member)
        return
    size = len(member.content)
    yield _write_head(member, size) + member.content + bytes(-size % _BLOCK)


def _write_file(member: Member) -> Iterator[bytes]:
    source = member.source
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        message = f"{source} cannot be read: {error.strerror}"
        raise StoreFailed(message, hint="make it readable", code="store_read_only") from None
    try:
        left = size = os.fstat(descriptor).st_size if member.size is None else member.size
        yield _write_head(member, size)
        while left and (piece := os.read(descriptor, min(left, _PIECE))):
            left -= len(piece)
            yield piece
    finally:
        os.close(descriptor)
    # A file that got shorter meanwhile is filled up: its length stands in front of it already.
    yield bytes(left + -size % _BLOCK)


def _measure_head(member: Member) -> int:
    lengths = (len(_encode(_write_name(member))), len(_encode(member.goal)))
    return _BLOCK + sum(_BLOCK + length + 1 + -(length + 1) % _BLOCK for length in lengths if length > _TEXT)


def _write_head(member: Member, size: int) -> bytes:
    """Give what stands in front of a member's content: `tarfile`'s own in its GNU form, in a tenth of its time."""
    name, goal = _encode(_write_name(member)), _encode(member.goal)
    numbers = (member.mode, *member.owner, size, max(member.mtime, 0))
    block = _write_block(name[:_TEXT], numbers, _KINDS[member.kind], goal[:_TEXT])
    if len(name) > _TEXT:
        block = _write_long(name, b"L") + block
    return _write_long(goal, b"K") + block if len(goal) > _TEXT else block


def _write_name(member: Member) -> str:
    return f"{member.name}/" if member.kind == "folder" else member.name


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _write_long(text: bytes, kind: bytes) -> bytes:
    """Give the member that says a path, or where a link goes, which has no room in the block of the next one."""
    size = len(text) + 1
    return _write_block(b"././@LongLink", (0, 0, 0, size, 0), kind) + text.ljust(size + -size % _BLOCK, b"\0")


def _write_block(name: bytes, numbers: tuple[int, ...], kind: bytes, goal: bytes = b"") -> bytes:
    front = name.ljust(_TEXT, b"\0") + b"".join(map(_write_number, numbers, _WIDTHS))
    rest = kind + goal.ljust(_TEXT, b"\0") + _END
    return front + b"%06o\0 " % (sum(front) + sum(rest) + 8 * ord(" ")) + rest


def _write_number(number: int, width: int) -> bytes:
    if number < 8 ** (width - 1):
        return b"%0*o\0" % (width - 1, number)
    return b"\x80" + number.to_bytes(width - 1, "big")
