"""The folder of files that an environment is saved as."""

from __future__ import annotations

from typing import Any

from localrun.adapters.folders import read_folder, write_folder
from localrun.api.notices import tell
from localrun.formats.v1_environment import FILES, hide_secrets, read_environment_files, write_environment_files


def write_environment(document: dict[str, Any], folder: str, *, overwrite: bool) -> None:
    """Write the document of an environment; see `Environment.save_to_directory`."""
    files = write_environment_files(document)
    read_environment_files(files, where=folder)  # what could not be read again is not written
    write_folder(folder, files, owned=FILES, overwrite=overwrite)
    tell(hide_secrets(document)[1])


def read_environment(folder: str) -> dict[str, Any]:
    """Read the document of an environment, and tell its warnings; see `Environment.load_from_directory`."""
    document, warnings = read_environment_files(read_folder(folder, FILES), where=folder)
    tell(warnings)
    return document
