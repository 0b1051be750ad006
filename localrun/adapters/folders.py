"""Writing files for the user, so that a file is there completely or as it was before."""

from __future__ import annotations

import contextlib
import errno
import os

from localrun.errors import BadInput, LocalrunError, StoreFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def write_folder(path: str, files: Mapping[str, bytes], *, owned: Iterable[str] = (), overwrite: bool = False) -> None:
    """Write a folder of files; when that fails, what was there before is there still.

    Args:
        path: The folder, made with the folders above it when it is not there.
        files: Their content by name.
        owned: Names that belong to what is written: one that is not among `files` is removed. Everything else stays.
        overwrite: The folder may be there already.

    Raises:
        BadInput: it is there and may not be, or is no folder.
        StoreFailed: the system refuses.
    """
    made = not os.path.lexists(path)
    try:
        _make_folder(path, overwrite=overwrite)
        _refuse_folders(os.path.join(path, name) for name in files)
        _replace_all(path, files)
        for name in owned:
            if name not in files and os.path.lexists(os.path.join(path, name)):
                os.unlink(os.path.join(path, name))
    except BaseException as error:
        if made:
            with contextlib.suppress(OSError, ValueError):
                os.rmdir(path)
        if isinstance(error, OSError | ValueError):
            raise explain(error, path) from None
        raise


def _make_folder(path: str, *, overwrite: bool) -> None:
    try:
        os.makedirs(path, exist_ok=overwrite)
    except FileExistsError:
        if os.path.isdir(path):
            hint = "give overwrite=True to replace the environment in it, or name another folder"
            raise BadInput("the folder is there already", file=path, hint=hint) from None
        raise BadInput("a file stands where the folder is to be", file=path, hint="name another folder") from None


def _refuse_folders(paths: Iterable[str]) -> None:
    for path in paths:
        if os.path.isdir(path):
            hint = "remove it, or name another folder"
            raise BadInput("a folder stands where this file is to be written", file=path, hint=hint)


def _replace_all(path: str, files: Mapping[str, bytes]) -> None:
    temporary = {name: os.path.join(path, f".{name}.{os.getpid()}.part") for name in files}
    try:
        for name, data in files.items():
            _write_through(temporary[name], data)
        for name in files:
            os.replace(temporary[name], os.path.join(path, name))
    except BaseException:
        for name in temporary.values():
            with contextlib.suppress(OSError):
                os.unlink(name)
        raise


def _write_through(path: str, data: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_file(path: str, data: bytes) -> None:
    """Write one file; when that fails, what was there before is there still.

    Raises:
        StoreFailed: the system refuses.
    """
    folder, name = os.path.split(path)
    try:
        _replace_all(folder or ".", {name: data})
    except (OSError, ValueError) as error:
        raise explain(error, path) from None


def explain(error: OSError | ValueError, path: str) -> LocalrunError:
    """Give the error that says what an error of the system at `path` means."""
    if isinstance(error, ValueError):
        return BadInput(f"{path!r} cannot be the name of a file: {error}")
    said = error.strerror or str(error)
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StoreFailed(f"no space left for {path}: {said}", hint="free space there, or write elsewhere")
    message = f"{error.filename or path} cannot be written: {said}"
    return StoreFailed(message, hint="name a folder that you can write", code="store_read_only")


def read_folder(path: str, names: Iterable[str]) -> dict[str, bytes]:
    """Give the bytes of those files of a folder that are there, by name.

    Raises:
        BadInput: there is no such folder, or a file in it cannot be read.
    """
    from localrun.adapters.files import read_regular
    from localrun.formats.gate import read_referenced

    if not os.path.isdir(path):
        what = "it is no folder" if os.path.exists(path) else "there is no such folder"
        raise BadInput(what, file=path, hint="name the folder that holds azureml_environment.json")
    found = {}
    for name in names:
        file = os.path.join(path, name)
        if os.path.lexists(file):
            found[name] = read_referenced(file, read=lambda place: read_regular(place)[0], shown=file)
    return found
