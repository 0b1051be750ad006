"""What the inputs of a run held: hashed while its ranks run, so that nobody waits for it, and compared by `rerun`."""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

CHUNK_BYTES = 1024 * 1024
END_WAIT_S = 0.25
"""So long is what was not hashed while the ranks ran waited for when they have ended."""


def list_files(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Give each file at or below a path, by its name relative to it, sorted; a link counts as what it leads to.

    Raises:
        OSError: there is nothing, or it cannot be looked through.
    """
    facts = os.stat(path)
    if not stat.S_ISDIR(facts.st_mode):
        yield "", facts
        return
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(os.path.join(path, below)) as found:
            items = sorted(found, key=lambda item: item.name)
        for item in items:
            name = f"{below}/{item.name}" if below else item.name
            if item.is_dir(follow_symlinks=False):
                waiting.append(name)
            else:
                try:
                    facts = item.stat()
                except OSError:  # a link that leads nowhere
                    facts = item.stat(follow_symlinks=False)
                yield name, facts


def describe_state(path: str) -> tuple[str, int]:
    """Give a hash of the names, sizes and times of all files at a path, and how many bytes they are.

    Raises:
        OSError: it cannot be looked through.
    """
    import hashlib

    hashed = hashlib.sha256()
    size = 0
    for name, facts in list_files(path):
        hashed.update(f"{name}\0{facts.st_size} {facts.st_mtime_ns}\n".encode(errors="surrogateescape"))
        size += facts.st_size
    return hashed.hexdigest(), size


def hash_content(path: str, stopped: Callable[[], bool]) -> str | None:
    """Give the SHA-256 of a file, or of the names and hashes of all files of a folder; None when it was stopped.

    Raises:
        OSError: something cannot be read.
    """
    import hashlib

    whole = hashlib.sha256()
    for name, facts in list_files(path):
        if not stat.S_ISREG(facts.st_mode):
            continue
        hashed = hashlib.sha256()
        with open(os.path.join(path, name) if name else path, "rb", buffering=0) as file:
            while chunk := file.read(CHUNK_BYTES):
                hashed.update(chunk)
                if stopped():
                    return None
        if not name:
            return hashed.hexdigest()
        whole.update(f"{name}\0{hashed.hexdigest()}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()


class InputHashing:
    """The hashing of a run's inputs, in a thread beside what else its supervisor does.

    Args:
        paths: The path of each input, by its name.
    """

    def __init__(self, paths: Mapping[str, str]) -> None:
        self._paths = dict(paths)
        self._found: dict[str, dict[str, Any]] = {}
        self._ending = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, if there is anything to hash."""
        if not self._paths:
            return
        import threading

        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        for name, path in self._paths.items():
            try:
                state, size = describe_state(path)
                self._found[name] = {"state": state, "bytes": size, "sha256": None}
                digest = hash_content(path, lambda: self._ending)
                if describe_state(path)[0] == state:  # else it changed meanwhile, and the hash is of neither
                    self._found[name] = {"state": state, "bytes": size, "sha256": digest}
            except OSError:
                continue  # `rerun` will say that nobody knows what it held

    def finish(self) -> dict[str, dict[str, Any]]:
        """Give what is known of each input: `state`, `bytes`, and `sha256` or null when its ranks were faster."""
        if self._thread is None:
            return {}
        self._thread.join(END_WAIT_S)
        self._ending = True
        return dict(self._found)


def find_change(path: str, known: Mapping[str, Any] | None) -> str:
    """Say why an input is not what it was when a run had it; nothing when it is.

    Args:
        path: Where it is.
        known: What `InputHashing.finish` gave for it; None when it gave nothing.
    """
    try:
        state, size = describe_state(path)
        if known is None:
            return "nothing was kept that tells whether it is what it was"
        if state == known.get("state"):
            return ""
        if not known.get("sha256"):
            return "its names, sizes or times are others, and its content was not hashed: the run was too short"
        if size == known.get("bytes") and hash_content(path, lambda: False) == known["sha256"]:
            return ""
    except OSError as error:
        return f"{error.filename or path}: {error.strerror}"
    return f"it has changed: it has {size:,} bytes, it had {known.get('bytes') or 0:,}"
