"""`localrun environment build`: a conda environment or an image, made before anybody runs in it."""

from __future__ import annotations

import os

from localrun.cli.show import tell
from localrun.errors import BadInput
from localrun.values import replace
from localrun.workspace.home import open_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.cli.environment_request import Wanted
    from localrun.environments.settings import Progress
    from localrun.plan import Artifact, EnvironmentPlan


def build_environment(reference: str, wanted: Wanted) -> str:
    """Make the environment that a reference means, and give its prefix, or the name of the image.

    Without a reference it is that of the lock in the folder of collected packages.

    Raises:
        BadInput: an image is asked for and it is none.
        EnvironmentFailed: it cannot be made.
    """
    from localrun.adapters.files import Reading
    from localrun.adapters.host import probe_host
    from localrun.cli.environment_request import read_wanted
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
            lines, solution = foretell_rebuild(home, plan, facts, settings, report)
        for line in lines:
            tell(line)
        settings = replace(settings, solution=solution)
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


def push(plan: EnvironmentPlan, made: Artifact, report: Callable[[Progress], None]) -> str:
    """Send an image to the project's registry and give what it is called there.

    Raises:
        BadInput: no registry is named.
        ImageFailed: it did not get there; it is still in the engine.
    """
    from localrun.cli.image import choose_registry
    from localrun.environments.image_push import push_made

    assert plan.image is not None  # noqa: S101 - only images are pushed
    return push_made(plan.image, made, choose_registry(""), os.environ, report)
