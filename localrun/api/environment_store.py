"""What an environment has to do with a workspace: registered there, found there, made there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from localrun.api.environment import Environment
from localrun.api.exceptions import UserErrorException
from localrun.api.notices import tell
from localrun.api.workspace import check_workspace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localrun.api.image_details import ImageBuildDetails
    from localrun.api.workspace import Workspace
    from localrun.environments.settings import Progress


def register(environment: Environment, workspace: Workspace) -> Environment:
    """Register an environment and give the registered one; see `Environment.register`."""
    from localrun import catalogue
    from localrun.formats.v1_environment import hide_secrets
    from localrun.workspace import registry

    home = check_workspace(workspace).home
    document, notes = hide_secrets(environment.to_document())
    catalogue.refuse_reserved(home, document, registering=True)
    if environment.version is not None:
        message = "Environment version is set. Attempting to register desired version. "
        tell([message + "To auto-version, reset version to None."])
    found = registry.register(home, environment.name, document, version=environment.version or "")
    tell(notes)
    return get(workspace, found.name, found.version, None)


def get(workspace: Workspace, name: str, version: str | int | None, label: str | None) -> Environment:
    """Give a registered or curated environment; see `Environment.get`."""
    from localrun import catalogue
    from localrun.workspace import registry

    if version is not None and label is not None:
        raise UserErrorException("Only one of version or label can be specified", hint="leave one of them out")
    if not isinstance(name, str):
        raise UserErrorException(f"expected the name of an environment, found {name!r}", hint="write it as text")
    home, wanted = check_workspace(workspace).home, "" if version is None else str(version)
    found = registry.get(home, name, version=wanted, label=label or "")
    if found:
        return Environment.from_document(found[1])
    if catalogue.versions(home, name) and label in {None, registry.LATEST}:
        return Environment.from_document(catalogue.get(home, name, wanted))
    raise registry.not_found(home, name, wanted)


def list_all(workspace: Workspace) -> dict[str, Environment]:
    """Give the latest version of every environment by name, the registered ones first."""
    from localrun import catalogue
    from localrun.workspace import registry

    home = check_workspace(workspace).home
    documents = registry.documents(home)
    curated = [name for name in catalogue.names(home) if name not in documents]
    documents |= {name: catalogue.get(home, name) for name in curated}
    return {name: Environment.from_document(document) for name, document in documents.items()}


def label(workspace: Workspace, name: str, version: str | int, labels: Iterable[str]) -> None:
    """Put labels on a version; see `Environment.label`."""
    from localrun.workspace import registry

    registry.set_labels(workspace.home, name, str(version), [labels] if isinstance(labels, str) else labels)


def keep_wheel(workspace: Workspace, file_path: str | os.PathLike[str], *, exist_ok: bool) -> str:
    """Keep a wheel in a workspace and give its address; see `Environment.add_private_pip_wheel`."""
    from localrun.workspace import wheels

    return wheels.keep_wheel(workspace.home, os.fspath(file_path), exist_ok=exist_ok)


def make(environment: Environment, workspace: Workspace, *, offline: bool = False) -> str:
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
    from localrun.environments.settings import BuildSettings
    from localrun.resolve import plan_environment
    from localrun.spec import RunSpec

    catalogue.refuse_reserved(workspace.home, environment.to_document(), registering=False)
    spec = RunSpec(environment=environment.to_spec())
    if spec.environment is None or spec.environment.python is None:
        message = f"environment {environment.name} has no packages to install"
        raise UserErrorException(message, hint="it uses its own interpreter or image; nothing has to be made")
    plan = plan_environment(spec, probe_host(spec, os.environ, Reading()))
    made = materialize(plan, home=workspace.home, settings=BuildSettings(offline=offline), report=_Teller().take)
    return made.prefix


class _Teller:
    """Prints each step once."""

    def __init__(self) -> None:
        self.last = ""

    def take(self, progress: Progress) -> None:
        from localrun.workspace.home import tell as say

        if progress.text != self.last:
            self.last = progress.text
            say(progress.text)


def make_image(environment: Environment, workspace: Workspace, *, push: bool = False) -> str:
    """Make the image of an environment, or find it made, and give its name; see `Environment.build_local`."""
    from localrun import catalogue
    from localrun.api import image_details

    catalogue.refuse_reserved(workspace.home, environment.to_document(), registering=False)
    plan, _ = image_details.make_image(environment, workspace, _Teller().take, push=push)
    return plan.image.name if plan.image else ""


def build(environment: Environment, workspace: Workspace) -> ImageBuildDetails:
    """Make the image of an environment; see `Environment.build`."""
    from localrun import catalogue
    from localrun.api import image_details
    from localrun.environments.image_places import find_image_places

    catalogue.refuse_reserved(workspace.home, environment.to_document(), registering=False)
    plan, _ = image_details.make_image(environment, workspace, _Teller().take)
    name = plan.image.name if plan.image else ""
    return image_details.ImageBuildDetails(name, find_image_places(workspace.home, plan).log)
