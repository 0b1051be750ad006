"""What `Environment.build` and `Environment.get_image_details` give: what is known of the image of an environment."""

from __future__ import annotations

import copy
from typing import Any


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

    def wait_for_completion(self, show_output: bool = True) -> None:
        """Return at once, having printed the status."""
        if show_output:
            from localrun.workspace.home import tell

            tell(f"Image Build Status: {self.status}")
