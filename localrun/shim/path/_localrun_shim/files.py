"""Files that a script uploads: kept with the run, below the names that it gives them."""

import os
import re
import shutil

from _localrun_shim.journal import locate_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OWN = ("outputs", "logs")
"""Folders of the working directory that belong to the record already."""


def _place(name: str) -> str:
    """Give where a file of that name is kept; empty outside of a run.

    Raises:
        ValueError: the name leads out of the run.
    """
    clean = os.path.normpath(str(name).replace("\\", "/")).lstrip("/")
    if clean.split("/")[0] in ("..", ".", ""):
        raise ValueError(repr(name) + " cannot name a file of a run")
    if clean.split("/")[0] in OWN:
        return os.path.join(os.environ.get("AZUREML_CR_EXECUTION_WORKING_DIR_PATH", os.curdir), clean)
    folder = locate_files()
    return os.path.join(folder, clean) if folder else ""


def copy_in(name: str, source: "Any") -> str:
    """Keep a file, or what a stream holds, under a name; give the name."""
    place = _place(name)
    if not place:
        return name
    os.makedirs(os.path.dirname(place), exist_ok=True)
    if hasattr(source, "read"):
        data = source.read()
        with open(place, "wb") as file:
            file.write(data if isinstance(data, bytes) else str(data).encode("utf-8"))
    elif not (os.path.exists(place) and os.path.samefile(source, place)):
        shutil.copyfile(source, place)
    return name


def save_plot(name: str, plot: "Any") -> str:
    """Keep a plot of matplotlib as a PNG file; give its name."""
    stored = re.sub(r"[^A-Za-z0-9._-]+", "_", name) + ".png"
    place = _place(stored)
    if plot is None:
        raise ValueError("log_image needs a path or a plot")
    if place:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        plot.savefig(place, format="png")
    return stored


def copy_out(name: str, target: "str | None") -> None:
    """Copy a file of the run to a path; None: into the working directory."""
    place = target or os.path.basename(name)
    if os.path.isdir(place):
        place = os.path.join(place, os.path.basename(name))
    shutil.copyfile(_place(name), place)


def list_files() -> "list[str]":
    """List the files of the run by name."""
    directory = os.environ.get("AZUREML_CR_EXECUTION_WORKING_DIR_PATH", os.curdir)
    found = []
    for top, root in [(os.path.join(directory, name), directory) for name in OWN] + [(locate_files(), locate_files())]:
        for path, _, files in os.walk(top) if top else ():
            found += [os.path.relpath(os.path.join(path, file), root) for file in files]
    return sorted(found)
