"""The image of an environment, as `Environment.build` makes it and `Environment.get_image_details` tells of it."""

from __future__ import annotations

import copy
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.adapters.docker_credentials import Credentials
    from localrun.api.environment import Environment
    from localrun.api.workspace import Workspace
    from localrun.environments.settings import Progress
    from localrun.plan import Artifact, EnvironmentPlan


class DockerImageDetails(dict[str, Any]):
    """What there is to know of the image of an environment: a dict, and properties for what is asked for most.

    Its text form shows no secret, and other than the original's it leaves the values as they are.
    """

    @property
    def image_exist(self) -> bool:
        """Whether the image is there, in the engine or in the registry."""
        return bool(self["imageExistsInRegistry"] or self["imageExistsLocally"])

    @property
    def repository(self) -> str:
        """Its name without a registry; empty when it is not known yet."""
        return str(self["dockerImage"]["name"])

    @property
    def registry(self) -> dict[str, Any] | None:
        """The registry of the project; None when there is none."""
        return self["dockerImage"]["registry"] or None

    @property
    def image(self) -> str:
        """Its name with the registry, where there is one."""
        return f"{self.registry['address']}/{self.repository}" if self.registry else self.repository

    @property
    def interpreter_path(self) -> str:
        """The interpreter in it."""
        return str(self["pythonEnvironment"]["interpreterPath"])

    @property
    def environment_path(self) -> str | None:
        """The conda environment in it; None without one."""
        return self["pythonEnvironment"]["condaEnvironmentPath"] or None

    @property
    def dockerfile(self) -> str | None:
        """The Dockerfile that it starts from; None without one."""
        return (self["ingredients"] or {}).get("dockerfile") or None

    def __repr__(self) -> str:
        """Show it with `***` in place of secrets."""
        shown = copy.deepcopy(dict(self))
        registry = shown["dockerImage"]["registry"]
        if registry:
            registry |= {key: "***" for key in ("password",) if registry.get(key)}
            if registry.get("username"):
                registry["username"] = f"{registry['username'][:3]}***"
        return repr(shown)

    __str__ = __repr__


