"""The objects of the snapshot store: contents of files and lists of snapshots, named by their hashes.

An object is written beside its place and renamed. Its name is the SHA-256 of its content; of one that is as large as a
part (`CHUNK_BYTES`) see `hash_large`.
"""

from __future__ import annotations

import os

from localrun.errors import BadInput, StoreFailed
from localrun.workspace.home import failed, make_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


CHUNK_BYTES = 1024 * 1024
"""So much of a file is in memory at a time."""
BLOCK_BYTES = 512
"""The unit of `st_blocks`, whatever the file system; source: stat(2)."""
LEAVE_OUT = "leave it out with .amlignore"


def locate_object(home: str, digest: str) -> str:
    """Give the path of an object."""
    return os.path.join(home, "snapshots", "objects", digest[:2], digest[2:])


def store_file(home: str, path: str) -> str:
    """Store the content of a file and give its hash.

    Raises:
        BadInput: it cannot be read.
        StoreFailed: there is no room.
    """
    objects = os.path.join(home, "snapshots", "objects")
    try:
        old = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            large = os.fstat(old).st_size >= CHUNK_BYTES
            return _store_large(home, old) if large else store_bytes(home, os.read(old, CHUNK_BYTES))
        finally:
            os.close(old)
    except OSError as error:
        raise translate_error(error, path, objects) from None


def read_link_inside(root: str, path: str) -> str:
    """Give what a link says, so that it leads into the copy: absolute goals, and ways out and back, are rewritten."""
    goal = os.readlink(path)
    way = os.path.normpath(os.path.join(os.path.dirname(os.path.relpath(path, root)), goal))
    if not os.path.isabs(goal) and way.partition("/")[0] != "..":
        return goal
    folder = os.path.realpath(os.path.dirname(path))
    return os.path.relpath(os.path.realpath(os.path.join(folder, goal)), folder)


def store_bytes(home: str, data: bytes) -> str:
    """Store bytes and give their hash.

    Raises:
        OSError: there is no room.
    """
    import hashlib

    digest = hashlib.sha256(data).hexdigest()
    place = locate_object(home, digest)
    if _read_object(place, len(data) + 1) == data:  # it is compared, because a loss of power may have left less of it
        return digest
    temporary = f"{place}.{os.getpid()}.new"
    out = _create(temporary)
    try:
        write_all(out, data)
    finally:
        os.close(out)
    os.rename(temporary, place)
    return digest


def _read_object(place: str, most: int) -> bytes | None:
    try:
        with open(place, "rb") as file:
            return file.read(most)
    except OSError:
        return None


def _create(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        make_folder(os.path.dirname(path))
        return os.open(path, flags, 0o600)


def _store_large(home: str, old: int) -> str:
    """Store what a descriptor reads, a part at a time."""
    temporary = os.path.join(home, "snapshots", "objects", f"{os.getpid()}.new")
    out = _create(temporary)
    try:
        digest = hash_large(old, lambda start, part: _write_at(out, start, part))
        os.ftruncate(out, os.fstat(old).st_size)
    finally:
        os.close(out)
    place = locate_object(home, digest)
    make_folder(os.path.dirname(place))
    os.rename(temporary, place)
    return digest


def _write_at(out: int, start: int, part: bytes) -> None:
    os.lseek(out, start, os.SEEK_SET)
    write_all(out, part)


def hash_large(file: int, take: Callable[[int, bytes], object]) -> str:
    """Hash a file of more than one part: parts that are all zeros count by their absence, so that holes are not read.

    Args:
        file: A descriptor.
        take: Given the start and the bytes of each part that is not all zeros.
    """
    import hashlib

    size = os.fstat(file).st_size
    hashed = hashlib.sha256(b"parts %d" % size)
    start = 0
    while start < size:
        found = seek_data(file, start)
        if found is None:
            break
        start = found - found % CHUNK_BYTES
        part = os.pread(file, CHUNK_BYTES, start)
        if part.strip(b"\0"):
            hashed.update(b"at %d\n" % start)
            hashed.update(part)
            take(start, part)
        start += CHUNK_BYTES
    return hashed.hexdigest()


def seek_data(file: int, start: int) -> int | None:
    """Give where the next byte of a file is that lies in no hole; None when only a hole is left."""
    import errno

    if not hasattr(os, "SEEK_DATA"):
        return start
    try:
        return os.lseek(file, start, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return None
        raise


def write_all(file: int, data: bytes) -> None:
    """Write all of some bytes.

    Raises:
        OSError: there is no room.
    """
    while data:
        data = data[os.write(file, data) :]


def translate_error(error: OSError, path: str, target: str) -> Exception:
    """Give the error for what the system said when a file of the source was copied."""
    import errno

    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        hint = "free some space, or set LOCALRUN_HOME to a folder on a larger disk"
        return StoreFailed(f"no room in {target} for a copy of {path}: {error.strerror}", hint=hint, code="store_full")
    hint = f"make it readable, or {LEAVE_OUT}"
    return BadInput(f"{path} of the source cannot be copied: {error.strerror}", hint=hint)


def open_object(home: str, name: str, digest: str) -> int:
    """Open the content of a file of a snapshot, after looking whether it is what it was.

    Args:
        home: The workspace.
        name: The file's name, for messages.
        digest: Its hash.

    Raises:
        StoreFailed: it is gone or damaged.
    """
    path = locate_object(home, digest)
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        found = hash_file(file)
    except OSError as error:
        raise failed(error, path) from error
    if found != digest:
        os.close(file)
        raise _damaged(path, name)
    return file


def hash_file(file: int) -> str:
    """Give the hash by which the store knows what a descriptor reads; it is left at its start.

    Raises:
        OSError: it cannot be read.
    """
    import hashlib

    size = os.fstat(file).st_size
    if size >= CHUNK_BYTES:
        found = hash_large(file, lambda *_: None)
        os.lseek(file, 0, os.SEEK_SET)
        return found
    return hashlib.sha256(os.pread(file, CHUNK_BYTES, 0)).hexdigest()


def _damaged(path: str, name: str) -> StoreFailed:
    hint = "The file of the snapshot is lost; run the source again as it is now."
    return StoreFailed(f"{path}, which holds {name} of a snapshot, is damaged", hint=hint, code="store_corrupt")


def list_objects(home: str) -> Iterator[os.DirEntry[str]]:
    """Give every file among the objects, those that a killed process left half-written too."""
    waiting = [os.path.join(home, "snapshots", "objects")]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as found:
                for item in found:
                    if item.is_dir(follow_symlinks=False):
                        waiting.append(item.path)
                    else:
                        yield item
        except FileNotFoundError:
            continue
