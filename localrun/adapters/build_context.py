"""The files that a Dockerfile may copy from: which they are, what they are worth, and their archive.

`.dockerignore` counts as for docker (its own rules, of the docker SDK); sockets, fifos and devices are left out.
"""

from __future__ import annotations

import hashlib
import os
import stat

from localrun.errors import BadInput
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

MOST_BYTES = 2 * 1024**3
"""A build context is refused beyond this: it is sent to the engine as a whole."""
MOST_FILES = 50_000
_PIECE = 1 << 18


@value
class ContextFile:
    """One file, folder or link of a build context.

    Attributes:
        path: Relative to the context, with forward slashes.
        kind: `file`, `folder`, `link`.
        mode: The permission bits.
        size: Of a file, in bytes.
        goal: Of a link, as written.
    """

    path: str
    kind: str
    mode: int = 0o644
    size: int = 0
    goal: str = ""


@value
class BuildContext:
    """A build context as it is now.

    Attributes:
        folder: Its absolute path.
        files: Sorted by path.
        skipped: What is neither a file, a folder nor a link, relative.
    """

    folder: str
    files: tuple[ContextFile, ...]
    skipped: tuple[str, ...] = ()


def list_context(folder: str, dockerfile: str) -> BuildContext:
    """List what a build context holds, `.dockerignore` heeded; the Dockerfile itself always counts.

    Raises:
        BadInput: it is no folder, cannot be read, or is too large to be sent.
    """
    paths = _walk(folder) if not (patterns := _read_ignored(folder)) else _exclude(folder, patterns, dockerfile)
    found: list[ContextFile] = []
    skipped: list[str] = []
    for path in sorted(paths):
        one = _look(folder, path)
        if one is None:
            skipped.append(path)
        else:
            found.append(one)
    size = sum(one.size for one in found)
    if size > MOST_BYTES or len(found) > MOST_FILES:
        message = f"the build context {folder} is too large: {len(found):,} files, {size / 1e9:.1f} GB"
        hint = f"leave out with .dockerignore what the Dockerfile does not copy; at most {MOST_BYTES / 1e9:.1f} GB"
        raise BadInput(message, hint=hint)
    return BuildContext(folder=folder, files=tuple(found), skipped=tuple(skipped))


def _walk(folder: str) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        message = f"the build context cannot be read: {error.filename}: {error.strerror}"
        raise BadInput(message, hint="name an existing folder that you can read") from None

    count = 0
    for top, folders, names in os.walk(folder, onerror=refuse):
        for name in (*folders, *names):
            count += 1
            if count > MOST_FILES * 4:
                message = f"the build context {folder} holds more than {MOST_FILES * 4:,} files"
                raise BadInput(message, hint="choose a smaller folder, or leave out with .dockerignore")
            yield os.path.relpath(os.path.join(top, name), folder)


def _read_ignored(folder: str) -> list[str]:
    path = os.path.join(folder, ".dockerignore")
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return []
        with open(path, encoding="utf-8-sig") as file:
            lines = [line.strip() for line in file]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read: {error}", file=path, hint="make it a readable text file") from None
    return [line for line in lines if line and not line.startswith("#")]


def _exclude(folder: str, patterns: list[str], dockerfile: str) -> set[str]:
    from docker.utils.build import exclude_paths

    try:
        return {path for path in exclude_paths(folder, patterns, dockerfile=dockerfile) if path}
    except OSError as error:
        message = f"the build context cannot be read: {error.filename}: {error.strerror}"
        raise BadInput(message, hint="name an existing folder that you can read") from None


def _look(folder: str, path: str) -> ContextFile | None:
    full = os.path.join(folder, path)
    try:
        facts = os.lstat(full)
    except OSError as error:
        raise BadInput(f"{full} cannot be read: {error.strerror}", hint="make it readable, or leave it out") from None
    mode = stat.S_IMODE(facts.st_mode)
    if stat.S_ISREG(facts.st_mode):
        return ContextFile(path=path, kind="file", mode=mode, size=facts.st_size)
    if stat.S_ISDIR(facts.st_mode):
        return ContextFile(path=path, kind="folder", mode=mode)
    if stat.S_ISLNK(facts.st_mode):
        return ContextFile(path=path, kind="link", mode=mode, goal=os.readlink(full))
    return None


def hash_context(context: BuildContext) -> str:
    """Give the SHA-256 of a context: names, contents, links and whether a file may be executed; no times, no owners.

    Raises:
        BadInput: a file cannot be read.
    """
    digest = hashlib.sha256()
    for one in context.files:
        kind = "program" if one.kind == "file" and one.mode & 0o111 else one.kind
        for text in (one.path, kind, one.goal):
            data = text.encode(errors="surrogateescape")
            digest.update(f"{len(data)}:".encode() + data)
        if one.kind == "file":
            digest.update(_hash_file(os.path.join(context.folder, one.path)))
    return digest.hexdigest()


def _hash_file(path: str) -> bytes:
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.digest()


def open_regular(path: str) -> BinaryIO:
    """Open a file that is to be sent; nothing is waited for, and no link is followed at its end.

    Raises:
        BadInput: it cannot be read, or is no file any more.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", hint="make it readable, or leave it out") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadInput(f"{path} is no file any more", hint="build again when nobody changes the folder")
    return open(descriptor, "rb")