class ImageBuildDetails:
    """A build of an image, which has ended when this is given.

    Attributes:
        status: `Succeeded`.
        image: The name of the image.
    """

    def __init__(self, image: str, log: str) -> None:
        self.status = "Succeeded"
        self.image = image
        self._log = log

    def get_log(self) -> str:
        """Give the log of the build that made the image; empty when it was found."""
        try:
            with open(self._log, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def wait_for_completion(self, show_output: bool = True) -> None:  # noqa: FBT001, FBT002 - the original's signature
        """Return at once, having printed the status and the log."""
        if show_output:
            from localrun.workspace.home import tell

            tell(f"Image Build Status: {self.status}")


def plan_image(environment: Environment) -> EnvironmentPlan:
    """Give the plan of an environment's image.

    Raises:
        BadInput: it has neither an image nor a Dockerfile.
        EngineUnavailable: no engine answers.
    """
    from localrun.adapters.files import Reading
    from localrun.adapters.host import probe_host
    from localrun.resolve import plan_environment
    from localrun.spec import RunSpec

    spec = RunSpec(environment=environment.to_spec(), target="docker")
    return plan_environment(spec, probe_host(spec, os.environ, Reading()), "docker")


def make_image(
    environment: Environment, workspace: Workspace, report: Callable[[Progress], None], *, push: bool = False
) -> tuple[EnvironmentPlan, Artifact]:
    """Make the image of an environment, or find it made; give its plan and what can be run in.

    Raises:
        LocalrunError: it cannot be made, or not be pushed.
    """
    from localrun.environments import materialize, settle
    from localrun.environments.settings import BuildSettings

    settings = BuildSettings(account=find_account(environment))
    plan = settle(plan_image(environment), settings=settings, report=report)
    made = materialize(plan, home=workspace.home, settings=settings, report=report)
    if push:
        _push(plan, made, report)
    return plan, made


def find_account(environment: Environment) -> Credentials | None:
    """Give who we are to the base image's registry when its password is at hand; it is never written anywhere."""
    from localrun.adapters.docker_credentials import Credentials
    from localrun.formats.v1_sections import find_reference

    registry = environment.docker.base_image_registry if environment.docker else None
    password = getattr(registry, "password", None)
    username = getattr(registry, "username", None)
    if not username or not password or find_reference(password):
        return None
    return Credentials(username=username, password=password)


def _push(plan: EnvironmentPlan, made: Artifact, report: Callable[[Progress], None]) -> None:
    from localrun.adapters.docker_credentials import find_credentials
    from localrun.adapters.docker_names import place_in, split_name
    from localrun.adapters.docker_publish import publish_image
    from localrun.adapters.image_facts import open_engine
    from localrun.api.exceptions import UserErrorException
    from localrun.environments.settings import Progress

    address = find_registry()
    if not address or plan.image is None:
        hint = 'set LOCALRUN_REGISTRY, or write registry = "HOST:PORT" below [tool.localrun] in pyproject.toml'
        raise UserErrorException("no registry is named to push the image to", hint=hint)

    def tell(stage: str, text: str, done: int = 0, total: int = 0, unit: str = "") -> None:
        report(Progress(stage=stage, text=text, done=done, total=total, unit=unit))

    host = split_name(place_in(address, "any")).registry
    account = find_credentials(host, os.environ, os.path.expanduser("~"))
    engine = open_engine(os.environ)
    try:
        publish_image(engine, made.image, address, name=plan.image.name, credentials=account, report=tell)
    finally:
        engine.close()


def find_registry() -> str:
    """Give the registry of the project; empty when it has none."""
    from localrun.adapters.tool_settings import read_tool_settings

    return read_tool_settings(os.getcwd(), os.environ).registry


def describe_image(environment: Environment, workspace: Workspace) -> DockerImageDetails:
    """Tell what there is to know of an environment's image, without making it.

    Raises:
        BadInput: it has neither an image nor a Dockerfile.
        EngineUnavailable: no engine answers.
    """
    from localrun.adapters.containers import find_image
    from localrun.adapters.image_facts import open_engine
    from localrun.environments import find
    from localrun.environments.image_places import find_image_places

    plan = plan_image(environment)
    image = plan.image
    assert image is not None  # noqa: S101 - plans of this kind have one
    found = find(plan, home=workspace.home)
    engine = open_engine(os.environ)
    try:
        facts = find_image(engine, found.image) if found else None
    finally:
        engine.close()
    places = find_image_places(workspace.home, plan)
    return DockerImageDetails({
        "imageExistsInRegistry": bool(found and found.image_digest),
        "imageExistsLocally": found is not None,
        "dockerImage": {
            "name": image.name,
            "id": found.image if found else "",
            "digest": found.image_digest if found else "",
            "sizeBytes": facts.size_bytes if facts else 0,
            "registry": _describe_registry(environment),
        },
        "pythonEnvironment": {
            "interpreterPath": (found.python if found else "") or plan.interpreter or _expect(image.prefix),
            "condaEnvironmentPath": image.prefix,
        },
        "ingredients": {
            "baseImage": image.base,
            "baseImageId": image.base_id,
            "dockerfile": image.dockerfile,
            "lock": places.versions if plan.name and os.path.exists(places.versions) else "",
            "condaLock": places.conda_lock if plan.name and os.path.exists(places.conda_lock) else "",
            "log": places.log if os.path.exists(places.log) else "",
        },
    })  # fmt: skip


def _expect(prefix: str) -> str:
    return f"{prefix}/bin/python" if prefix else "python"


def _describe_registry(environment: Environment) -> dict[str, Any] | None:
    address = find_registry()
    if not address:
        return None
    registry = environment.docker.base_image_registry if environment.docker else None
    same = getattr(registry, "address", None) == address
    return {
        "address": address,
        "username": getattr(registry, "username", None) if same else None,
        "password": getattr(registry, "password", None) if same else None,
    }
