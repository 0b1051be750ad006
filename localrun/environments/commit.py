"""The commit record of an environment: a small file beside it, written last. Without it there is no environment.

After a loss of power the record may be there and the newest files not: their data is left to the kernel's own
write-back, because forcing it to disk would cost more than the whole making of an environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat

from localrun.plan import Artifact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

FORM = 1
_SAMPLES = 12

Evidence = tuple[str, int, int, int]


def read_artifact(record_path: str, prefix: str) -> Artifact | None:
    """Give the environment that a commit record vouches for.

    Costs one small file and a `stat` for each piece of evidence.

    Returns:
        None when there is no record, it is not for this prefix, or a piece of evidence differs.
    """
    try:
        with open(record_path, "rb") as file:
            own = _evidence_of(record_path, os.fstat(file.fileno()))
            record = json.load(file)
        if record["form"] != FORM or record["prefix"] != prefix:
            return None
        evidence = tuple((path, size, mtime, inode) for path, size, mtime, inode in record["evidence"])
        if any(take_evidence(piece[0]) != piece for piece in evidence):
            return None
        return Artifact(
            kind="conda",
            python=record["python"],
            prefix=prefix,
            path=tuple(record["path"]),
            variables=tuple((name, text) for name, text in record["variables"]),
            site_packages=tuple(record["site_packages"]),
            reused=True,
            evidence=(own, *evidence),
            versions=record["versions"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_artifact(record_path: str, artifact: Artifact, **more: Any) -> Artifact:
    """Commit an environment: from here on it is there.

    Args:
        record_path: Where the record goes.
        artifact: The environment, with its evidence.
        more: What else the record is to say.

    Returns:
        The artifact with the record itself among its evidence.
    """
    record = {
        "form": FORM,
        "prefix": artifact.prefix,
        "python": artifact.python,
        "path": artifact.path,
        "variables": artifact.variables,
        "site_packages": artifact.site_packages,
        "evidence": artifact.evidence,
        "versions": artifact.versions,
        **more,
    }
    replace_file(record_path, json.dumps(record).encode())
    from localrun.values import replace

    return replace(artifact, evidence=(_evidence_of(record_path, os.stat(record_path)), *artifact.evidence))


def replace_file(path: str, data: bytes) -> None:
    """Write a file so that it is there completely or not at all, whatever happens."""
    temporary = f"{path}.{os.getpid()}.part"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.rename(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(os.path.dirname(path))


def sync_folder(folder: str) -> None:
    """Make the names in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def take_evidence(path: str) -> Evidence | None:
    """Give path, size, mtime in ns and inode of a file or folder; None when it is not there."""
    try:
        return _evidence_of(path, os.stat(path))
    except OSError:
        return None


def _evidence_of(path: str, state: os.stat_result) -> Evidence:
    return (path, state.st_size, state.st_mtime_ns, state.st_ino)


def list_files(prefix: str) -> list[tuple[str, int, int, int]]:
    """Give path below the prefix, size, mtime in ns and mode of everything in a prefix but folders, sorted by path."""
    found = []
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(os.path.join(prefix, folder)) as entries:
            for entry in entries:
                name = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders.append(name)
                else:
                    state = entry.stat(follow_symlinks=False)
                    found.append((name, state.st_size, state.st_mtime_ns, state.st_mode))
    return sorted(found)


def manifest_text(files: Iterable[tuple[str, int, int, int]]) -> bytes:
    """Give the text of a manifest: size, mtime in ns, mode and path of each file, a line each."""
    files = list(files)
    # All names are written at once, which is ten times as fast; in JSON no name has a line's end in it.
    names = json.dumps([file[0] for file in files], separators=("\n", ":"))[1:-1].split("\n")
    lines = [f"{size}\t{mtime}\t{mode:o}\t{name}\n" for (_, size, mtime, mode), name in zip(files, names, strict=False)]
    return "".join(lines).encode()


def choose_evidence(
    prefix: str, python: str, site_packages: Sequence[str], files: Sequence[tuple[str, int, int, int]]
) -> tuple[Evidence, ...]:
    """Choose what is looked at before every run: the folders whose change means a package came or went, and samples."""
    folders = [prefix, os.path.join(prefix, "conda-meta"), os.path.join(prefix, "bin"), *site_packages]
    plain = [name for name, _, _, mode in files if stat.S_ISREG(mode) and not name.endswith(".pyc")]
    step = max(1, len(plain) // _SAMPLES)
    samples = [os.path.join(prefix, name) for name in plain[step // 2 :: step][:_SAMPLES]]
    history = os.path.join(prefix, "conda-meta", "history")
    paths = dict.fromkeys((*folders, *([python] if python else []), history, *samples))
    return tuple(piece for path in paths if (piece := take_evidence(path)) is not None)
