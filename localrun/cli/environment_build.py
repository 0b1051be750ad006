"""`localrun environment build`: a conda environment or an image, made before anybody runs in it."""

from __future__ import annotations

import os

from localrun.cli.show import tell
from localrun.errors import BadInput
from localrun.values import replace, value
from localrun.workspace.home import open_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.adapters.files import Reading
    from localrun.environments.settings import Progress
    from localrun.plan import Artifact, EnvironmentPlan
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


def build_environment(reference: str, wanted: Wanted) -> str:
    """Make the environment that a reference means, and give its prefix, or the name of the image.

    Without a reference it is that of the lock in the folder of collected packages.

    Raises:
        BadInput: an image is asked for and it is none.
        EnvironmentFailed: it cannot be made.
    """
    from localrun.adapters.files import Reading
    from localrun.adapters.host import probe_host
    from localrun.cli.progress import show_progress
    from localrun.environments import materialize, settle
    from localrun.environments.settings import BuildSettings
    from localrun.resolve import plan_environment
    from localrun.resolve.locks import note_lock

    home = open_home(os.environ)
    reading = Reading()
    spec = read_wanted(reference or _name_lock(wanted), wanted, reading)
    facts = probe_host(spec, os.environ, reading)
    plan = plan_environment(spec, facts, spec.target)
    for line in () if wanted.quiet else note_lock(spec.environment.python if spec.environment else None, plan):
        tell(f"note: {line}")
    settings = BuildSettings(
        offline=wanted.offline, rebuild=wanted.rebuild, keep=wanted.keep, vendored=_find_vendored(wanted, plan)
    )
    if wanted.rebuild and not wanted.quiet:
        from localrun.cli.environment_outdated import foretell_rebuild

        with show_progress(quiet=False) as report:
            changes = foretell_rebuild(home, plan, facts, settings, report)
        for line in changes:
            tell(line)
    with show_progress(quiet=wanted.quiet) as report:
        plan = settle(plan, settings=settings, report=report)
        made = materialize(plan, home=home, settings=settings, report=report)
        if wanted.push:
            return push(plan, made, report)
    return plan.image.name if plan.image else made.prefix or made.python


def _name_lock(wanted: Wanted) -> str:
    from localrun.formats.lock_names import LOCK_FILE

    if not wanted.vendored:
        raise BadInput("no environment is named", key="REF", hint="name a conda file, a lock or a registered one")
    path = os.path.join(wanted.vendored, LOCK_FILE)
    if not os.path.isfile(path):
        hint = "localrun env vendor writes it when all packages are there: collect them once more"
        raise BadInput(f"there is no {LOCK_FILE}", file=wanted.vendored, key="--vendored", hint=hint)
    return path if os.path.isabs(path) else os.path.join(".", path)


def _find_vendored(wanted: Wanted, plan: EnvironmentPlan) -> str:
    from localrun.formats.lock_names import is_locked

    if not wanted.vendored:
        return ""
    folder = os.path.abspath(wanted.vendored)
    if plan.conda and not is_locked(plan.conda):
        hint = "name the lock as well: --lock conda-lock.yml, or leave REF out to take the one in the folder"
        raise BadInput("the environment is not that of a lock", key="--vendored", hint=hint)
    return folder


def read_wanted(reference: str, wanted: Wanted, reading: Reading) -> RunSpec:
    """Give the run configuration of nothing but an environment.

    Raises:
        BadInput: the environment cannot be used, or not for what is wanted.
    """
    from localrun.cli.request import Flags, read_request
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


def push(plan: EnvironmentPlan, made: Artifact, report: Callable[[Progress], None]) -> str:
    """Send an image to the project's registry and give what it is called there.

    Raises:
        BadInput: no registry is named.
        ImageFailed: it did not get there; it is still in the engine.
    """
    from localrun.adapters.docker_publish import publish_image
    from localrun.adapters.image_facts import open_engine
    from localrun.cli.image import choose_registry, find_account
    from localrun.environments.settings import Progress

    def tell(stage: str, text: str, done: int = 0, total: int = 0, unit: str = "") -> None:
        report(Progress(stage=stage, text=text, done=done, total=total, unit=unit))

    assert plan.image is not None  # noqa: S101 - only images are pushed
    registry = choose_registry("")
    sent = publish_image(
        open_engine(os.environ),
        made.image,
        registry,
        name=plan.image.name,
        credentials=find_account(registry),
        report=tell,
    )
    return sent.reference
