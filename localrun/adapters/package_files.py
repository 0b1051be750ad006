"""Fetching the package files of a lock into a folder, each checked by its hash; runs in the installer child only.

py-rattler's client fetches those of pip too: it knows the proxies, certificates and credentials of this machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
from typing import Any
from urllib.parse import unquote, urlsplit

from rattler.package_streaming import download_to_path

from localrun.adapters.answers import Refused, Tell
from localrun.adapters.rattler_errors import explain_fetch, missing_package
from localrun.adapters.rattler_install import make_client

_AT_ONCE = 8


def fetch_files(request: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Fetch the files of a request; what is there already with its hash stays.

    Args:
        request: `folder`, `files` (name, version, url, algorithm, digest, and path below the folder, of each),
            `channels` and `settings` as for an installation.
        tell: Takes stage, text, done, total, unit.

    Returns:
        `fetched`: how many were not there.

    Raises:
        Refused: with the code `channel`, `store_full` or `store_read_only`.
    """
    return {"fetched": asyncio.run(_fetch_all(request, tell))}


async def _fetch_all(request: dict[str, Any], tell: Tell) -> int:
    client = make_client(request)
    room = asyncio.Semaphore(_AT_ONCE)
    missing = [file for file in request["files"] if not _is_there(request["folder"], file)]
    done = 0

    async def take(file: dict[str, str]) -> None:
        nonlocal done
        async with room:
            await _fetch(client, request["folder"], file)
        done += 1
        tell("download", f"collecting {file['name']} {file['version']}", done, len(missing), "packages")

    tasks = [asyncio.ensure_future(take(file)) for file in missing]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return len(missing)


async def _fetch(client: Any, folder: str, file: dict[str, str]) -> None:
    path = os.path.join(folder, file["path"])
    part = f"{path}.{os.getpid()}.part"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            if urlsplit(file["url"]).scheme == "file":
                shutil.copyfile(unquote(urlsplit(file["url"]).path), part)
            else:
                await download_to_path(client, file["url"], part)
        except FileNotFoundError:
            raise missing_package(file) from None
        except RuntimeError as error:
            raise explain_fetch(error, file) from error
        _check(part, file)
        os.replace(part, path)
    except OSError as error:
        full = error.errno in {28, 122}
        message = f"{error.filename or path} cannot be written: {error.strerror}"
        hint = "free some space, or name another folder" if full else "name a folder that you can write"
        raise Refused("store_full" if full else "store_read_only", message, hint=hint) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)


def _is_there(folder: str, file: dict[str, str]) -> bool:
    try:
        return _hash(os.path.join(folder, file["path"]), file["algorithm"]) == file["digest"]
    except OSError:
        return False


def _check(path: str, file: dict[str, str]) -> None:
    found = _hash(path, file["algorithm"])
    if found != file["digest"]:
        message = f"{file['name']} {file['version']} is not what the lock says: {file['url']} has other bytes"
        detail = f"expected {file['algorithm']} {file['digest']}, got {found}"
        raise Refused(
            "channel", message, hint="nothing of it was kept; lock anew if the change is right", detail=detail
        )


def _hash(path: str, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as stream:
        while data := stream.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()
