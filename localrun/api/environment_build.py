"""The environments of this machine: made here as a conda environment or an image, and what is known of the image."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from localrun.api.exceptions import UserErrorException
from localrun.api.image_details import DockerImageDetails, ImageBuildDetails

if TYPE_CHECKING:
    from localrun.adapters.docker_credentials import Credentials
    from localrun.api.environment import Environment
    from localrun.api.sections import DockerSection
    from localrun.plan import EnvironmentPlan


def make_prefix(environment: Environment, home: str) -> str:
    """Make the local conda environment of an environment, or find it made, and give its prefix.

    Raises:
        BadInput: its name is reserved for curated environments, and it is none of them unchanged.
        UserErrorException: it is user-managed or an image: there is nothing to make.
        EnvironmentFailed: it cannot be made.
    """
    from localrun import catalogue
    from localrun.adapters.files import Reading
    from localrun.adapters.host import probe_host
    from localrun.environments import materialize
    from localrun.environments.settings import BuildSettings, say_once
    from localrun.resolve import plan_environment
    from localrun.spec import RunSpec
    from localrun.workspace.home import tell

    catalogue.refuse_reserved(home, environment.to_document(), registering=False)
    spec = RunSpec(environment=environment.to_spec())
    if spec.environment is None or spec.environment.python is None:
        message = f"environment {environment.name} has no packages to install"
        raise UserErrorException(message, hint="it uses its own interpreter or image; nothing has to be made")
    plan = plan_environment(spec, probe_host(spec, os.environ, Reading()))
    return materialize(plan, home=home, settings=BuildSettings(), report=say_once(tell)).prefix


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


def make_image(environment: Environment, home: str, *, push: bool = False) -> ImageBuildDetails:
    """Make the image of an environment, or find it made.

    Raises:
        BadInput: its name is reserved for curated environments, and it is none of them unchanged.
        UserErrorException: it is to be pushed, and no registry is named.
        LocalrunError: it cannot be made, or not be pushed.
    """
    from localrun import catalogue
    from localrun.environments import materialize, settle
    from localrun.environments.image_places import find_image_places
    from localrun.environments.image_push import push_made
    from localrun.environments.settings import BuildSettings, say_once
    from localrun.workspace.home import tell

    catalogue.refuse_reserved(home, environment.to_document(), registering=False)
    address = find_registry() if push else ""
    if push and not address:
        hint = 'set LOCALRUN_REGISTRY, or write registry = "HOST:PORT" below [tool.localrun] in pyproject.toml'
        raise UserErrorException("no registry is named to push the image to", hint=hint)
    report = say_once(tell)
    settings = BuildSettings(account=find_account(environment.docker))
    plan = settle(plan_image(environment), settings=settings, report=report)
    made = materialize(plan, home=home, settings=settings, report=report)
    if push and plan.image is not None:
        push_made(plan.image, made, address, os.environ, report)
    return ImageBuildDetails(plan.image.name if plan.image else "", find_image_places(home, plan).log)


def find_account(docker: DockerSection | None) -> Credentials | None:
    """Give who we are to the base image's registry when its password is at hand; it is never written anywhere."""
    from localrun.adapters.docker_credentials import Credentials
    from localrun.formats.v1_sections import find_reference

    registry = docker.base_image_registry if docker else None
    if registry is None or not registry.username or not registry.password or find_reference(registry.password):
        return None
    return Credentials(username=registry.username, password=registry.password)


def find_registry() -> str:
    """Give the registry of the project; empty when it has none."""
    from localrun.adapters.tool_settings import read_tool_settings

    return read_tool_settings(os.getcwd(), os.environ).registry


def describe_image(environment: Environment, home: str) -> DockerImageDetails:
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
    found = find(plan, home=home)
    engine = open_engine(os.environ)
    try:
        facts = find_image(engine, found.image) if found else None
    finally:
        engine.close()
    places = find_image_places(home, plan)
    return DockerImageDetails({
        "imageExistsInRegistry": bool(found and found.image_digest),
        "imageExistsLocally": found is not None,
        "dockerImage": {
            "name": image.name,
            "id": found.image if found else "",
            "digest": found.image_digest if found else "",
            "sizeBytes": facts.size_bytes if facts else 0,
            "registry": _describe_registry(environment.docker),
        },
        "pythonEnvironment": {
            "interpreterPath": (found.python if found else "") or plan.interpreter or _expect(image.prefix),
            "condaEnvironmentPath": image.prefix,
        },
        "ingredients": {
            "baseImage": image.base,
            "baseImageId": image.base_id,
            "dockerfile": image.dockerfile,
            "lock": _find_file(places.versions if plan.name else ""),
            "condaLock": _find_file(places.conda_lock if plan.name else ""),
            "log": _find_file(places.log),
        },
    })  # fmt: skip


def _find_file(path: str) -> str:
    """Give the path of a file that is there; else nothing."""
    return path if os.path.exists(path) else ""


def _expect(prefix: str) -> str:
    return f"{prefix}/bin/python" if prefix else "python"


def _describe_registry(docker: DockerSection | None) -> dict[str, Any] | None:
    """Give the project's registry, with the account of the environment's own where that is the same."""
    address = find_registry()
    if not address:
        return None
    registry = docker.base_image_registry if docker else None
    own = registry if registry is not None and registry.address == address else None
    return {"address": address, "username": own and own.username, "password": own and own.password}
