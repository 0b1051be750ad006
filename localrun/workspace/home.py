"""The workspace folder: where it is, and that it is ours alone.

    <home>/runs/<run_id>/      one folder a run (`records`)
    <home>/active/<run_id>     one file a live run (`active`)
    <home>/submitted/          runs that were submitted in the background (`submitted`)
    <home>/trash/              runs on their way out (`records.remove`)
    <home>/snapshots/          what runs worked in, by content (`snapshot_store`)
    <home>/localrun.db         the index of the runs (`database`)
    <home>/environments.db     the registered environments (`registry`)
    <home>/environments.log    their journal (`registry_journal`)
    <home>/environments/       conda environments and the logs of images (`localrun.environments.places`)
    <home>/catalogue/          the user's own curated environments (`localrun.catalogue`)
    <home>/wheels/<sha256>/    private wheels (`wheels`)
    <home>/secrets/            the box of secrets (`localrun.secrets`)
    <home>/cache/              packages (`localrun.environments.prune`)
    <home>/plans/              what was worked out once (`memory`)
    <home>/interpreters/       facts about interpreters (`localrun.environments.interpreter`)
    <home>/debuggers/          debuggers for ranks (`localrun.inside.debugger`)
    <home>/locks/              lock files of environments, images and caches (`locks`)
    <home>/ports/              lock files of ports (`localrun.adapters.ports`)

Every command opens it first, so that this module imports nothing that an interpreter does not have at hand.
"""

from __future__ import annotations

import errno
import os
import stat
import sys

from localrun.errors import BadInput, StoreFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "LOCALRUN_HOME"
"""The environment variable that names the workspace folder."""
_ELSEWHERE = f"Set {VARIABLE} to a folder of your own on another disk."


def open_home(environ: Mapping[str, str]) -> str:
    """Give the absolute path of the workspace folder, made (mode 0700) when it is not there.

    It is `LOCALRUN_HOME`, else what platformdirs says: `$XDG_DATA_HOME/localrun` or `~/.local/share/localrun` on
    Linux. A relative or empty HOME counts as unset; the password database is asked then.

    Raises:
        BadInput: `LOCALRUN_HOME` is not absolute, or no home folder is known.
        StoreFailed: it cannot be made or written, or is a symbolic link, somebody else's, or writable by others.
    """
    path = _home_path(environ)
    try:
        status = os.lstat(path)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise failed(error, path) from error
        make_folder(path)
        status = os.lstat(path)
    if stat.S_IFMT(status.st_mode) != stat.S_IFDIR or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise _unfit(path, status)
    if not os.access(path, os.W_OK | os.X_OK):
        raise failed(OSError(errno.EROFS, os.strerror(errno.EROFS)), path)
    return path


def _home_path(environ: Mapping[str, str]) -> str:
    given = environ.get(VARIABLE, "")
    if given:
        if not given.startswith("/"):
            raise BadInput(
                f"{VARIABLE}={given} is not an absolute path", hint=f"Set {VARIABLE} to a path that starts with /."
            )
        return os.path.normpath(given)
    if not sys.platform.startswith("linux"):
        from localrun.adapters.user_folders import user_data_folder

        return user_data_folder("localrun")
    data = environ.get("XDG_DATA_HOME", "").strip()
    if data.startswith("/"):  # the XDG Base Directory Specification: a relative path is ignored
        return os.path.join(data, "localrun")
    return os.path.join(_user_home(environ), ".local", "share", "localrun")


def _user_home(environ: Mapping[str, str]) -> str:
    given = environ.get("HOME", "")
    if given.startswith("/"):
        return given
    import pwd

    try:
        known = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        known = ""
    if known.startswith("/"):
        return known
    raise BadInput(
        f"HOME is {given!r}, and user {os.getuid()} has no home folder in the password database",
        hint=f"Set {VARIABLE} to a folder of your own.",
    )


def _unfit(path: str, status: os.stat_result) -> StoreFailed:
    if stat.S_ISLNK(status.st_mode):
        text, hint = "is a symbolic link", f"Set {VARIABLE} to the folder itself: {os.path.realpath(path)}."
    elif not stat.S_ISDIR(status.st_mode):
        text, hint = "is not a folder", f"Move it away, or set {VARIABLE} to a folder of your own."
    elif status.st_uid != os.geteuid():
        text = f"belongs to user {_user_name(status.st_uid)}"
        hint = f"Set {VARIABLE} to a folder of your own; a workspace is not shared between users."
    else:
        text = f"can be written by other users (mode {stat.S_IMODE(status.st_mode):04o})"
        hint = f"Run: chmod go-w {path}"
    return StoreFailed(f"the workspace folder {path} {text}", hint=hint, code="store_owner")


def _user_name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def folder_of(home: str, run_id: str) -> str:
    """Give the absolute path of a run's folder."""
    return os.path.join(home, "runs", run_id)


def locate_working(folder: str, node: int) -> str:
    """Give the working directory of a node of a run that does not run in place; `folder` is the run's."""
    return os.path.join(folder, "wd") if node == 0 else os.path.join(folder, f"node-{node}", "wd")


def make_folder(path: str) -> None:
    """Make a folder and the folders above it that are missing, each with mode 0700 whatever the umask.

    Raises:
        StoreFailed: the system refuses.
    """
    missing = []
    folder = path
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    try:
        for folder in reversed(missing):
            try:
                os.mkdir(folder, 0o700)
            except FileExistsError:
                continue  # made by another process since
            os.chmod(folder, 0o700)  # a umask such as 777 takes the owner's own bits too
    except OSError as error:
        raise failed(error, path) from error


def failed(error: OSError, path: str) -> StoreFailed:
    """Give the StoreFailed that says what an error of the system at `path` means."""
    said = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = f"Free space there (localrun rm, localrun prune). {_ELSEWHERE}"
        return StoreFailed(f"no space left for {path}: {said}", hint=hint, code="store_full")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StoreFailed(f"{path} cannot be written: {said}", hint=_ELSEWHERE, code="store_read_only")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        hint = "Raise the limit of open files (ulimit -n 4096), or end other programs."
        return StoreFailed(f"too many files are open to use {path}: {said}", hint=hint, code="no_process")
    if error.errno in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
        return StoreFailed(
            f"the file system of {path} has no working locks: {said}", hint=_ELSEWHERE, code="store_locks"
        )
    return StoreFailed(f"{path} cannot be used: {said}", hint=_ELSEWHERE, code="store_corrupt")


def tell(line: str) -> None:
    """Print one line for the user on standard error, escaped; the default of every `say` of this package."""
    from localrun.escaping import escape

    try:
        sys.stderr.write(f"localrun: {escape(line)}\n")  # standard error escapes what its encoding lacks
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        return  # standard error is closed: nobody is there to be told
