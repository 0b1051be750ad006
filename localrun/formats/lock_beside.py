"""The lock file beside a conda file, laid over its packages; whether it fits is seen later."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from localrun.formats.gate import load_yaml, read_if_there
from localrun.formats.lock_names import LOCK_FILE
from localrun.formats.nodes import root
from localrun.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.spec import EnvironmentSpec, LockSpec, PythonSpec


def lay_lock_beside(
    spec: EnvironmentSpec, *, read: Callable[[str], bytes], look: Callable[[str], object]
) -> EnvironmentSpec:
    """Give an environment with the lock file in the folder that its packages are defined in, if there is one.

    Args:
        spec: An environment as it was read from a file; a registered one has no folder, and stays as it is.
        read: Gives the bytes of a file by its absolute path.
        look: Called with a path that is looked for, before anybody knows whether it is there.

    Raises:
        BadInput: the lock file cannot be used.
    """
    python = spec.python
    if python is None or not python.conda or python.lock_file or not python.directory or spec.registered:
        return spec
    if spec.file.lower().endswith((".txt", ".in")):
        return spec
    path = os.path.join(python.directory, LOCK_FILE)
    near = [os.path.join(folder, LOCK_FILE) for folder in (os.path.dirname(spec.file), spec.file)]
    shown = next((one for one in near if os.path.abspath(one) == path), path)
    look(path)  # who watches what was looked at learns of a file that is not there, too
    data = read_if_there(path, read=read, shown=shown)
    if data is None:
        return spec
    from localrun.formats.lock_file import read_lock_mapping

    lock = read_lock_mapping(root(load_yaml(data, file=shown))).python
    return replace(spec, python=_lay(python, lock.locks, spec.file, shown)) if lock else spec


def _lay(python: PythonSpec, locks: tuple[LockSpec, ...], file: str, shown: str) -> PythonSpec:
    if file.lower().endswith((".yml", ".yaml")):
        locks = tuple(one if _is_source(one, file) else replace(one, sources=()) for one in locks)
    return replace(python, locks=locks, lock_file=shown)


def _is_source(lock: LockSpec, file: str) -> bool:
    """Tell whether a lock says that it was made from a file beside it."""
    return any(os.path.normpath(source) == os.path.basename(file) for source in lock.sources)
