"""The lock of an environment, and whether it fits."""

from __future__ import annotations

from localrun.errors import BadInput
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.spec import PythonSpec


def apply_lock(python: PythonSpec, platform: str) -> PythonSpec:
    """Give the packages of a lock in place of what was asked for; without a lock nothing changes.

    Args:
        python: What was asked for.
        platform: The conda subdirectory that it is for.

    Raises:
        BadInput: the lock is for other platforms, or a date is given as well.
    """
    if not python.lock_file:
        return python
    if python.as_of:
        hint = "leave it out, or name the conda file that the lock was made from"
        raise BadInput(f"{python.lock_file} says already which packages to take", key="--as-of", hint=hint)
    lock = next((one for one in python.locks if one.platform == platform), None)
    if lock is None or not lock.conda:
        known = ", ".join(one.platform for one in python.locks if one.conda) or "no platform"
        hint = f"make one for this platform too: localrun env lock --platform {platform} …"
        raise BadInput(f"the lock is for {known}, not for {platform}", file=python.lock_file, hint=hint)
    return replace(python, conda=lock.conda, pip=lock.pip, locks=(), lock_file="")
