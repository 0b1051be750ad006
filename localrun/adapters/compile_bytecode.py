"""Byte-compile packages, from a cache where they were compiled before.

This file is run by the environment's own interpreter, which may be as old as Python 3.6; it imports nothing but the
standard library. On standard input stand, as JSON, a cache folder and units (key, folder, source files below it, their
hashes as in RECORD); a unit is a package, and its key stands for its source. A compiled unit is kept in one file, the
interpreter's magic number in its name. The time stamp in a `.pyc` is that of its source file, and the path in a code
object is put right by the interpreter when it is imported, so a unit serves every environment. Where sources are hard
links to the package caches (`share`), so are these files: beside the unit lies a folder with each of them, whole.
"""
# ruff: noqa: UP006, UP035, UP045, B905, SIM105 - the oldest interpreter decides

import base64
import hashlib
import importlib.util
import json
import marshal
import os
import sys
import zlib
from typing import Any, Dict, List, Optional

_PARALLEL_FROM = 40


def main() -> None:
    """Do what standard input says."""
    request = json.load(sys.stdin)
    magic = importlib.util.MAGIC_NUMBER.hex()
    misses = []
    for key, folder, files, hashes in request["units"]:
        path = os.path.join(request["cache"], key[:2], key + "-" + magic) if key else ""
        shared = path + ".d" if path and request.get("share") else ""
        linked = [_link(shared, folder, name) for name in files] if shared else [False]
        if all(linked):
            continue
        codes = _load(path) if path else None
        if codes is None:
            misses.append((path, folder, files, hashes))
        else:
            _write_unit(folder, files, codes, shared)
    jobs = [os.path.join(folder, name) for _, folder, files, _ in misses for name in files]
    compiled = iter(_compile_all(jobs, request["processes"]))
    for path, folder, files, hashes in misses:
        codes = dict(zip(files, compiled))
        sound = path and all(_has_hash(os.path.join(folder, name), text) for name, text in hashes.items())
        _write_unit(folder, files, codes, path + ".d" if sound and request.get("share") else "")
        if sound:
            _store(path, codes)


def _has_hash(path: str, text: str) -> bool:
    # A damaged source must not become the bytecode of a sound one.
    kind, _, digest = text.partition("=")
    try:
        with open(path, "rb") as file:
            found = hashlib.new(kind, file.read()).digest()
    except (OSError, ValueError):
        return False
    return base64.urlsafe_b64encode(found).decode().rstrip("=") == digest.rstrip("=")


def _compile_all(jobs: List[str], processes: int) -> List[bytes]:
    if len(jobs) < _PARALLEL_FROM or processes < 2:  # noqa: PLR2004 - one process is this one
        return [_compile(job) for job in jobs]
    import multiprocessing

    with multiprocessing.get_context("fork").Pool(processes) as pool:
        return pool.map(_compile, jobs, 8)


def _compile(path: str) -> bytes:
    import warnings

    warnings.simplefilter("ignore")
    try:
        with open(path, "rb") as file:
            return marshal.dumps(compile(file.read(), path, "exec", dont_inherit=True))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return b""  # a template, or code for another Python: it was never meant to be imported


def _name_shared(shared: str, folder: str, name: str) -> str:
    # The header of the file has its source's time and size, so they are part of the name.
    state = os.stat(os.path.join(folder, name))
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return os.path.join(shared, f"{digest}-{int(state.st_mtime)}-{state.st_size}")


def _link(shared: str, folder: str, name: str) -> bool:
    target = importlib.util.cache_from_source(os.path.join(folder, name))
    try:
        kept = _name_shared(shared, folder, name)
        if not os.path.exists(kept):
            return False
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.link(kept, target)
    except OSError:
        return False
    return True


def _share(shared: str, folder: str, name: str, target: str) -> None:
    try:
        os.makedirs(shared, exist_ok=True)
        os.link(target, _name_shared(shared, folder, name))
    except OSError:
        pass  # it is there, or has too many names: this environment has a file of its own


def _write_unit(folder: str, files: List[str], codes: Dict[str, bytes], shared: str) -> None:
    # What py_compile does; it has no public name.
    header_of = importlib.import_module("importlib._bootstrap_external")._code_to_timestamp_pyc  # noqa: SLF001
    made = set()
    for name in files:
        body = codes.get(name)
        source = os.path.join(folder, name)
        if not body:
            continue
        target = importlib.util.cache_from_source(source)
        parent = os.path.dirname(target)
        if parent not in made:
            os.makedirs(parent, exist_ok=True)
            made.add(parent)
        state = os.stat(source)
        header = header_of(None, int(state.st_mtime), state.st_size)
        if shared and os.path.lexists(target):
            continue  # it was linked just now, and must not be written into
        with open(target, "wb") as file:
            file.write(header[: -len(marshal.dumps(None))])
            file.write(body)
        if shared:
            _share(shared, folder, name, target)


def _load(path: str) -> Optional[Dict[str, bytes]]:
    try:
        with open(path, "rb") as file:
            data = file.read()
        if zlib.crc32(data[4:]) == int.from_bytes(data[:4], "little"):
            codes = marshal.loads(data[4:])  # noqa: S302 - a file of ours
            return codes if isinstance(codes, dict) else None
    except (OSError, ValueError, EOFError, TypeError):
        pass
    return None


def _store(path: str, codes: Dict[str, bytes]) -> None:
    data = marshal.dumps(codes)
    temporary = path + "." + str(os.getpid())
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(zlib.crc32(data).to_bytes(4, "little"))
            file.write(data)
        os.replace(temporary, path)
    except OSError:
        _remove(temporary)


def _remove(path: str) -> Any:
    try:
        os.unlink(path)
    except OSError:
        pass


if __name__ == "__main__":
    os.umask(0o077)
    main()
