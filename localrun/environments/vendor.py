"""Collecting every package of a lock in a folder, from which a machine without a network builds the environment.

DIR/conda/SUBDIR/*.conda   packages of conda
DIR/wheels/*               packages of pip
DIR/conda-lock.yml         the lock itself, byte for byte, written last
"""

from __future__ import annotations

import os
import tempfile
from urllib.parse import unquote, urlsplit

from localrun.adapters.condarc import find_channels, read_condarc
from localrun.adapters.uv import PipRequest
from localrun.adapters.uv_lock import list_files, resolve_packages
from localrun.environments.commit import replace_file
from localrun.environments.installing import last_lines, raise_refusal, run_installer
from localrun.environments.settings import Progress
from localrun.environments.workshop import open_workshop
from localrun.errors import BadInput, EnvironmentFailed, StoreFailed
from localrun.formats.lock_archives import WHEELS, LockedArchive
from localrun.formats.lock_names import LOCK_FILE, split_address
from localrun.values import fields, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from localrun.environments.workshop import Workshop
    from localrun.spec import PythonSpec

_NO_PROGRESS_S = 120


@value
class _Collecting:
    """What is collected: for which lock, in which folder, by means of which workshop, and who is told."""

    lock: PythonSpec
    folder: str
    workshop: Workshop
    report: Callable[[Progress], None]


def collect_archives(
    lock: PythonSpec,
    data: bytes,
    archives: Sequence[LockedArchive],
    folder: str,
    *,
    home: str,
    report: Callable[[Progress], None],
) -> None:
    """Collect the packages of a lock in a folder; those that it has already are not fetched again.

    Args:
        lock: The lock, for its channels.
        data: Its bytes.
        archives: Its packages.
        folder: An absolute path; nothing, an empty folder, or one that this function has filled.
        home: The workspace.
        report: Told what happens.

    Raises:
        BadInput: the folder holds something else.
        EnvironmentFailed: a package is gone, cannot be fetched, or has other bytes than the lock says.
        StoreFailed: the folder cannot be written.
    """
    check_folder(folder)
    try:
        os.makedirs(os.path.join(folder, WHEELS), exist_ok=True)
        with open_workshop(home) as workshop:
            collecting = _Collecting(lock=lock, folder=folder, workshop=workshop, report=report)
            while archives:  # what a source archive is built with may have to be built itself
                _fetch(collecting, archives)
                archives = _find_build_archives(collecting, archives)
        replace_file(os.path.join(folder, LOCK_FILE), data)
    except OSError as error:
        message = f"{error.filename or folder} cannot be written: {error.strerror}"
        raise StoreFailed(message, hint="name a folder that you can write", code="store_read_only") from error


def check_folder(folder: str) -> None:
    """See that a folder may be filled.

    Raises:
        BadInput: it holds something else than collected packages.
    """
    try:
        found = set(os.listdir(folder))
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise BadInput("it is a file", file=folder, hint="name a folder") from None
    if not found <= {"conda", WHEELS, LOCK_FILE} or found == {LOCK_FILE}:
        hint = "name a new folder, or one that localrun env vendor has filled"
        raise BadInput("it holds something else than packages", file=folder, hint=hint)


def _find_build_archives(collecting: _Collecting, archives: Sequence[LockedArchive]) -> tuple[LockedArchive, ...]:
    """Give the packages that the source archives among others need to be built, those that are there already left out.

    Raises:
        EnvironmentFailed: an archive cannot be read, or its requirements cannot be met.
    """
    from localrun.adapters.source_archives import read_build_requirements

    found: dict[str, LockedArchive] = {}
    for archive in archives:
        if not archive.path.startswith(f"{WHEELS}/") or archive.path.endswith(".whl"):
            continue
        lines = read_build_requirements(os.path.join(collecting.folder, archive.path))
        collecting.report(Progress(stage="pip", text=f"resolving what builds {archive.name} {archive.version}"))
        for one in _resolve_build(collecting, archive.platform, lines) if lines else ():
            if not os.path.exists(os.path.join(collecting.folder, one.path)):
                found[one.path] = one
    return tuple(found.values())


def _resolve_build(collecting: _Collecting, platform: str, lines: tuple[str, ...]) -> list[LockedArchive]:
    conda = next((one.conda for one in collecting.lock.locks if one.platform == platform), ())
    python = next((package.version for package in map(split_address, conda) if package.name == "python"), "")
    if not python:
        message = f"the lock has source archives for {platform}, and no python to build them with"
        raise EnvironmentFailed(message, hint="lock anew with python among the conda dependencies", code="solve")
    workshop = collecting.workshop
    work = tempfile.mkdtemp(dir=workshop.folder)
    cache = os.path.join(workshop.home, "cache", "uv")
    packages = resolve_packages(
        PipRequest(python="", requirements=lines, directory=work, cache=cache, log=workshop.log),
        python_version=python,
        platform=platform,
        output=os.path.join(work, "pylock.toml"),
        environ=os.environ,
        on_line=lambda line: collecting.report(Progress(stage="pip", text=line.strip())),
    )
    return [
        LockedArchive(
            name=one["name"],
            version=one["version"],
            platform=platform,
            url=one["url"],
            algorithm="sha256",
            digest=one["sha256"],
            path=f"{WHEELS}/{unquote(urlsplit(one['url']).path).rpartition('/')[2]}",
        )
        for one in list_files(packages, python)
    ]


def _fetch(collecting: _Collecting, archives: Sequence[LockedArchive]) -> None:
    """Fetch package files, in a child.

    Raises:
        EnvironmentFailed, StoreFailed: as `collect_archives`.
    """
    lock, workshop = collecting.lock, collecting.workshop
    last = "starting"

    def take(progress: Progress) -> None:
        nonlocal last
        last = progress.text
        collecting.report(progress)

    settings = read_condarc(os.environ, os.path.expanduser("~"))
    request = {
        "task": "fetch",
        "folder": collecting.folder,
        "files": [fields(archive) for archive in archives],
        "channels": [fields(one) for one in find_channels(lock.channels, settings, lock.directory)],
    }
    ending, answer = run_installer(
        request,
        settings,
        take,
        folder=tempfile.mkdtemp(dir=workshop.folder),
        log=workshop.log,
        no_progress_s=_NO_PROGRESS_S,
        keep=(workshop.hold,),
    )
    if answer is None:
        message = f"the packages could not be collected: no end of {last} (exit {ending.code})"
        words = last_lines(os.path.join(workshop.folder, "log"))
        raise EnvironmentFailed(message, hint="try again: what is there stays", code="channel", detail=words)
    raise_refusal(answer, {})
