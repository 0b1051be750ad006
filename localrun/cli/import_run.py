"""`localrun import-run`: a run of Azure ML, as it was downloaded, made into one that runs here."""

from __future__ import annotations

import os

import click

from localrun.cli import show
from localrun.cli.arguments import FORMAT
from localrun.errors import BadInput, LocalrunError
from localrun.escaping import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.formats.remote_run import Imported

SNAPSHOTS = ("snapshot", "code", "Snapshot", "src", "artifacts/code")
"""Folders of a download that hold the source of the run."""
ENVIRONMENT = "azureml_environment.json"
DEPTH = 3


@click.command("import-run")
@click.option("-o", "--output", default="", metavar="DIR", help="Write there [the folder of the snapshot, or FOLDER].")
@FORMAT
@click.argument("folder")
def import_run(output: str, form: str, folder: str) -> None:
    """Make a run configuration that runs here of a run of Azure ML that was downloaded to FOLDER.

    FOLDER holds the run's details (v1: the JSON of `get_details()`; v2: the YAML of `az ml job show`), and, where they
    were downloaded, its snapshot in `snapshot/` or `code/`, and `azureml_environment.json`. As JSON: `files` (paths),
    `command` (what runs it) and `left` (what could not be carried over).
    """
    from localrun.formats.remote_run import import_details, import_job, is_details, is_job

    found = _list_files(folder)
    details = next((path for path in found if path.endswith(".json") and is_details(_read(path), file=path)), "")
    job = next((path for path in found if path.endswith((".yml", ".yaml")) and is_job(_read(path), file=path)), "")
    if not details and not job:
        hint = "save run.get_details() as details.json, or az ml job show -o yaml as job.yml, in that folder"
        raise BadInput("it holds neither the details of a v1 run nor a v2 job", file=folder, hint=hint)
    environment = next((path for path in found if os.path.basename(path) == ENVIRONMENT), "")
    data = _read(environment) if environment else None
    snapshot = next((place for name in SNAPSHOTS if os.path.isdir(place := os.path.join(folder, name))), "")
    target = output or snapshot or folder
    if details:
        made = import_details(_read(details), file=details, environment=data, read=_read)
    else:
        code = os.path.relpath(snapshot, target) if snapshot else ""
        made = import_job(_read(job), file=job, code=code and os.path.join(".", code), environment=data)
    paths = _write(made, target)
    source = f" --source {snapshot}" if details and snapshot and output else ""
    command = f"localrun run{source} {paths[0]}"
    left = [*made.left, *_check(paths[0], snapshot)]
    if form == "json":
        show.write(show.document({"files": paths, "command": command, "left": left}))
        return
    lines = [f"wrote {path}" for path in paths] + [f"not carried over: {line}" for line in left]
    show.write("".join(f"{escape(line)}\n" for line in [*lines, f"run it with: {command}"]))


def _list_files(folder: str) -> list[str]:
    """Give the files of a folder, those nearer to its top first; snapshots are not looked into."""
    if not os.path.isdir(folder):
        raise BadInput(f"there is no folder {folder}", hint="check its path")
    found = []
    level = [folder]
    for _ in range(DEPTH):
        deeper = []
        for place in level:
            with os.scandir(place) as items:
                for item in sorted(items, key=lambda one: one.name):
                    if item.is_dir(follow_symlinks=False):
                        deeper += [] if item.name in SNAPSHOTS else [item.path]
                    elif not item.name.startswith("imported."):
                        found.append(item.path)
        level = deeper
    return found


def _read(path: str) -> bytes:
    from localrun.adapters.files import read_regular

    try:
        return read_regular(path)[0]
    except OSError as error:
        message = error.strerror or str(error)
        raise BadInput(message, file=path, hint="check the path and its permissions") from None


def _write(made: Imported, target: str) -> list[str]:
    paths = []
    try:
        os.makedirs(target, exist_ok=True)
        for name, data in made.files:
            path = os.path.join(target, name)
            with open(path, "wb") as file:
                file.write(data)
            paths.append(path)
    except OSError as error:
        raise BadInput(error.strerror or str(error), file=error.filename, hint="name another folder with -o") from None
    return paths


def _check(path: str, snapshot: str) -> list[str]:
    """Give why what was made cannot run yet; nothing when it can."""
    from localrun.adapters.files import Reading
    from localrun.adapters.host import probe_host
    from localrun.cli.flags import Flags
    from localrun.cli.request import read_request
    from localrun.resolve import resolve

    reading = Reading()
    flags = Flags(source=path, source_directory=snapshot if path.endswith(".runconfig") else "")
    try:
        spec = read_request(flags, reading)
        resolve(spec, probe_host(spec, os.environ, reading))
    except LocalrunError as error:
        return [f"it does not run yet: {error.message}" + (f" ({error.hint})" if error.hint else "")]
    return []
