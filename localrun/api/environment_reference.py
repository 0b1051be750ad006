"""An environment that is only named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localrun.api.fields import Section

if TYPE_CHECKING:
    from localrun.api.environment import Environment
    from localrun.api.workspace import Workspace


class EnvironmentReference(Section):
    """The name of an environment that a workspace knows, and its version; None: the latest."""

    KEYS = {"name": "name", "version": "version"}  # noqa: RUF012 - declared as a class variable

    name: str
    version: str | None

    def __init__(self, name: str, version: str | None = None) -> None:
        super().__init__()
        self.name = name
        self.version = version

    def get_environment(self, workspace: Workspace) -> Environment:
        """Give the environment itself.

        Raises:
            EnvironmentNotFound: the workspace knows none of that name and version.
        """
        from localrun.api import environment_store

        return environment_store.get(workspace, self.name, self.version, None)
