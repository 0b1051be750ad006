"""The folder of the workspace that a method is given."""

from __future__ import annotations

from typing import Any

from localrun.api.exceptions import UserErrorException


def home_of(workspace: Any) -> str:
    """Give the absolute path of a workspace's folder.

    Raises:
        UserErrorException: it is no workspace.
    """
    home = getattr(workspace, "home", None)
    if not isinstance(home, str):
        message = f"expected a Workspace, found {type(workspace).__name__}"
        raise UserErrorException(message, hint="give Workspace.from_config()")
    return home
