"""What the commands for one environment are asked for, and the run configuration that it comes to."""

from __future__ import annotations

from localrun.errors import BadInput
from localrun.values import replace, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.adapters.files import Reading
    from localrun.spec import RunSpec


@value
class Wanted:
    """What is to be made, and how.

    Attributes:
        target: `local` or `docker`; empty for what the environment asks for.
        offline: From caches and local files only.
        rebuild: Anew although it is there.
        push: Send the image to the project's registry.
        platform: Of the image; empty for the engine's own.
        keep: The container of a failed build stays.
        quiet: Say nothing but errors.
        as_of: The day whose packages count; empty for today.
        lock: A lock file to take in place of what the environment says; empty for none.
        vendored: A folder of `environment vendor` that has the packages; empty for none.
    """

    target: str
    offline: bool = False
    rebuild: bool = False
    push: bool = False
    platform: str = ""
    keep: bool = False
    quiet: bool = False
    as_of: str = ""
    lock: str = ""
    vendored: str = ""


def read_wanted(reference: str, wanted: Wanted, reading: Reading) -> RunSpec:
    """Give the run configuration of nothing but an environment.

    Raises:
        BadInput: the environment cannot be used, or not for what is wanted.
    """
    from localrun.cli.flags import Flags
    from localrun.cli.request import read_request
    from localrun.resolve.target import choose_target

    target = wanted.target or ("docker" if wanted.push or wanted.platform else "")
    spec = read_request(Flags(command="true", environment=reference, target=target, as_of=wanted.as_of), reading)
    if wanted.lock:
        spec = _lay_lock(spec, wanted.lock, reading)
    spec = replace(spec, target=choose_target(spec))
    if wanted.platform and spec.environment is not None:
        spec = replace(spec, environment=replace(spec.environment, platform=wanted.platform))
    if spec.target == "local" and (wanted.push or wanted.platform):
        flag = "--push" if wanted.push else "--platform"
        raise BadInput("this is for images, and the target is local", key=flag, hint="add -t docker, or leave it out")
    return spec


def _lay_lock(spec: RunSpec, file: str, reading: Reading) -> RunSpec:
    """Put the packages of a lock file in the place of those that the environment asks for."""
    from localrun.cli.environment_vendor import read_lock_file

    lock, asked = read_lock_file(file, reading).python, spec.environment
    assert lock is not None  # noqa: S101 - a lock has it
    if asked is None or asked.python is None:
        raise BadInput("the environment has no packages that a lock could name", key="--lock", hint="leave it out")
    python = replace(lock, variables=asked.python.variables, as_of=asked.python.as_of)
    return replace(spec, environment=replace(asked, python=python))
