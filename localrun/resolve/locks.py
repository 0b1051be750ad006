"""The packages of an environment: those of its lock where it has one that fits, else what was asked for."""

from __future__ import annotations

from localrun.errors import BadInput
from localrun.fingerprint import environment_fingerprint, environment_name
from localrun.formats.lock_names import is_locked
from localrun.resolve.credentials import hide_credentials
from localrun.spec import PythonSpec
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from localrun.plan import EnvironmentPlan
    from localrun.resolve.facts import HostFacts
    from localrun.spec import EnvironmentSpec, LockSpec


def choose_packages(python: PythonSpec, platform: str, facts: HostFacts) -> tuple[PythonSpec, str]:
    """Give what is to be installed, without a lock file any more, and its fingerprint.

    A lock file that was named counts. One beside a conda file counts when it was made from that very definition, or,
    of one that conda-lock wrote, when it has all that the definition names; and no date is given.

    Args:
        python: What was asked for.
        platform: The conda subdirectory that it is for.
        facts: Of the host.

    Raises:
        BadInput: the lock that was named is for other platforms, or a date is given as well; one beside a conda file
            lacks what it was made from.
    """
    lock = _find_lock(python, platform)
    if python.lock_file and not python.conda:
        chosen = _apply(python, _check_named(python, lock, platform))
        return chosen, fingerprint_packages(chosen, platform, facts.hashes)
    asked = replace(python, locks=(), lock_file="")
    if python.conda == ("python", "pip"):  # a requirements.txt names no Python: take the one of this machine's user
        asked = replace(asked, conda=(f"python={facts.python_version}", "pip"))
    fingerprint = fingerprint_packages(asked, platform, facts.hashes)
    if lock is None or _find_misfit(lock, asked, fingerprint, python.lock_file):
        return asked, fingerprint
    chosen = _apply(python, lock)
    return chosen, fingerprint_packages(chosen, platform, facts.hashes)


def plan_packages(planned: EnvironmentPlan, python: PythonSpec, platform: str, facts: HostFacts) -> EnvironmentPlan:
    """Give the plan of an environment with its conda environment.

    Args:
        planned: The plan without it.
        python: What was asked for.
        platform: The conda subdirectory that it is for.
        facts: Of the host.

    Raises:
        BadInput: as `choose_packages`.
    """
    python, fingerprint = choose_packages(python, platform, facts)
    return replace(
        planned,
        name=environment_name(fingerprint),
        fingerprint=fingerprint,
        platform=platform,
        channels=python.channels,
        conda=python.conda,
        pip=python.pip,
        variables=python.variables,
        directory=python.directory,
        as_of=python.as_of,
    )


def name_conda_part(planned: EnvironmentPlan, facts: HostFacts) -> str:
    """Give the name of the conda part of a planned conda environment alone, as if it had no pip packages."""
    below = PythonSpec(channels=planned.channels, conda=planned.conda, as_of=planned.as_of)
    return environment_name(fingerprint_packages(below, planned.platform, facts.hashes))


def _find_lock(python: PythonSpec, platform: str) -> LockSpec | None:
    return next((one for one in python.locks if one.platform == platform and one.conda), None)


def _find_misfit(lock: LockSpec, asked: PythonSpec, fingerprint: str, file: str) -> str:
    """Say why a lock is not that of a definition; nothing when it is.

    Raises:
        BadInput: it says that it was made from the definition, and lacks a package of it.
    """
    from localrun.resolve.lock_fit import find_lacking, find_misfit

    if lock.content_hash == fingerprint:  # a date is in the fingerprint, and never in a lock's hash
        if lacking := find_lacking(lock, asked):
            message = f"the lock was made from this definition, and lacks {lacking} for {lock.platform}: it was edited"
            raise BadInput(message, file=file, hint="write it anew: localrun env lock")
        return ""
    if asked.as_of:
        return "--as-of says what to take"
    misfit = find_misfit(lock, asked)
    return misfit if misfit or lock.sources else "it was not made from this definition"


def _check_named(python: PythonSpec, lock: LockSpec | None, platform: str) -> LockSpec:
    if python.as_of:
        hint = "leave it out, or name the conda file that the lock was made from"
        raise BadInput(f"{python.lock_file} says already which packages to take", key="--as-of", hint=hint)
    if lock is None:
        known = ", ".join(one.platform for one in python.locks if one.conda) or "no platform"
        hint = f"make one for this platform too: localrun env lock --platform {platform} …"
        raise BadInput(f"the lock is for {known}, not for {platform}", file=python.lock_file, hint=hint)
    return lock


def _apply(python: PythonSpec, lock: LockSpec) -> PythonSpec:
    return replace(python, conda=lock.conda, pip=lock.pip, locks=(), lock_file="")


def fingerprint_packages(python: PythonSpec, platform: str, hashes: Iterable[tuple[str, str]] = ()) -> str:
    """Give the fingerprint of packages, credentials left out, the content of local ones (`hashes`) taken in."""
    known = dict(hashes)
    return environment_fingerprint(
        platform=platform,
        channels=tuple(map(hide_credentials, python.channels)),
        conda=tuple(map(hide_credentials, python.conda)),
        pip=tuple(map(hide_credentials, python.pip)),
        files=tuple((line, known[line]) for line in python.pip if line in known),
        as_of=python.as_of,
    )


def settle_lock(asked: EnvironmentSpec, environment: EnvironmentPlan) -> EnvironmentSpec:
    """Give the environment of a lock file as the packages that it has on this platform, as they are registered."""
    python = asked.python
    if python is None or python.conda or not python.lock_file:
        return asked
    chosen = replace(python, conda=environment.conda, pip=environment.pip, locks=(), lock_file="")
    return replace(asked, python=chosen)


def note_lock(python: PythonSpec | None, environment: EnvironmentPlan) -> tuple[str, ...]:
    """Say that a lock beside a conda file is not used, when it is not."""
    if python is None or not python.lock_file or is_locked(environment.conda):
        return ()
    if python.as_of:
        return (f"{python.lock_file} is not used, as --as-of says what to take",)
    lock = _find_lock(python, environment.platform)
    known = ", ".join(one.platform for one in python.locks if one.conda) or "no platform"
    why = f"it is for {known}, not for {environment.platform}"
    if lock is not None:
        why = _find_misfit(lock, python, environment.fingerprint, python.lock_file)
    return (f"{python.lock_file} is not used: {why}; localrun env lock makes it anew, --lock takes it as it is",)
