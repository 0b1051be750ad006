"""A run's folder in the hands of another user: the ranks' user may work in it, and at the end its files are ours again.

The workspace around a run's folder lets nobody in, so what is opened below it is open to the run's containers only.
"""

from __future__ import annotations

import os
import stat

from localrun.adapters.engine_containers import begin_create, begin_remove, begin_start, begin_wait
from localrun.errors import LocalrunError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from localrun.adapters.engine import Engine

TRAVERSED, WRITTEN, READ = 0o711, 0o666, 0o444
READ_ONLY, OTHERS = ("inputs",), ("mpi",)
"""Folders of a run that its ranks only read, and those that somebody else sees to."""


def let_in(folder: str) -> None:
    """Let any user that reaches a run's folder work in it.

    Raises:
        OSError: its modes cannot be changed.
    """
    os.chmod(folder, TRAVERSED)
    with os.scandir(folder) as found:
        tops = [item for item in found if item.is_dir(follow_symlinks=False) and item.name not in OTHERS]
    for top in tops:
        more = READ if top.name in READ_ONLY else WRITTEN
        for item in (top, *_walk(top.path)):
            if item.is_symlink():
                continue
            mode = stat.S_IMODE(item.stat(follow_symlinks=False).st_mode)
            runnable = item.is_dir(follow_symlinks=False) or mode & stat.S_IXUSR
            os.chmod(item.path, mode | more | (0o111 if runnable else 0))


def take_back(engine: Engine, image: str, folder: str, labels: Mapping[str, str]) -> tuple[str, ...]:
    """Give what other users have made in a run's folder to this process's user; give a note when that fails.

    Args:
        engine: Root is asked there, by a container, where this process is not root itself.
        image: An image that it has, with a shell and chown.
        folder: The run's folder; nothing of the run is alive.
        labels: For the container.
    """
    owner = (os.geteuid(), os.getegid())
    try:
        os.chmod(folder, 0o700)
        others = [item.path for item in _walk(folder) if item.stat(follow_symlinks=False).st_uid != owner[0]]
        if others and owner[0] == 0:
            for path in others:
                os.chown(path, *owner, follow_symlinks=False)
        elif others:
            chown_as_root(engine, image, folder, owner, labels)
    except (OSError, LocalrunError) as error:
        reason = error.message if isinstance(error, LocalrunError) else f"{error.strerror}: {error.filename}"
        return (f"files in {folder} belong to the user of the containers: {reason}",)
    return ()


def chown_as_root(engine: Engine, image: str, folder: str, owner: tuple[int, int], labels: Mapping[str, str]) -> None:
    """Give a folder and all below it to a user, by a container whose user is root.

    Raises:
        LocalrunError: the engine does not answer, or the image cannot do that.
    """
    request = {
        "Image": image,
        "User": "0",
        "Entrypoint": ["/bin/sh", "-c", 'exec chown -R -h "$0" "$1"', "{}:{}".format(*owner), folder],
        "Cmd": [],
        "Labels": dict(labels),
        "HostConfig": {
            "NetworkMode": "none",
            "LogConfig": {"Type": "none"},
            "Mounts": [{"Type": "bind", "Source": folder, "Target": folder}],
        },
    }
    container = str(begin_create(engine, "", request).take()["Id"])
    try:
        ended = begin_wait(engine, container)
        begin_start(engine, container).take()
        code = ended.take()["StatusCode"]
    finally:
        begin_remove(engine, container).settle()
    if code:
        raise LocalrunError(f"chown ended with exit code {code} in {image}", code="chown")


def _walk(folder: str) -> Iterator[os.DirEntry[str]]:
    """Give what is below a folder; links are not followed, and a folder that lets us not in is given alone."""
    folders = [folder]
    while folders:
        try:
            with os.scandir(folders.pop()) as found:
                items = list(found)
        except PermissionError:
            continue
        yield from items
        folders += [item.path for item in items if item.is_dir(follow_symlinks=False)]
