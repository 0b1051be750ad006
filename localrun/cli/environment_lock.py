"""`localrun environment lock`: an environment's packages for one platform or several, written down."""

from __future__ import annotations

import os

from localrun.errors import BadInput
from localrun.values import replace, value
from localrun.workspace.home import open_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.environments.locking import Wanted
    from localrun.resolve.facts import HostFacts
    from localrun.spec import RunSpec


@value
class Locking:
    """What is to be locked, and how.

    Attributes:
        reference: The environment.
        platforms: Conda subdirectories; empty for this machine's.
        output: The lock file.
        as_of: The day whose packages count; empty for today.
        offline: From caches and local files only.
        quiet: Say nothing but errors.
    """

    reference: str
    platforms: tuple[str, ...]
    output: str
    as_of: str
    offline: bool
    quiet: bool


def lock_environment(given: Locking) -> str:
    """Write the lock file and give its name.

    Raises:
        BadInput: the environment has no packages to lock, or a platform is not known.
        EnvironmentFailed: it cannot be solved.
    """
    from localrun.adapters.files import Reading
    from localrun.adapters.host import SUBDIRECTORIES, probe_host
    from localrun.cli.flags import Flags
    from localrun.cli.progress import show_progress
    from localrun.cli.request import read_request
    from localrun.environments.locking import write_lock_file
    from localrun.environments.settings import BuildSettings

    for platform in given.platforms:
        if platform not in SUBDIRECTORIES.values():
            hint = f"name one of {', '.join(SUBDIRECTORIES.values())}"
            raise BadInput(f"the platform {platform} is not known", key="--platform", hint=hint)
    reading = Reading()
    flags = Flags(command="true", environment=given.reference, target="local", as_of=given.as_of)
    spec = read_request(flags, reading)
    asked = spec.environment.python if spec.environment else None
    if asked is None or (asked.lock_file and not asked.conda):
        what = "is a lock already" if asked is not None else "has no conda or pip packages to lock"
        raise BadInput(f"{given.reference} {what}", key="-E", hint="name a conda file or a registered environment")
    facts = probe_host(spec, os.environ, reading)
    wanted = [_plan(spec, facts, platform) for platform in dict.fromkeys(given.platforms or (facts.platform,))]
    path = os.path.abspath(given.output)
    with show_progress(quiet=given.quiet) as report:
        settings = BuildSettings(offline=given.offline)
        write_lock_file(wanted, path, home=open_home(os.environ), settings=settings, report=report)
    return given.output


def _plan(spec: RunSpec, facts: HostFacts, platform: str) -> Wanted:
    from localrun.environments.locking import Wanted
    from localrun.resolve import plan_environment

    environment = spec.environment
    assert environment is not None  # noqa: S101 - the caller has looked
    assert environment.python is not None  # noqa: S101 - the same
    facts = replace(facts, platform=platform)
    python = replace(environment.python, locks=(), lock_file="")
    plans = [
        plan_environment(replace(spec, environment=replace(environment, python=one)), facts, "local")
        for one in (python, replace(python, as_of=""))
    ]
    return Wanted(plan=plans[0], content_hash=plans[1].fingerprint)
