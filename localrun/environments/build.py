"""The making of a conda environment, step by step, in a prefix that nobody uses yet."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time

from localrun.environments.cached_wheels import find_sound_files
from localrun.environments.commit import choose_evidence, list_files, manifest_text, replace_file, write_artifact
from localrun.environments.contents import (
    InstalledPackage,
    bytecode_units,
    find_changed_files,
    find_missing_files,
    find_python,
    read_conda_packages,
    read_pip_packages,
)
from localrun.environments.making import Build, read_lock
from localrun.environments.pins import EarlyResolution
from localrun.environments.pip_part import install_again, install_pip_part
from localrun.environments.removal import remove_environment, remove_tree
from localrun.environments.settings import Progress
from localrun.environments.steps import link_conda_part, start_bytecode, write_conda_lock
from localrun.errors import EnvironmentFailed, LocalrunError, StoreFailed
from localrun.plan import Artifact
from localrun.workspace.versions import keep_conda

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from localrun.environments.places import Places
    from localrun.environments.settings import BuildSettings
    from localrun.plan import EnvironmentPlan

_FULL = {errno.ENOSPC, errno.EDQUOT}
_LONGEST_SHEBANG_PATH = 200


def build_environment(
    plan: EnvironmentPlan,
    places: Places,
    settings: BuildSettings,
    report: Callable[[Progress], None],
    *,
    keep: tuple[int, ...],
) -> Artifact:
    """Make an environment and commit it; what is half-made is removed again, the log stays.

    Raises:
        EnvironmentFailed: a step failed.
        StoreFailed: the workspace cannot hold it.
    """
    if len(places.prefix.encode()) > _LONGEST_SHEBANG_PATH:
        message = f"the path of the environment is too long for scripts to start with: {places.prefix}"
        raise StoreFailed(message, hint="set LOCALRUN_HOME to a shorter path", code="store_read_only")
    try:
        os.makedirs(places.work, mode=0o700)
        log = os.open(places.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_APPEND, 0o600)
    except OSError as error:
        raise _store_failure(error, places) from error
    lock = settings.solution or read_lock(places)
    build = Build(plan=plan, places=places, settings=settings, report=report, log=log, keep=keep, lock=lock)
    try:
        return _steps(build)
    except BaseException as error:
        need = _estimate(places)
        remove_environment(places, _silent, "")
        explained = _explain(error, places, need)
        if explained is error:
            raise
        raise explained from error
    finally:
        os.close(log)


def _steps(build: Build) -> Artifact:
    early = EarlyResolution(build)

    def work_beside() -> None:
        early.start()
        write_conda_lock(build)

    try:
        link_conda_part(build, work_beside)
        conda = _read_conda(build.places)
        python, sites = find_python(build.places.prefix, conda)
        pip = _add_pip_part(build, python, sites, conda, early) if build.plan.pip else []
        _compile_and_verify(build, python, conda, pip)
        return _commit(build, python, sites, conda, pip)
    finally:
        early.finish(wait=False)


def _add_pip_part(
    build: Build, python: str, sites: tuple[str, ...], conda: list[InstalledPackage], early: EarlyResolution
) -> list[InstalledPackage]:
    install_pip_part(build, python, early.finish(wait=True))
    return [package for site in sites for package in read_pip_packages(site, conda)]


def _compile_and_verify(build: Build, python: str, conda: list[InstalledPackage], pip: list[InstalledPackage]) -> None:
    end_bytecode = start_bytecode(build, python, bytecode_units([*conda, *pip]))
    try:
        _check_files(build, [*conda, *pip])
        changed = find_changed_files(pip, find_sound_files(build.places.home, pip))
    finally:
        end_bytecode()
    if not changed:
        return
    install_again(build, python, sorted({name for name, _ in changed}))
    start_bytecode(build, python, bytecode_units(pip))()
    if changed := find_changed_files(pip):
        name, path = changed[0]
        message = f"a file of {name} is not what its package says: {path}"
        hint = f"uv's cache is damaged: remove {os.path.join(build.places.home, 'cache', 'uv')} and try again"
        raise EnvironmentFailed(message, hint=hint, code="build_failed")


def _read_conda(places: Places) -> list[InstalledPackage]:
    try:
        return read_conda_packages(places.prefix)
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"the conda packages were not installed completely: {error}"
        raise EnvironmentFailed(message, hint=f"see {places.log}", code="installer_crashed") from error


def _check_files(build: Build, packages: list[InstalledPackage]) -> None:
    build.report(Progress(stage="verify", text="verifying"))
    if missing := find_missing_files(packages):
        message = f"the environment is not complete: {missing[0]}"
        raise EnvironmentFailed(message, hint="try again", code="installer_crashed", detail="\n".join(missing))


def _commit(
    build: Build, python: str, sites: tuple[str, ...], conda: list[InstalledPackage], pip: list[InstalledPackage]
) -> Artifact:
    from localrun.environments.activation import work_out_activation
    from localrun.environments.explain import describe_definition

    plan, places = build.plan, build.places
    variables, folders = work_out_activation(places.prefix, os.environ, build.log)
    remove_tree(places.work)
    replace_file(places.versions, json.dumps(_describe(conda, pip), indent=1).encode())
    files = list_files(places.prefix)
    manifest = manifest_text(files)
    replace_file(places.manifest, manifest)
    artifact = Artifact(
        kind="conda",
        python=python,
        prefix=places.prefix,
        path=(*folders, os.path.join(places.prefix, "bin")),
        variables=tuple(variables.items()),
        site_packages=sites,
        reused=False,
        evidence=choose_evidence(places.prefix, python, sites, files),
        versions=places.versions,
    )
    done = write_artifact(
        places.record,
        artifact,
        name=plan.name,
        fingerprint=plan.fingerprint,
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        definition=describe_definition(plan),
        made_at=time.time(),
    )
    build.report(Progress(stage="done", text=f"made {plan.label or plan.name}"))
    return done


def _describe(conda: list[InstalledPackage], pip: list[InstalledPackage]) -> dict[str, Any]:
    return {
        "conda": [keep_conda(package.record) for package in conda],
        "pip": [{"name": package.name, "version": package.version} for package in pip],
    }


def _silent(_: Progress) -> None:
    pass


def _explain(error: BaseException, places: Places, need: int) -> BaseException:
    if isinstance(error, StoreFailed) and error.code == "store_full":
        return _full(places, need, error.detail)
    if isinstance(error, OSError) and not isinstance(error, LocalrunError):
        if error.errno in _FULL:
            return _full(places, need, "")
        return _store_failure(error, places)
    return error


def _store_failure(error: OSError, places: Places) -> StoreFailed:
    if error.errno in _FULL:
        return _full(places, 0, "")
    message = f"{error.filename or places.prefix} cannot be written: {error.strerror}"
    hint = "set LOCALRUN_HOME to a folder that you can write"
    return StoreFailed(message, hint=hint, code="store_read_only")


def _full(places: Places, need: int, detail: str) -> StoreFailed:
    state = os.statvfs(places.home)
    free = state.f_bavail * state.f_frsize
    about = f"needs about {_size(need)}, " if need else ""
    message = f"no space for the environment: {about}has {_size(free)} in {places.home}"
    hint = "free some space, or set LOCALRUN_HOME to a folder on another disk; nothing half-made was kept"
    return StoreFailed(message, hint=hint, code="store_full", detail=detail)


def _estimate(places: Places) -> int:
    # Packages are three to five times as large unpacked, and stand in the cache and in the prefix.
    try:
        with open(os.path.join(places.work, "solved.json"), encoding="utf-8") as file:
            return int(sum(record["size"] for record in json.load(file)["records"]) * 9)
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 10**9 else f"{count / 1e6:.0f} MB"
