"""Where a run happens when nobody says: in containers, or on this machine itself."""

from __future__ import annotations

import re

from localrun.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.spec import EnvironmentSpec, RunSpec

TARGETS = ("local", "docker")
STANDARD_IMAGE = re.compile(r"mcr\.microsoft\.com/azureml/(openmpi|intelmpi|base)[^/]*")
"""Base images of Azure ML: azureml-core gives one to every new environment, so it says nothing about what is wanted."""
ARGUMENTS, SHM_SIZE = "resources.docker_args", "resources.shm_size"
"""The keys of a v2 job that containers alone obey."""


def choose_target(spec: RunSpec) -> str:
    """Give the target: the one that was asked for, else `docker` for an environment that only an image can be.

    Such an environment has an image or a Dockerfile, and nothing else to run in: no Python packages to install, and no
    interpreter beside one of Azure ML's own base images.

    Raises:
        BadInput: what was asked for is no target.
    """
    if spec.target:
        if spec.target not in TARGETS:
            raise BadInput(f"there is no target {spec.target!r}", key="target", hint="use local or docker")
        return spec.target
    return "docker" if spec.environment is not None and _is_image(spec.environment) else "local"


def _is_image(asked: EnvironmentSpec) -> bool:
    if asked.python is not None:
        return False
    standard = asked.build is None and STANDARD_IMAGE.fullmatch(asked.image) is not None
    return bool(asked.image or asked.build) and not (asked.interpreter and standard)


def note_image(spec: RunSpec) -> tuple[str, ...]:
    """Give a line that tells of the image or Dockerfile of an environment that the local target does without."""
    asked = spec.environment
    if asked is None or not (asked.image or asked.build) or (asked.interpreter and STANDARD_IMAGE.match(asked.image)):
        return ()
    what = f"the image {asked.image}" if asked.image else "the Dockerfile of the environment"
    return (f"{what} is not used on the local target; -t docker uses it",)


def without_container(spec: RunSpec) -> RunSpec:
    """Give a run configuration for the local target back after a look at its flags.

    Raises:
        BadInput: a flag was given that only containers can obey.
    """
    if spec.container.flags:
        flag = spec.container.flags[0]
        message = "this flag is for containers, and the target is local"
        raise BadInput(message, key=flag, hint="add --target docker, or leave the flag out")
    return spec


def name_hosts(spec: RunSpec) -> tuple[str, ...]:
    """Give the name of each node for the others; none where all of them share one network."""
    apart = spec.target == "docker" and spec.nodes > 1 and spec.container.network != "host"
    return tuple(f"node-{node}" for node in range(spec.nodes)) if apart else ()


def note_unused(spec: RunSpec) -> tuple[str, ...]:
    """Give a line for what a file says about containers when the run has none."""
    asked = spec.container
    said = [key for key, given in ((ARGUMENTS, asked.arguments or asked.variables or asked.inherited),) if given]
    names = dict(spec.key_names)
    if asked.shm_size:
        said.append(SHM_SIZE)
    if not said:
        return ()
    return (f"ignored without -t docker: {', '.join(names.get(key, key) for key in said)}",)
