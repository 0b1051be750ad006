"""The local workspace, with the names of the cloud's."""

from __future__ import annotations

import os
from typing import Any

from localrun.api.environment import Environment
from localrun.api.exceptions import UserErrorException
from localrun.api.experiment import Experiment
from localrun.api.keyvault import Keyvault
from localrun.api.run import Run

CONFIG_PLACES = (".azureml", "aml_config", "")
CONFIG_NAME = "config.json"
LOCAL = "local"
"""The name of a workspace that no config.json names."""


class Workspace:
    """A folder on this machine that holds environments, runs and wheels. No cloud and no account is behind it.

    Whatever it is called, it is the folder that `LOCALRUN_HOME` names, else the one in the user's data folder: the
    same that the command line uses. The constructor's arguments are the original's; all but the name are kept and
    not used.

    Attributes:
        name: The workspace's name.
        home: The absolute path of its folder.
        subscription_id: As given, or empty.
        resource_group: As given, or empty.
        location: Always `local`.
    """

    __slots__ = ("home", "location", "name", "resource_group", "subscription_id")

    def __init__(
        self, subscription_id: str = "", resource_group: str = "", workspace_name: str = LOCAL, **_: object
    ) -> None:
        from localrun.workspace.home import open_home

        self.name = workspace_name
        self.home = open_home(os.environ)
        self.subscription_id = subscription_id
        self.resource_group = resource_group
        self.location = "local"

    @staticmethod
    def from_config(
        path: str | None = None, auth: object = None, _logger: object = None, _file_name: str | None = None
    ) -> Workspace:
        """Give the local workspace, under the name that config.json gives it.

        The file is looked for as the original does: in `.azureml`, `aml_config` and the folder itself, from the
        working directory upwards. Other than there, none is needed.

        Args:
            path: The file, or the folder to begin in; None: the working directory.
            auth: Not used.
            _logger: Not used.
            _file_name: Another name for config.json.

        Raises:
            UserErrorException: there is no file where `path` says, or it cannot be read.
        """
        del auth, _logger
        found = _find_config(os.path.abspath(path or os.curdir), _file_name or CONFIG_NAME)
        if not found:
            if path is not None:
                message = f"We could not find {_file_name or CONFIG_NAME} in: {path} or in its parent directories."
                raise UserErrorException(message, hint="leave the path out: a local workspace needs no file")
            return Workspace()
        facts = _read_config(found)
        return Workspace(
            str(facts.get("subscription_id") or ""),
            str(facts.get("resource_group") or ""),
            str(facts.get("workspace_name") or LOCAL),
        )

    @staticmethod
    def get(name: str, *_: object, **__: object) -> Workspace:
        """Give the local workspace under a name; subscription, group and authentication are not used."""
        return Workspace(workspace_name=name)

    @staticmethod
    def create(name: str, *_: object, **__: object) -> Workspace:
        """Give the local workspace under a name; it is made when it is not there."""
        return Workspace(workspace_name=name)

    def write_config(self, path: str | None = None, file_name: str | None = None) -> None:
        """Write config.json into `path`'s folder `.azureml`, for `from_config`.

        Raises:
            UserErrorException: it cannot be written.
        """
        import json

        place = os.path.join(path or os.curdir, ".azureml", file_name or CONFIG_NAME)
        facts = {
            "subscription_id": self.subscription_id,
            "resource_group": self.resource_group,
            "workspace_name": self.name,
        }
        try:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "w", encoding="utf-8") as file:
                file.write(json.dumps(facts, indent=4))
        except OSError as error:
            raise UserErrorException(f"{place} cannot be written: {error.strerror}") from None

    @property
    def environments(self) -> dict[str, Environment]:
        """The latest version of each registered and curated environment, by name; a new dict each time."""
        return Environment.list(self)

    def get_default_keyvault(self) -> Keyvault:
        """Give the secrets of this workspace."""
        return Keyvault(self)

    @property
    def experiments(self) -> dict[str, Experiment]:
        """The experiments that have runs here, by name."""
        from localrun.workspace import records

        return {row[3]: Experiment(self, row[3]) for row in sorted(records.rows(self.home), key=lambda row: row[3])}

    def get_run(self, run_id: str) -> Run:
        """Give a run by its id.

        Raises:
            RunNotFound: there is none.
        """
        from localrun.workspace import records, submitted

        details = submitted.read_details(self.home, run_id)
        name = details.get("experiment") or records.read(self.home, run_id).get("experiment") or LOCAL
        return Run(Experiment(self, name), run_id)

    def get_details(self) -> dict[str, Any]:
        """Give what there is to know of the workspace."""
        return {"id": self.home, "name": self.name, "location": self.location, "type": "localrun"}

    def __repr__(self) -> str:
        return f"Workspace.create(name={self.name!r}, home={self.home!r})"


def _find_config(start: str, name: str) -> str:
    if os.path.isfile(start):
        return start
    folder = start
    while True:
        for place in CONFIG_PLACES:
            path = os.path.join(folder, place, name)
            if os.path.isfile(path) and (place or name != CONFIG_NAME or folder == start):
                return path
        above = os.path.dirname(folder)
        if above == folder:
            return ""
        folder = above


def _read_config(path: str) -> dict[str, Any]:
    import json

    try:
        with open(path, "rb") as file:
            found = json.loads(file.read(1 << 20).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserErrorException(f"{path} cannot be read: {error}", hint="it is a JSON object of names") from None
    if not isinstance(found, dict):
        raise UserErrorException(f"{path} is no JSON object", hint='write {"workspace_name": "NAME"}')
    return found
