"""A run: how it goes on, what it printed, what it left."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from localrun.api import run_output, submission
from localrun.api.environment import Environment
from localrun.api.exceptions import ActivityFailedException, UserErrorException
from localrun.errors import RunNotFound
from localrun.formats.nodes import nearest
from localrun.workspace import submitted
from localrun.workspace.home import folder_of

if TYPE_CHECKING:
    from localrun.api.experiment import Experiment

STATUSES = {"running": "Running", "completed": "Completed", "failed": "Failed", "canceled": "Canceled"}
"""The words of Azure ML for the statuses of records; what is not here (`lost`, `missing`) is `Failed`."""
ENDED = ("Completed", "Failed", "Canceled")
COLLECTED = ("outputs", "logs", "user_logs")
"""The folders of a run whose files it has; everything else is localrun's own."""
UPLOADED = os.path.join("journal", "files")
"""The folder of what its script has uploaded, by name."""


class Run:
    """A run of this workspace, whoever started it: `Experiment.submit`, or `localrun run`.

    Attributes:
        experiment: Its experiment.
        id: Its id.
    """

    __slots__ = ("experiment", "id")

    def __init__(self, experiment: Experiment, run_id: str, **_: object) -> None:
        self.experiment = experiment
        self.id = run_id

    @property
    def _home(self) -> str:
        return self.experiment.workspace.home

    def _read(self) -> dict[str, Any] | None:
        """Give the record; None while there is none."""
        from localrun.workspace.recover import read_settled

        try:
            return read_settled(self._home, self.id, _pass_over)
        except RunNotFound:
            return None

    def get_status(self) -> str:
        """Give the status: `Preparing` (its environment is made), `Running`, `Completed`, `Failed` or `Canceled`.

        Raises:
            RunNotFound: there is no such run.
        """
        working = run_output.is_live(self._home, self.id)
        record = self._read()  # in this order: its record is there before nobody works on it any more
        if record is not None:
            return STATUSES.get(record["status"], "Failed")
        if working:
            return "Preparing"
        if submitted.read_details(self._home, self.id):
            return "Failed"  # it was killed before it could leave a record
        raise RunNotFound(f"there is no run {self.id}", hint="localrun ps -a lists the runs.")

    @property
    def status(self) -> str:
        """The status, asked for now."""
        return self.get_status()

    @property
    def tags(self) -> dict[str, str]:
        """The tags of the run."""
        return dict((self._read() or {}).get("tags") or {})

    def get_tags(self) -> dict[str, str]:
        """Give the tags of the run."""
        return self.tags

    @property
    def properties(self) -> dict[str, str]:
        """The properties that the script has added."""
        return dict((self._read() or {}).get("properties") or {})

    def get_properties(self) -> dict[str, str]:
        """Give the properties that the script has added."""
        return self.properties

    def get_metrics(self, name: str | None = None, *_: object, **__: object) -> dict[str, Any]:
        """Give what the script has logged so far, through its `Run` or through MLflow.

        Args:
            name: Only this metric; None: all of them.

        Returns:
            By name the value of a metric that was logged once, and the list of values of one that was logged more
            often. A row `r` with `x=1` is the metric `r.x`; other than the original's, tables are not among them.
        """
        from localrun.workspace.metrics import read_series

        series = read_series(self._path(""), self.id)
        return {
            key: points[0][2] if len(points) == 1 else [point[2] for point in points]
            for key, points in series.items()
            if name is None or key == name
        }

    @property
    def display_name(self) -> str:
        """The name it was given for people; its id when it was given none."""
        return str((self._read() or {}).get("display_name") or self.id)

    def get_details(self) -> dict[str, Any]:
        """Give what is known of the run, by the names of Azure ML; `record` is localrun's own record of it.

        Raises:
            RunNotFound: there is no such run.
        """
        status = self.get_status()
        record = self._read() or {}
        details = {
            "runId": self.id,
            "target": record.get("target", "local"),
            "status": status,
            "startTimeUtc": record.get("started_at"),
            "endTimeUtc": record.get("ended_at"),
            "properties": {},
            "inputDatasets": [],
            "outputDatasets": [],
            "runDefinition": submitted.read_details(self._home, self.id).get("definition"),
            "logFiles": {name: self._path(name) for name in self.get_file_names() if name.startswith("user_logs/")},
            "record": record,
        }
        return details | ({"error": self._describe_error(record)} if status == "Failed" else {})

    def _describe_error(self, record: dict[str, Any]) -> dict[str, Any]:
        kind = record.get("kind") or ("UserError" if record.get("origin") == "script" else "lost")
        said = "; ".join(record.get("notes") or ()) if record.get("origin") == "localrun" else ""
        if not said and record.get("exit_code") is not None:
            said = f"the script ended with exit code {record['exit_code']}"
        return {"error": {"code": kind, "message": said or "the run did not start, or its supervisor was killed"}}

    def get_environment(self) -> Environment:
        """Give the environment that the run was submitted with.

        Raises:
            UserErrorException: the run was not submitted with one.
            EnvironmentNotFound: it is not registered any more.
        """
        named = submitted.read_details(self._home, self.id).get("environment") or self._find_environment()
        if not named:
            message = f"run {self.id} was not submitted with an environment of a workspace"
            raise UserErrorException(message, hint="localrun inspect shows what it ran in")
        return Environment.get(self.experiment.workspace, named["name"], version=named["version"] or None)

    def _find_environment(self) -> dict[str, str] | None:
        """Give name and version of the environment that the record names, of a run that a command has started."""
        environment = ((self._read() or {}).get("plan") or {}).get("environment") or {}
        name, colon, version = environment.get("registered", "").rpartition(":")
        return {"name": name, "version": version} if colon else None

    def wait_for_completion(
        self,
        show_output: bool = False,
        wait_post_processing: bool = False,
        raise_on_error: bool = True,
    ) -> dict[str, Any]:
        """Wait until the run has ended and give `get_details`.

        Args:
            show_output: Print what the run prints, while it does.
            wait_post_processing: Not used: there is none.
            raise_on_error: Raise for a run that failed.

        Raises:
            ActivityFailedException: the run failed.
            RunNotFound: there is no such run.
        """
        del wait_post_processing
        self.get_status()
        if show_output:
            run_output.show(self._home, self.id)
        run_output.wait(self._home, self.id)
        details = self.get_details()
        if show_output:
            run_output.show_summary(self.id, details["status"])
        if raise_on_error and details["status"] == "Failed":
            message = f"run {self.id} failed: {details['error']['error']['message']}"
            raise ActivityFailedException(message, hint=f"localrun logs {self.id} shows what it printed")
        return details

    def cancel(self) -> None:
        """End the run; one that has ended is left as it is.

        Raises:
            LocalrunError: it cannot be ended.
        """
        from localrun.workspace import active, control

        while self.get_status() not in ENDED:
            if active.is_live(self._home, self.id):
                control.stop(self._home, self.id, control.find_ladder_s(self._home, self.id), _pass_over)
            else:
                submission.cancel(self._home, self.id)
            run_output.wait(self._home, self.id, most_s=run_output.POLL_S)

    def get_file_names(self) -> list[str]:
        """Give the files that the run has left so far, such as `outputs/model.pkl`, in alphabetical order."""
        folder = self._path("")
        found = []
        for top in COLLECTED:
            for path, folders, files in os.walk(os.path.join(folder, top)):
                folders.sort()
                found += [os.path.relpath(os.path.join(path, file), folder) for file in files]
        uploaded = os.path.join(folder, UPLOADED)
        for path, _, files in os.walk(uploaded):
            found += [os.path.relpath(os.path.join(path, file), uploaded) for file in files]
        return sorted(set(found))

    def _path(self, name: str) -> str:
        folder = folder_of(self._home, self.id)
        uploaded = os.path.join(folder, UPLOADED, name)
        return uploaded if name and os.path.isfile(uploaded) else os.path.join(folder, name)

    def download_file(self, name: str, output_file_path: str | None = None, **_: object) -> None:
        """Copy a file of the run.

        Args:
            name: As `get_file_names` has it.
            output_file_path: The copy, or the folder that gets it; None: the working directory.

        Raises:
            UserErrorException: the run has no such file, or it cannot be written there.
        """
        import shutil

        if name not in self.get_file_names():
            near = nearest(name, self.get_file_names())
            hint = f"did you mean {near}?" if near else "get_file_names() lists its files"
            raise UserErrorException(f"File with path {name} was not found in run {self.id}", hint=hint)
        place = output_file_path or os.path.basename(name)
        if os.path.isdir(place) or place.endswith("/"):
            place = os.path.join(place, os.path.basename(name))
        try:
            os.makedirs(os.path.dirname(os.path.abspath(place)), exist_ok=True)
            shutil.copyfile(self._path(name), place)
        except OSError as error:
            raise UserErrorException(f"{place} cannot be written: {error.strerror}", hint="name another") from None

    def download_files(self, prefix: str = "", output_directory: str | None = None, **_: object) -> None:
        """Copy the files of the run whose names begin with a prefix, with their folders.

        Raises:
            UserErrorException: one cannot be written.
        """
        for name in self.get_file_names():
            if name.startswith(prefix or ""):
                self.download_file(name, os.path.join(output_directory or os.curdir, name))

    def __repr__(self) -> str:
        return f"Run(Experiment: {self.experiment.name},\nId: {self.id},\nStatus: {self.get_status()})"


def _pass_over(_: str) -> None:
    """Say nothing: whoever asks for a run is told by what is returned."""
