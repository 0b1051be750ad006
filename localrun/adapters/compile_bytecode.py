"""Byte-compile packages, from a cache where they were compiled before.

This file is run by the environment's own interpreter, which may be as old as Python 3.6; it imports nothing but the
standard library. On standard input stand, as JSON, a cache folder and units (key, folder, source files below it, their
hashes as in RECORD); a unit is a package, and its key stands for its source. A compiled unit is kept in one file, the
interpreter's magic number in its name. The time stamp in a `.pyc` is that of its source file, and the path in a code
object is put right by the interpreter when it is imported, so a unit serves every environment. Where sources are hard
links to the package caches (`share`), so are these files: beside the unit lies a folder with each of them, whole.
"""
# ruff: noqa: UP006, UP007, UP035, UP045, B905, SIM105 - the oldest interpreter decides

import base64
import hashlib
import importlib.util
import json
import marshal
import mmap
import os
import struct
import sys
import zlib
from typing import Dict, List, Mapping, Optional, Tuple, Union

_PARALLEL_FROM = 40
_MOST_WRITERS = 4
_FORM = 2
"""What the checksums of units begin with; another number means that none of before is read any more."""
Code = Union[bytes, memoryview]
Codes = Mapping[str, Code]
Unit = Tuple[str, str, List[str], Dict[str, str]]


def main() -> None:
    """Do what standard input says."""
    request = json.load(sys.stdin)
    kept = []  # type: List[Unit]
    missing = []  # type: List[Unit]
    for key, folder, files, hashes in request["units"]:
        path = os.path.join(request["cache"], key[:2], key + "-" + importlib.util.MAGIC_NUMBER.hex()) if key else ""
        (kept if path and os.path.exists(path) else missing).append((path, folder, files, hashes))
    children = []
    hard_links = bool(request.get("share"))
    shares = _share_out(kept, min(request["processes"], _MOST_WRITERS))
    for part in shares[1:]:
        child = os.fork()
        if not child:
            _end_after(part, share=hard_links)
        children.append(child)
    _fetch_units(shares[0], share=hard_links)
    _compile_units(missing, request["processes"], share=hard_links)
    for child in children:
        os.waitpid(child, 0)


def _share_out(units: List[Unit], count: int) -> List[List[Unit]]:
    """Give so many lists of units with about as many files each."""
    shares = [[] for _ in range(max(1, count))]  # type: List[List[Unit]]
    sizes = [0] * len(shares)
    for unit in sorted(units, key=lambda unit: -len(unit[2])):
        least = sizes.index(min(sizes))
        shares[least].append(unit)
        sizes[least] += len(unit[2])
    return [share for share in shares if share] or [[]]


def _end_after(units: List[Unit], *, share: bool) -> None:
    try:
        _fetch_units(units, share=share)
    except BaseException:  # noqa: BLE001 - it is told, and the end of this process
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(0)


def _fetch_units(units: List[Unit], *, share: bool) -> None:
    """Write the bytecode of units that were compiled before; damaged ones are compiled anew."""
    for unit in units:
        path, folder, files, _ = unit
        shared = path + ".d" if share else ""
        linked = [_link(shared, folder, name) for name in files] if shared else [False]
        if all(linked):
            continue
        codes = _load(path)
        if codes is None:
            _compile_units([unit], 1, share=share)
        else:
            _write_unit(folder, files, codes, shared)


def _compile_units(units: List[Unit], processes: int, *, share: bool) -> None:
    jobs = [os.path.join(folder, name) for _, folder, files, _ in units for name in files]
    compiled = iter(_compile_all(jobs, processes))
    for path, folder, files, hashes in units:
        codes = dict(zip(files, compiled))
        sound = path and all(_has_hash(os.path.join(folder, name), text) for name, text in hashes.items())
        _write_unit(folder, files, codes, path + ".d" if sound and share else "")
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
    if len(jobs) < _PARALLEL_FROM or processes == 1:
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


def _write_unit(folder: str, files: List[str], codes: Codes, shared: str) -> None:
    ending = "." + str(sys.implementation.cache_tag) + ".pyc"
    made = set()
    for name in files:
        body = codes.get(name)
        if not body:
            continue
        source = os.path.join(folder, name)
        parent, _, module = source.rpartition("/")
        parent += "/__pycache__"
        if parent not in made:
            os.makedirs(parent, exist_ok=True)
            made.add(parent)
        target = parent + "/" + module[:-3] + ending
        if shared and os.path.lexists(target):
            continue  # it was linked just now, and must not be written into
        _write_bytecode(target, _header(os.stat(source)), body)
        if shared:
            _share(shared, folder, name, target)


def _header(state: os.stat_result) -> bytes:
    # PEP 552: from Python 3.7 on a word of flags, none of them set, stands before time and size of the source.
    flags = bytes(4) if sys.version_info >= (3, 7) else b""
    return importlib.util.MAGIC_NUMBER + flags + struct.pack("<LL", int(state.st_mtime) % 2**32, state.st_size % 2**32)


def _write_bytecode(target: str, header: bytes, body: Code) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        whole = os.writev(descriptor, [header, body]) == len(header) + len(body)
    except OSError:
        whole = False
    finally:
        os.close(descriptor)
    if not whole:
        _remove(target)  # half a file is an error at its import
        raise OSError("no space left for " + target)


def _load(path: str) -> Optional[Codes]:
    try:
        with open(path, "rb") as file:
            # Not read: all of a large package may be 40 MB. Such files are replaced, never written into.
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        if zlib.crc32(data[4:], _FORM) == int.from_bytes(data[:4], "little"):
            size = int.from_bytes(data[4:8], "little")
            places = marshal.loads(data[8 : 8 + size])  # noqa: S302 - a file of ours
            bodies = data[8 + size :]
            return {name: bodies[begin:end] for name, (begin, end) in places.items()}
    except (OSError, ValueError, EOFError, TypeError, AttributeError):
        pass
    return None


def _store(path: str, codes: Codes) -> None:
    # A checksum, the length of the index, the index (begin and end by name), and the bytecode of all files.
    places, end = {}, 0
    for name, body in codes.items():
        places[name] = (end, end + len(body))
        end += len(body)
    index = marshal.dumps(places)
    parts = [len(index).to_bytes(4, "little"), index, *codes.values()]
    checksum = _FORM
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    temporary = path + "." + str(os.getpid())
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(checksum.to_bytes(4, "little"))
            file.writelines(parts)
        os.replace(temporary, path)
    except OSError:
        _remove(temporary)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


if __name__ == "__main__":
    os.umask(0o077)
    main()
